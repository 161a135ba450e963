"""One training loop for every lab: the loss and the step are passed in, everything else is the same for all.

Two trainings that are compared differ in their loss alone: schedule, clipping and the order of the data are set here.
What keeps a run safe (checkpoints, interrupts, jumps of the loss, memory) wraps the loop: `utils.training.safety`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import nn

from utils.data.batches import Batch, BatchPlan, valid_tokens
from utils.machine import processes as distributed
from utils.settings import plain_number
from utils.training.accumulation import PiecewiseStep
from utils.training.checkpoints import Run
from utils.training.history import History, StepRecord
from utils.training.parts import PartsRecorder
from utils.training.safety import fit_into_memory, kept_safe, require_a_pair_that_can
from utils.training.settings import TrainingSettings
from utils.training.spikes import require_finite
from utils.training.steps import LossFunction, Step, ce_only_step, train_step

__all__ = ["LossFunction", "Step", "TrainingSettings", "ce_only_step", "distill", "train_step"]


def train(run: Run, step: Step, loss: PartsRecorder, batches: Iterable[tuple[int, Batch]]) -> None:
    """The loop itself: a step on each batch, the schedule, and a record of what happened."""
    for epoch, batch in batches:
        value = step(run.student, run.teacher, batch, run.optimizer, loss)
        run.scheduler.step()
        run.history.add(StepRecord(epoch, value, valid_tokens(batch), *loss.means(batch["labels"].device)))


def distill(
    student: nn.Module,
    teacher: nn.Module | None,
    plan: BatchPlan,
    settings: TrainingSettings,
    loss: LossFunction | None = None,
    step: Step = train_step,
    checkpoint: Path | str | None = None,
    name: str = "distilled",
    micro_batch: int | None = None,
) -> History:
    """Train the student in place and return its history.

    `loss` is called as loss(student_logits, teacher_logits, labels); `step` as in `train_step`.  The soft and hard
    parts are recorded apart every few steps, at the temperature that the loss has as a default.  With `checkpoint` an
    interrupt costs nothing and a process that dies at most ten seconds: the same call goes on.  A batch is computed
    `micro_batch` rows at a time (None: as many as the memory holds), and where memory runs out in fewer; under
    `accelerate launch` the processes share its rows.  Either way the update is that of the whole batch.  Raises
    CourseError for a teacher that still learns, a student that cannot be trained in its number type, rows longer than a
    model's context, a step that returns no float, a loss or gradient that is not finite (the student keeps the weights
    of the step before), and a loss that jumps (it gets its last good ones back).
    """
    if micro_batch is not None:
        micro_batch = plain_number("micro_batch", micro_batch, whole=True)
    require_a_pair_that_can(student, teacher, plan, step, micro_batch)
    distributed.join(next(student.parameters()).device)
    history = History(name=name, steps_total=len(plan) * settings.epochs, steps_per_epoch=len(plan))
    optimizer, scheduler = optimizer_of(student, settings, history)
    optimizer.zero_grad()  # a run that was stopped may have left gradients behind
    recorder = PartsRecorder(loss, settings.record_parts_every, history)
    stepper = PiecewiseStep(step, micro_batch, before_retry=recorder.forget)
    checkpoint = None if checkpoint is None else Path(checkpoint)
    run = Run(checkpoint, name, plan, settings, loss, step, student, teacher, optimizer, scheduler, history, stepper)
    run.resume()
    if not history.steps_done:
        fit_into_memory(run)
    with kept_safe(run) as safe:
        train(run, safe.step, recorder, safe.batches(remaining(plan, history)))
    run.finish()
    return history


def optimizer_of(
    student: nn.Module, settings: TrainingSettings, history: History
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """AdamW whose every step is clipped first, and a linear warm-up and decay."""
    parameters = [parameter for parameter in student.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True)

    def clip(*_: object) -> None:
        norm = torch.nn.utils.clip_grad_norm_(parameters, settings.max_gradient_norm)
        require_finite(norm.item(), "gradient's norm", history)

    optimizer.register_step_pre_hook(clip)
    total_steps = history.steps_total
    warm_up = max(1, round(total_steps * settings.warmup_share))
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / warm_up, max(0.0, (total_steps - step) / max(1, total_steps - warm_up))),
    )
    return optimizer, scheduler


def remaining(plan: BatchPlan, history: History) -> Iterator[tuple[int, Batch]]:
    """(epoch, batch) from where the history stops to the end."""
    epochs = history.steps_total // len(plan)
    for epoch in range(history.steps_done // len(plan), epochs):
        done = max(0, history.steps_done - epoch * len(plan))
        for index, batch in enumerate(plan.epoch(epoch)):
            if index >= done:
                yield epoch, batch
