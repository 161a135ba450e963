"""One training loop for every lab: the loss and the step are passed in, the loop keeps everything around them.

The question: did the student learn, and is nothing lost when the run stops?  The mistakes this module prevents: a
comparison of two trainings that differ in more than their loss (schedule, clipping, order of the data), and an hour
of training that dies with its process.  A stopped run goes on from its checkpoint to the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from utils import checkpoints
from utils.batches import Batch, BatchPlan, model_inputs, to_device, valid_tokens
from utils.errors import CourseError
from utils.history import History, StepRecord, TrainingSettings
from utils.interrupts import DeferredInterrupt
from utils.losses import hard_loss, soft_loss
from utils.models import require_frozen

LossFunction = Callable[[Tensor, Tensor, Tensor], Tensor]
Step = Callable[[nn.Module, nn.Module, Batch, torch.optim.Optimizer, LossFunction], float]


def train_step(
    student: nn.Module, teacher: nn.Module, batch: Batch, optimizer: torch.optim.Optimizer, loss_function: LossFunction
) -> float:
    """One update of the student toward the teacher on one batch; returns the loss before the update (nats per token)."""
    student.train()
    optimizer.zero_grad()
    with torch.no_grad():
        teacher_logits = teacher(**model_inputs(batch)).logits
    student_logits = student(**model_inputs(batch)).logits
    loss = loss_function(student_logits, teacher_logits, batch["labels"])
    loss.backward()
    optimizer.step()
    return loss.item()


def ce_only_step(
    student: nn.Module,
    teacher: nn.Module | None,
    batch: Batch,
    optimizer: torch.optim.Optimizer,
    loss_function: LossFunction,
) -> float:
    """The control's step: the same update on the labels alone.  The teacher and the loss function are not asked."""
    student.train()
    optimizer.zero_grad()
    loss = hard_loss(student(**model_inputs(batch)).logits, batch["labels"]).mean()
    loss.backward()
    optimizer.step()
    return loss.item()


def distill(
    student: nn.Module,
    teacher: nn.Module | None,
    plan: BatchPlan,
    settings: TrainingSettings,
    loss: LossFunction | None = None,
    step: Step = train_step,
    checkpoint: Path | None = None,
    name: str = "distilled",
    temperature: float = 1.0,
) -> History:
    """Train the student in place and return its history.

    `loss` is called as loss(student_logits, teacher_logits, labels); `step` as in `train_step`.  The soft and hard parts
    are recorded apart every few steps, at `temperature`.  With `checkpoint` an interrupt, or a process that dies, costs
    at most a few steps: the same call goes on.  Raises CourseError for a teacher that still learns, a student that
    cannot be trained in its number type, and a loss that is not finite.
    """
    if teacher is not None:
        require_frozen(teacher)
    _require_trainable(student)
    optimizer, scheduler = _optimizer(student, settings, total_steps=len(plan) * settings.epochs)
    history = History(name=name, steps_total=len(plan) * settings.epochs, steps_per_epoch=len(plan))
    run = checkpoints.Run(checkpoint, name, plan, settings, loss, student, optimizer, scheduler, history)
    run.resume()
    recorder = _PartsRecorder(loss, temperature, settings.record_parts_every)
    device = next(student.parameters()).device
    interrupt = DeferredInterrupt()
    bar = tqdm(total=history.steps_total, initial=history.steps_done, desc=name, unit="step", disable=None, leave=False)
    try:
        for epoch, batch in _remaining(plan, history):
            torch.manual_seed(settings.seed * 1_000_003 + history.steps_done)  # dropout, the same after a resume
            value = step(student, teacher, to_device(batch, device), optimizer, recorder)
            _require_finite(value, history)
            scheduler.step()
            history.add(StepRecord(epoch, value, valid_tokens(batch), *recorder.take()))
            run.save_now_and_then()
            bar.update()
            bar.set_postfix_str(f"loss {value:.3f}", refresh=False)
            interrupt.raise_if_requested()
    except KeyboardInterrupt:
        run.save_if_whole()
        print(run.how_to_go_on())
        raise
    finally:
        interrupt.restore()
        bar.close()
    run.finish()
    return history


class _PartsRecorder:
    """The loss as the step calls it; every few calls it notes the library's soft and hard parts beside the value."""

    def __init__(self, loss: LossFunction | None, temperature: float, every: int):
        self.loss, self.temperature, self.every = loss, temperature, every
        self.calls = 0
        self.parts: tuple[float | None, float | None] = (None, None)

    def __call__(self, student_logits: Tensor, teacher_logits: Tensor, labels: Tensor) -> Tensor:
        if self.loss is None:
            raise CourseError(
                "This step asks for a loss function, and distill() was given none. Pass loss=distillation_loss."
            )
        if self.calls % self.every == 0:
            with torch.no_grad():
                soft = soft_loss(student_logits, teacher_logits, labels, self.temperature).mean().item()
                hard = hard_loss(student_logits, labels).mean().item()
            self.parts = (soft, hard)
        self.calls += 1
        return self.loss(student_logits, teacher_logits, labels)

    def take(self) -> tuple[float | None, float | None]:
        parts, self.parts = self.parts, (None, None)
        return parts


def _optimizer(
    student: nn.Module, settings: TrainingSettings, total_steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """AdamW whose every step is clipped first, and a linear warm-up and decay."""
    parameters = [parameter for parameter in student.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay)
    optimizer.register_step_pre_hook(
        lambda *_: torch.nn.utils.clip_grad_norm_(parameters, settings.max_gradient_norm) and None
    )
    warm_up = max(1, round(total_steps * settings.warmup_share))
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / warm_up, max(0.0, (total_steps - step) / max(1, total_steps - warm_up))),
    )
    return optimizer, scheduler


def _remaining(plan: BatchPlan, history: History) -> Iterator[tuple[int, Batch]]:
    """(epoch, batch) from where the history stops to the end."""
    epochs = history.steps_total // len(plan)
    for epoch in range(history.steps_done // len(plan), epochs):
        done = max(0, history.steps_done - epoch * len(plan))
        for index, batch in enumerate(plan.epoch(epoch)):
            if index >= done:
                yield epoch, batch


def _require_trainable(student: nn.Module) -> None:
    dtypes = {parameter.dtype for parameter in student.parameters() if parameter.requires_grad}
    if not dtypes:
        raise CourseError("No parameter of the student requires a gradient: nothing would be learned. Unfreeze it.")
    if dtypes & {torch.float16, torch.bfloat16}:
        raise CourseError(
            f"The student's weights are {', '.join(sorted(map(str, dtypes)))}; small updates round away there. "
            "Load it with dtype=torch.float32."
        )


def _require_finite(value: float, history: History) -> None:
    if not isinstance(value, float):
        raise CourseError(
            f"The step returned {type(value).__name__}, not a Python float. Return the loss as a number: loss.item()."
        )
    if not math.isfinite(value):
        raise CourseError(
            f"The loss is {value} at step {history.steps_done + 1} of {history.steps_total}. The likely cause is a "
            "learning rate that is too high, or a loss that divides by zero or takes the logarithm of zero."
        )
