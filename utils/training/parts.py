"""The loss as a step calls it, with the soft and the hard part of the blend noted beside it every few steps."""

from __future__ import annotations

import inspect
import math

import torch
from torch import Tensor

from utils.errors import CourseError
from utils.losses.core import TokenSum, hard_loss, soft_loss
from utils.machine import processes as distributed
from utils.training.history import History
from utils.training.spikes import require_finite
from utils.training.steps import LossFunction


class PartsRecorder:
    """Calls a loss function; every few steps it notes the library's soft and hard parts, at that loss's temperature."""

    def __init__(self, loss: LossFunction | None, every: int, history: History):
        self.loss, self.every, self.history = loss, every, history
        self.temperature = temperature_of(loss)
        self.parts: tuple[TokenSum, TokenSum] | None = None

    def __call__(self, student_logits: Tensor, teacher_logits: Tensor, labels: Tensor) -> Tensor:
        if self.loss is None:
            raise CourseError(
                "This step asks for a loss function, and distill() was given none. Pass loss=distillation_loss."
            )
        try:
            value = self.loss(student_logits, teacher_logits, labels)
        except CourseError as error:
            done, total = self.history.steps_done, self.history.steps_total
            raise CourseError(f"Training stops at step {done + 1} of {total}. {error}") from error
        if isinstance(value, Tensor) and value.numel() == 1 and not math.isfinite(number := value.item()):
            cause = _whose(student_logits, teacher_logits, self.history.steps_done)
            require_finite(number, "loss", self.history, cause)
        # A loss of the reader's may take logits that the library's does not: of two vocabularies, cut to one.
        if self._is_due() and student_logits.shape == teacher_logits.shape:
            with torch.no_grad():
                soft = soft_loss(student_logits, teacher_logits, labels, self.temperature)
                hard = hard_loss(student_logits, labels)
            # A batch may come in pieces.
            self.parts = (soft, hard) if self.parts is None else (self.parts[0] + soft, self.parts[1] + hard)
        return value

    def forget(self) -> None:
        """What was noted belongs to a step that is taken again."""
        self.parts = None

    def means(self, device: torch.device) -> tuple[float | None, float | None]:
        """The step's soft and hard part in nats per token of the whole batch, over all processes; None unless noted."""
        if not self._is_due():
            return None, None
        noted, self.parts = self.parts or (), None
        numbers = [float(number) for part in noted for number in (part.total, part.count)] or [0.0] * 4
        sums = torch.tensor(numbers, device=device)
        distributed.add_up([sums])  # a process without a row of this batch takes part as well
        soft, soft_count, hard, hard_count = sums.tolist()
        return (soft / soft_count, hard / hard_count) if soft_count else (None, None)

    def _is_due(self) -> bool:
        return self.history.steps_done % self.every == 0


def temperature_of(loss: LossFunction | None) -> float:
    """The temperature that a loss function computes at: the default of its argument `temperature`; 1 if it has none.

    `functools.partial(distillation_loss, temperature=2.0)` has the default 2.
    """
    try:
        default = inspect.signature(loss).parameters["temperature"].default
    except (TypeError, ValueError, KeyError):  # no function, one that Python cannot read, or without a temperature
        return 1.0
    return float(default) if isinstance(default, int | float) and default > 0 else 1.0


def _whose(student_logits: Tensor, teacher_logits: Tensor, steps_done: int) -> str:
    """The likely cause of a loss that is not finite, from the logits it was given; empty where they are finite."""
    if not torch.isfinite(student_logits).all():
        if not steps_done:
            return "the student: its logits hold NaN or infinity before the first update. Load it again"
        return "a learning rate that is too high: the student's logits hold NaN or infinity. Try a third of it"
    if not torch.isfinite(teacher_logits).all():
        return "the teacher: its logits hold NaN or infinity, whatever the student does. Load it again"
    return ""
