"""Make the pair of Labs 5 and 6: two Llamas that read one character at a time, and their tokenizer.

    python -m utils.pretrained.make_reasoning_pair --work DIR [--quick] [--only teacher]

The teacher reads solutions of `utils.labs.arithmetic`, steps written out.  The student reads solutions of the shortest
questions alone, of one or two operations, so the labs' own questions are new to it.  Everything follows from the seeds
in RECIPES.  A stopped run goes on where it was.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import time
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from tqdm.auto import tqdm
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from utils.data.batches import IGNORE
from utils.labs.arithmetic import FORMS, questions
from utils.machine.allocator import keep_freed_memory

HERE = Path(__file__).resolve().parent / "reasoning"
END_OF_TEXT, PADDING = "<|endoftext|>", "<|pad|>"
CONTEXT = 384
UNKNOWN_SHARE = 0.05


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Size and training of one model.  lengths: how many operations the questions have whose solutions it reads."""

    lengths: tuple[int, ...]
    layers: int
    width: int
    heads: int
    mlp: int
    steps: int
    batch: int = 64
    learning_rate: float = 3e-3
    warm_up_steps: int = 50
    decay_share: float = 0.4
    weight_decay: float = 0.05
    seed: int = 0


RECIPES = {
    "student": Recipe((1, 2), layers=3, width=64, heads=4, mlp=128, steps=1200, batch=32, seed=1),
    "teacher": Recipe((2, 3, 4, 5), layers=6, width=128, heads=4, mlp=256, steps=800, batch=32, seed=2),
}
QUICK_SHARE = 1 / 20


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Every character that the task writes is a token."""
    shown = questions(200, unknown=0.5)
    written = {sign for question in shown for form in FORMS for sign in question.text + "\n" + question.trace(form)}
    signs = [END_OF_TEXT, PADDING, *sorted(written | set("0123456789"))]
    tokenizer = Tokenizer(models.WordLevel({sign: number for number, sign in enumerate(signs)}, unk_token=END_OF_TEXT))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END_OF_TEXT, bos_token=END_OF_TEXT, unk_token=END_OF_TEXT,
        pad_token=PADDING, model_max_length=CONTEXT,
    )  # fmt: skip


def batch_at(step: int, recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> dict[str, torch.Tensor]:
    """The rows of one step, padded on the right; of a solution the question is not learned."""
    length = recipe.lengths[step % len(recipe.lengths)]  # rows of like length need little padding
    asked = questions(recipe.batch, (length,), seed=recipe.seed * 1_000_000 + step, unknown=UNKNOWN_SHARE)
    rows = [(one.text + "\n", one.trace()) for one in asked]
    pairs = [[tokenizer(part, add_special_tokens=False)["input_ids"] for part in row] for row in rows]
    longest = max(len(first) + len(second) + 1 for first, second in pairs)
    ids = torch.full((len(pairs), longest), tokenizer.pad_token_id)
    labels = torch.full_like(ids, IGNORE)
    for place, (first, second) in enumerate(pairs):
        row = torch.tensor([*first, *second, tokenizer.eos_token_id])
        ids[place, : len(row)] = row
        labels[place, len(first) : len(row)] = row[len(first) :]
    return {"input_ids": ids, "labels": labels}


def train(
    name: str, recipe: Recipe, tokenizer: PreTrainedTokenizerFast, folder: Path
) -> tuple[LlamaForCausalLM, float]:
    """Train to the end of the recipe, with Muon on the blocks' matrices; the model, and the hours over all its runs."""
    torch.manual_seed(recipe.seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=recipe.width, intermediate_size=recipe.mlp,
            num_hidden_layers=recipe.layers, num_attention_heads=recipe.heads, num_key_value_heads=recipe.heads,
            max_position_embeddings=CONTEXT, tie_word_embeddings=True, bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
        )
    )  # fmt: skip
    inside = {id(p) for p in model.model.layers.parameters() if p.ndim == 2}
    rest = [p for p in model.parameters() if id(p) not in inside]
    matrices = [p for p in model.parameters() if id(p) in inside]
    rate, decay = recipe.learning_rate, recipe.weight_decay
    optimizers = [
        torch.optim.Muon(matrices, lr=rate, momentum=0.95, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.95), weight_decay=decay),
    ]
    checkpoint = folder / f"{name}.checkpoint.pt"
    first, seconds = _resumed(checkpoint, recipe, model, optimizers)
    started = time.perf_counter() - seconds
    for step in (bar := tqdm(range(first, recipe.steps), initial=first, total=recipe.steps, desc=name, mininterval=20)):
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * _scale(step, recipe)
        loss = model(**batch_at(step, recipe, tokenizer), use_cache=False).loss
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        if step % 50 == 49:
            bar.set_postfix_str(f"loss {loss.item():.4f}", refresh=False)
            state = {"recipe": dataclasses.asdict(recipe), "step": step + 1, "seconds": time.perf_counter() - started}
            state |= {"model": model.state_dict(), "optimizers": [each.state_dict() for each in optimizers]}
            torch.save(state, checkpoint.with_suffix(".partial"))
            checkpoint.with_suffix(".partial").replace(checkpoint)
    return model, (time.perf_counter() - started) / 3600


def _scale(step: int, recipe: Recipe) -> float:
    decay = math.ceil(recipe.steps * recipe.decay_share)
    return min(1.0, (step + 1) / recipe.warm_up_steps, (recipe.steps - step) / decay)


def _resumed(path: Path, recipe: Recipe, model: LlamaForCausalLM, optimizers: list) -> tuple[int, float]:
    if not path.exists():
        return 0, 0.0
    state = torch.load(path, weights_only=True)
    if state["recipe"] != dataclasses.asdict(recipe):
        raise SystemExit(f"{path} was made with another recipe. Remove it to begin anew.")
    model.load_state_dict(state["model"])
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    return state["step"], state["seconds"]


def main() -> None:
    """Make the tokenizer and both models, and write them with an account of how."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--out", type=Path, default=HERE, help="where teacher/ and student/ are written")
    parser.add_argument("--only", choices=RECIPES, help="make one of the two")
    parser.add_argument("--quick", action="store_true", help="a twentieth of the steps")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    keep_freed_memory()
    tokenizer = make_tokenizer()
    for name, recipe in RECIPES.items():
        if arguments.only not in (None, name):
            continue
        if arguments.quick:
            recipe = dataclasses.replace(recipe, steps=math.ceil(recipe.steps * QUICK_SHARE))
        model, hours = train(name, recipe, tokenizer, arguments.work)
        model.to(torch.float16).save_pretrained(arguments.out / name)
        tokenizer.save_pretrained(arguments.out / name)
        account = {
            "model": name, "recipe": dataclasses.asdict(recipe), "hours": round(hours, 3), "torch": torch.__version__,
            "threads": torch.get_num_threads(), "parameters": model.num_parameters(),
        }  # fmt: skip
        (arguments.out / f"{name}.json").write_text(json.dumps(account, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
