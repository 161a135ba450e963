"""Train one GPT-2 from nothing: Muon for the hidden matrices, AdamW for the rest, and a run that can be resumed.

The question: how much can two CPU cores learn in an hour?  Orthogonalised momentum (Muon, in torch itself) on the
two-dimensional weights of the blocks learned about as much in minutes here as AdamW alone in half an hour.  Every
batch follows from the seed and the step alone, so a run that was stopped goes on to the same weights.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from tqdm.auto import tqdm
from transformers import GPT2Config, GPT2LMHeadModel

WINDOW = 256


class Scheduled(Protocol):
    """What both recipes of this folder have: `scale_at`, `save` and `resume` serve either."""

    learning_rate: float
    weight_decay: float
    warm_up_steps: int
    decay_share: float
    steps: int


@dataclass(frozen=True)
class Recipe:
    """Size and training of one model.  `target_share` is the share of every batch that comes from the target's text."""

    layers: int
    width: int
    heads: int
    tokens: int
    target_share: float
    batch: int = 16
    learning_rate: float = 6e-3
    warm_up_steps: int = 50
    decay_share: float = 0.4
    weight_decay: float = 0.05
    seed: int = 0

    @property
    def steps(self) -> int:
        return self.tokens // (self.batch * WINDOW)


def new_model(recipe: Recipe, vocabulary: int, eos_token_id: int) -> GPT2LMHeadModel:
    """A GPT-2 with random weights, without dropout, for windows of 256 tokens."""
    torch.manual_seed(recipe.seed)
    config = GPT2Config(
        vocab_size=vocabulary, n_positions=WINDOW, n_embd=recipe.width, n_layer=recipe.layers, n_head=recipe.heads,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=eos_token_id, eos_token_id=eos_token_id,
    )  # fmt: skip
    return GPT2LMHeadModel(config)


def batch_at(step: int, recipe: Recipe, general: np.ndarray, target: np.ndarray) -> torch.Tensor:
    """The (batch, 256) token ids of one step.  Windows are drawn without repetition within an epoch of each stream."""
    from_target = round(recipe.batch * recipe.target_share)
    rows = [
        _window(general, step * (recipe.batch - from_target) + row, recipe.seed)
        for row in range(recipe.batch - from_target)
    ]
    rows += [_window(target, step * from_target + row, recipe.seed + 1) for row in range(from_target)]
    return torch.from_numpy(np.stack(rows).astype(np.int64))


def _window(stream: np.ndarray, draw: int, seed: int) -> np.ndarray:
    windows = len(stream) // WINDOW - 1
    epoch, position = divmod(draw, windows)
    start = int(_permutation(windows, seed, epoch)[position]) * WINDOW + (epoch * 97) % WINDOW
    return stream[start : start + WINDOW]


_permutations: dict[tuple[int, int, int], np.ndarray] = {}


def _permutation(windows: int, seed: int, epoch: int) -> np.ndarray:
    key = (windows, seed, epoch)
    if key not in _permutations:
        _permutations[key] = np.random.Generator(np.random.PCG64([seed, epoch])).permutation(windows)
    return _permutations[key]


def pretrain(
    name: str, recipe: Recipe, general: np.ndarray, target: np.ndarray, vocabulary: int, eos_token_id: int, folder: Path
) -> tuple[GPT2LMHeadModel, float]:
    """Train to the end of the recipe; returns the model and the hours it took, over all its runs.

    `general` and `target` are streams of token ids.  A checkpoint in `folder` is written every 200 steps and on an
    interrupt, and the next call goes on from it.
    """
    model = new_model(recipe, vocabulary, eos_token_id)
    optimizers = muon_and_adamw(model, [p for n, p in model.named_parameters() if p.ndim == 2 and ".h." in n], recipe)
    checkpoint = folder / f"{name}.checkpoint.pt"
    step, seconds = resume(checkpoint, recipe, model, optimizers)
    forward = torch.compile(model) if torch.backends.mkldnn.is_available() else model
    started = time.perf_counter() - seconds
    bar = tqdm(total=recipe.steps, initial=step, desc=name, mininterval=20)
    try:
        while step < recipe.steps:
            loss = _train_step(
                forward, optimizers, batch_at(step, recipe, general, target), scale_at(step, recipe), recipe
            )
            step += 1
            bar.update()
            if step % 50 == 0:
                bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
            if step % 200 == 0:
                save(checkpoint, recipe, step, time.perf_counter() - started, model, optimizers)
    except KeyboardInterrupt:
        save(checkpoint, recipe, step, time.perf_counter() - started, model, optimizers)
        print(f"Stopped at step {step} of {recipe.steps}; the same command goes on from there.")
        raise
    bar.close()
    return model, (time.perf_counter() - started) / 3600


def _train_step(
    forward: torch.nn.Module, optimizers: list, input_ids: torch.Tensor, scale: float, recipe: Recipe
) -> float:
    set_rate(optimizers, recipe.learning_rate * scale)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = forward(input_ids).logits
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].float().flatten(0, 1), input_ids[:, 1:].flatten())
    loss.backward()
    step_all(optimizers)
    return loss.item()


def muon_and_adamw(model: torch.nn.Module, matrices: Sequence[torch.nn.Parameter], recipe: Scheduled) -> list:
    """Muon for these matrices and AdamW for all other parameters, at one learning rate."""
    chosen = {id(parameter) for parameter in matrices}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in chosen]
    rate, decay = recipe.learning_rate, recipe.weight_decay
    return [
        torch.optim.Muon(matrices, lr=rate, momentum=0.95, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.95), weight_decay=decay),
    ]


def set_rate(optimizers: list, rate: float) -> None:
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate


def step_all(optimizers: list) -> None:
    """Update, and clear the gradients."""
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()


def scale_at(step: int, recipe: Scheduled) -> float:
    """What the learning rate is multiplied by: linear warm-up, constant, linear decay."""
    decay = recipe.steps * recipe.decay_share
    return min(1.0, (step + 1) / recipe.warm_up_steps, max(0.0, (recipe.steps - step) / math.ceil(decay)))


def save(path: Path, recipe: Scheduled, step: int, seconds: float, model: torch.nn.Module, optimizers: list) -> None:
    """A checkpoint, written whole."""
    state = {
        "recipe": asdict(recipe), "step": step, "seconds": seconds, "model": model.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
    }  # fmt: skip
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def resume(path: Path, recipe: Scheduled, model: torch.nn.Module, optimizers: list) -> tuple[int, float]:
    """The steps done and the seconds that they took; 0 where no run has begun."""
    if not path.exists():
        return 0, 0.0
    state = torch.load(path, weights_only=True)
    if state["recipe"] != asdict(recipe):
        raise SystemExit(f"{path} was made with another recipe: {state['recipe']}. Remove it to begin anew.")
    model.load_state_dict(state["model"])
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    return state["step"], state["seconds"]
