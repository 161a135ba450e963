"""The expected numbers of ``train_step``: weights, gradients and losses of steps done right, in double precision.

A step is not judged by its loss alone: one that never moves the student returns a perfectly good number.
"""

from __future__ import annotations

import numpy as np
import torch

from grader.exercises.lab02.train_step.hints import HINTS
from grader.exercises.toys import step_probes
from utils.checks.plain import plain
from utils.checks.plays.toys import batches_of, flat, model_of
from utils.checks.plays.train_step import LEARNING_RATE, spy_loss
from utils.checks.records import Probe, Table


def _gradient(
    student: torch.nn.Module, teacher: torch.nn.Module, batch: dict[str, torch.Tensor]
) -> tuple[float, torch.Tensor, tuple]:
    """The loss of one batch, the student's gradient in one row, and the logits of both."""
    logits = student(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    with torch.no_grad():
        target = teacher(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    loss = spy_loss(logits, target, batch["labels"])
    found = torch.autograd.grad(loss, list(student.parameters()))
    return loss.item(), torch.cat([part.reshape(-1) for part in found]), (logits, target)


def _move(student: torch.nn.Module, gradient: torch.Tensor) -> None:
    start = 0
    with torch.no_grad():
        for parameter in student.parameters():
            parameter -= LEARNING_RATE * gradient[start : start + parameter.numel()].view_as(parameter)
            start += parameter.numel()


def _expected(index: int, probe: Probe) -> dict[str, np.ndarray]:
    student, teacher = (model_of(probe, which).double() for which in ("student", "teacher"))
    start = f"expected/{index}/"
    numbers = {start + "before": flat(student), start + "teacher": flat(teacher)}
    losses, after, weights = [], [], []
    for place, batch in enumerate(batches_of(probe)):
        loss, gradient, (logits, target) = _gradient(student, teacher, batch)
        _move(student, gradient)
        losses.append(loss)
        weights.append(flat(student))
        after.append(_gradient(student, teacher, batch)[0])
        numbers |= {f"{start}loss/{place}/student": plain(logits), f"{start}loss/{place}/teacher": plain(target)}
    return numbers | {
        start + "value": np.array(losses),
        start + "after": np.array(after),
        start + "weights": np.stack(weights),
    }


def table(seed: int | None = None) -> Table:
    """Probes and what a right step gives on each."""
    calls = step_probes(seed)
    numbers: dict[str, np.ndarray] = {}
    for index, probe in enumerate(calls):
        numbers |= _expected(index, probe)
    return Table("train_step", calls, numbers, {"judge": "steps", "forms": ["float"] * len(calls), "hints": HINTS})
