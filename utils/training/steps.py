"""One update of the student on one batch: toward the teacher, or on the labels alone."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from utils.data.batches import Batch, model_inputs
from utils.losses.core import hard_loss

LossFunction = Callable[[Tensor, Tensor, Tensor], Tensor]  # (student_logits, teacher_logits, labels) -> nats per token
Step = Callable[[nn.Module, nn.Module | None, Batch, torch.optim.Optimizer, LossFunction], float]


def train_step(
    student: nn.Module, teacher: nn.Module, batch: Batch, optimizer: torch.optim.Optimizer, loss_function: LossFunction
) -> float:
    """One update of the student toward the teacher on one batch; returns the loss before it (nats per token)."""
    with torch.no_grad():
        teacher_logits = teacher(**model_inputs(batch)).logits
    return update(
        student,
        optimizer,
        lambda: loss_function(student(**model_inputs(batch)).logits, teacher_logits, batch["labels"]),
    )


def ce_only_step(
    student: nn.Module,
    teacher: nn.Module | None,
    batch: Batch,
    optimizer: torch.optim.Optimizer,
    loss_function: LossFunction,
) -> float:
    """The control's step: the same update on the labels alone.  The teacher and the loss function are not asked."""
    return update(student, optimizer, lambda: hard_loss(student(**model_inputs(batch)).logits, batch["labels"]).mean())


def update(student: nn.Module, optimizer: torch.optim.Optimizer, loss_of: Callable[[], Tensor]) -> float:
    """What every step shares: the student, in train mode, takes one step down the loss that `loss_of()` computes.

    Returns that loss as a Python float.
    """
    student.train()
    optimizer.zero_grad()
    loss = loss_of()
    loss.backward()
    optimizer.step()
    return loss.item()
