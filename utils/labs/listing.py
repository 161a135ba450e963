"""A distillation listing as it is often printed, with its errors, to run and to measure.

The question: what does each error cost?  Every one is a switch, so it can be made alone.  The listing runs without a
warning and its loss falls, which is why the errors survive: only a control and a correct perplexity show them.
Do not copy from here; `utils.losses.core` and `utils.measuring.evaluation` hold what is right.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from utils.data.batches import IGNORE, Batch, model_inputs, to_device


@dataclass(frozen=True)
class Errors:
    """Which of the listing's errors to make."""

    divides_by_rows: bool = False
    no_shift: bool = False
    padding_counts: bool = False


ALL = Errors(divides_by_rows=True, no_shift=True, padding_counts=True)
ALONE = {
    "the soft part is divided by rows, not by tokens": Errors(divides_by_rows=True),
    "labels are not shifted": Errors(no_shift=True),
    "padding counts": Errors(padding_counts=True),
    "all three, as printed": ALL,
}


def listing_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    labels: Tensor,
    temperature: float = 3.0,
    alpha: float = 0.5,
    errors: Errors = ALL,
    pad_token_id: int = 0,
) -> Tensor:
    """The blend alpha * T^2 * KL + (1 - alpha) * CE with the given errors; shapes as in utils.losses.core.

    Without any error it is `utils.losses.core.distillation_loss`.  The listing pads labels with the pad token where
    ours say -100, so with `padding_counts` those labels become `pad_token_id` again.
    """
    if errors.padding_counts:
        labels = labels.masked_fill(labels == IGNORE, pad_token_id)
    if not errors.no_shift:
        student_logits, teacher_logits, labels = student_logits[:, :-1], teacher_logits[:, :-1], labels[:, 1:]
    valid = labels != IGNORE
    student, teacher = student_logits[valid], teacher_logits[valid]
    divergence = F.kl_div(
        F.log_softmax(student / temperature, dim=-1), F.softmax(teacher / temperature, dim=-1), reduction="sum"
    )
    soft = divergence / (len(labels) if errors.divides_by_rows else len(student))
    hard = F.cross_entropy(student, labels[valid])
    return alpha * temperature**2 * soft + (1 - alpha) * hard


def listing_with(errors: Errors, temperature: float, alpha: float, pad_token_id: int) -> Callable[..., Tensor]:
    """The listing's loss with its settings bound, to be passed to `distill`."""
    return functools.partial(
        listing_loss, temperature=temperature, alpha=alpha, errors=errors, pad_token_id=pad_token_id
    )


def listing_perplexity(model: nn.Module, batches: Sequence[Batch]) -> float:
    """The listing's perplexity: pads count in each batch's mean, which is then weighted by its real tokens.

    The mean runs over all positions after the shift, the weight counts one token too many a row.
    """
    model.eval()
    total, count = 0.0, 0
    for batch in batches:
        batch = to_device(batch, next(model.parameters()).device)
        with torch.no_grad():
            logits = model(**model_inputs(batch)).logits[:, :-1]
        targets = batch["input_ids"][:, 1:]
        mean = F.cross_entropy(logits.flatten(0, 1), targets.flatten()).item()
        real = int(batch["attention_mask"].sum())
        total, count = total + mean * real, count + real
    return math.exp(total / count)
