"""Lab 4's experiments around a draft: text that the target wrote, the acceptance on it, and real rounds counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from utils.configuration import text_config
from utils.data.batches import IGNORE, Row, model_inputs, pad, to_device
from utils.decoding.chance import Seeded
from utils.decoding.drafts import Draft
from utils.decoding.rules import overlap, verify
from utils.decoding.speculative import Rule, Statistics, speculate
from utils.training.loop import LossFunction

BATCH = 40
AcceptanceRate = Callable[[Tensor, Tensor, Tensor], Tensor]


def predicting(labels: Tensor) -> Tensor:
    """The positions whose logits predict a token that counts: (B, S) labels -> (B, S) bool, already shifted."""
    return F.pad(labels[:, 1:], (0, 1), value=IGNORE) != IGNORE


def as_training_loss(loss: Callable[[Tensor, Tensor, Tensor], Tensor]) -> LossFunction:
    """A loss of (draft_logits, target_logits, mask) as the training loop calls it, with labels."""

    def called(student_logits: Tensor, teacher_logits: Tensor, labels: Tensor) -> Tensor:
        return loss(student_logits, teacher_logits, predicting(labels))

    return called


@torch.no_grad()
def write_on(model: PreTrainedModel, prompts: Sequence[Sequence[int]], tokens: int, seed: int) -> list[list[int]]:
    """Each prompt and what the model goes on with, drawn at T = 1, up to and with an end of text.

    The prompts have one length, so nothing is padded on the left.
    """
    found: list[list[int]] = []
    end = text_config(model).eos_token_id
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for start in range(0, len(prompts), BATCH):
            ids = torch.tensor(prompts[start : start + BATCH], device=model.device)
            out = model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, do_sample=True, top_k=0,
                top_p=1.0, temperature=1.0, use_cache=True, pad_token_id=end,
            )  # fmt: skip
            found += [_up_to_the_end(row, ids.shape[1], end) for row in out.tolist()]
    return found


def _up_to_the_end(ids: list[int], prompt: int, end: int) -> list[int]:
    new = ids[prompt:]
    return ids[: prompt + new.index(end) + 1] if end in new else ids


def continuation_rows(texts: Sequence[Sequence[int]], prompt: int) -> list[Row]:
    """Rows of which only what follows the first `prompt` tokens counts."""
    return [Row(tuple(ids), (IGNORE,) * prompt + tuple(ids[prompt:]), f"prompt {i}", 0) for i, ids in enumerate(texts)]


@torch.no_grad()
def acceptance_on(
    rows: Sequence[Row], target: nn.Module, draft: nn.Module, pad_token_id: int, rate: AcceptanceRate
) -> float:
    """The acceptance over all rows; rate: as `acceptance_rate`, such as the one that you wrote."""
    total, count = 0.0, 0
    device = next(target.parameters()).device
    for start in range(0, len(rows), BATCH):
        batch = to_device(pad(rows[start : start + BATCH], pad_token_id), device)
        mask = predicting(batch["labels"])
        logits = [model(**model_inputs(batch)).logits for model in (target, draft)]
        total += float(rate(*logits, mask)) * int(mask.sum())
        count += int(mask.sum())
    return total / count


def recorded_acceptance(recorded: Mapping) -> dict[str, dict]:
    """The recorded acceptance of the drafts that learned from human rows, by name, with its interval and its seeds.

    CE-only is the one whose learning rate is best for its perplexity, as one would choose it.
    """
    drafts = dict(recorded["drafts"])
    drafts["CE-only"] = drafts.pop("CE-only, best perplexity")
    return {
        name: {key: one["written"][key] for key in ("share", "low", "high")} | {"seeds": one["seeds"]}
        for name, one in drafts.items()
        if not name.endswith((", cut", ", written"))
    }


def rounds_on(
    target: PreTrainedModel,
    draft: Draft,
    prompts: Sequence[Sequence[int]],
    tokens: int,
    gamma: int,
    rule: Rule = verify,
    seed: int = 0,
) -> Statistics:
    """The rounds of all prompts together, sampled at T = 1."""
    found = Statistics()
    for number, prompt in enumerate(prompts):
        end = text_config(target).eos_token_id
        done = speculate(target, draft, prompt, tokens, gamma, chance=Seeded(seed + number), end_of_text=end, rule=rule)
        found.rounds += done.statistics.rounds
        found.prompt_seconds += done.statistics.prompt_seconds
    return found


@torch.no_grad()
def overlaps(target: nn.Module, draft: nn.Module, rows: Sequence[Row], pad_token_id: int) -> dict[str, list]:
    """For each row: sum min(p, q) added up over the tokens that count, how often the argmaxes agree, how many count.

    "by token" holds the row's single values, in order.
    """
    found: dict[str, list] = {"overlap": [], "same argmax": [], "tokens": [], "by token": []}
    for start in range(0, len(rows), 16):
        batch = pad(rows[start : start + 16], pad_token_id)
        logits = [model(**model_inputs(batch)).logits.float() for model in (target, draft)]
        same = logits[0].argmax(dim=-1) == logits[1].argmax(dim=-1)
        for values, alike, mask in zip(overlap(*logits), same, predicting(batch["labels"]), strict=True):
            found["overlap"].append(values[mask].double().sum().item())
            found["same argmax"].append(int(alike[mask].sum()))
            found["tokens"].append(int(mask.sum()))
            found["by token"].append([round(value, 4) for value in values[mask].tolist()])
    return found
