"""The expected numbers of ``train_step``: weights, gradients and losses of steps done right.

Computed by running a right step on the toys in double precision. The mistake this prevents is to judge a training step
by its loss alone: a step that never moves the student returns a perfectly good number.
"""

from __future__ import annotations

import numpy as np
import torch

from grader.exercises.toy_probes import step_probes
from utils.checks import toys
from utils.checks.plain import plain
from utils.checks.records import Probe, Table


def _gradient(
    student: toys.Toy, teacher: toys.Toy, batch: dict[str, torch.Tensor]
) -> tuple[float, torch.Tensor, tuple]:
    """The loss of one batch, the student's gradient in one row, and the logits of both."""
    logits = student(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    with torch.no_grad():
        target = teacher(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    loss = toys.spy_loss(logits, target, batch["labels"])
    found = torch.autograd.grad(loss, list(student.parameters()))
    return loss.item(), torch.cat([part.reshape(-1) for part in found]), (logits, target)


def _move(student: toys.Toy, gradient: torch.Tensor) -> None:
    start = 0
    with torch.no_grad():
        for parameter in student.parameters():
            parameter -= toys.LEARNING_RATE * gradient[start : start + parameter.numel()].view_as(parameter)
            start += parameter.numel()


def _expected(index: int, probe: Probe) -> dict[str, np.ndarray]:
    student, teacher = (toys.build(probe, which, which == "teacher").double() for which in ("student", "teacher"))
    teacher.eval()
    start = f"expected/{index}/"
    numbers = {start + "before": _row(student), start + "teacher": _row(teacher)}
    losses, after, weights = [], [], []
    for place, batch in enumerate(toys.batches(probe)):
        loss, gradient, (logits, target) = _gradient(student, teacher, batch)
        _move(student, gradient)
        losses.append(loss)
        weights.append(_row(student))
        after.append(_gradient(student, teacher, batch)[0])
        numbers |= {f"{start}loss/{place}/student": plain(logits), f"{start}loss/{place}/teacher": plain(target)}
    return numbers | {
        start + "value": np.array(losses),
        start + "after": np.array(after),
        start + "weights": np.stack(weights),
    }


def _row(model: toys.Toy) -> np.ndarray:
    return np.concatenate([plain(parameter).reshape(-1) for parameter in model.parameters()])


def table(seed: int | None = None) -> Table:
    """Probes and what a right step gives on each."""
    calls = step_probes(seed)
    numbers: dict[str, np.ndarray] = {}
    for index, probe in enumerate(calls):
        numbers |= _expected(index, probe)
    return Table("train_step", calls, numbers, {"returns": "float"})
