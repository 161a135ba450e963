"""One training loop for every lab: the loss and the step are passed in, the loop keeps everything around them.

The question: did the student learn, and is nothing lost when the run stops?  The mistakes this module prevents: a
comparison of two trainings that differ in more than their loss (schedule, clipping, order of the data), and an hour
of training that dies with its process.  A stopped run goes on from its checkpoint to the same numbers, a loss or
gradient that is not finite stops the run before it reaches the weights, and one that explodes takes them back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from utils.data.batches import Batch, BatchPlan, model_inputs, to_device, valid_tokens
from utils.errors import CourseError
from utils.losses.core import TokenSum, hard_loss, soft_loss
from utils.machine import processes as distributed
from utils.machine import progress
from utils.machine.interrupts import DeferredInterrupt
from utils.machine.memory import choose_memory_plan, recompute_layers
from utils.models.forward import computes_in
from utils.models.loading import require_context, require_frozen
from utils.models.proof import require_packable
from utils.settings import plain_number
from utils.training import checkpoints
from utils.training.accumulation import PiecewiseStep, Step
from utils.training.history import History, StepRecord, TrainingSettings
from utils.training.spikes import SpikeGuard, require_finite

LossFunction = Callable[[Tensor, Tensor, Tensor], Tensor]


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


def distill(
    student: nn.Module,
    teacher: nn.Module | None,
    plan: BatchPlan,
    settings: TrainingSettings,
    loss: LossFunction | None = None,
    step: Step = train_step,
    checkpoint: Path | str | None = None,
    name: str = "distilled",
    temperature: float = 1.0,
    micro_batch: int | None = None,
) -> History:
    """Train the student in place and return its history.

    `loss` is called as loss(student_logits, teacher_logits, labels); `step` as in `train_step`.  The soft and hard
    parts are recorded apart every few steps, at `temperature`.  With `checkpoint` an interrupt costs nothing and a
    process that dies at most ten seconds: the same call goes on.  A batch is computed `micro_batch` rows at a time
    (None: as many as the memory holds), and where memory runs out in fewer; under `accelerate launch` the processes
    share its rows.  Either way the update is that of the whole batch.  Raises CourseError for a teacher that still
    learns, a student that cannot be trained in its number type, rows longer than a model's context, a step that
    returns no float, a loss or gradient that is not finite (the student keeps the weights of the step before), and a
    loss that jumps (it gets its last good ones back).
    """
    if micro_batch is not None:
        micro_batch = plain_number("micro_batch", micro_batch, whole=True)
    temperature = plain_number("temperature", temperature, whole=False)
    _require_a_pair_that_can(student, teacher, plan, step, micro_batch)
    distributed.join(next(student.parameters()).device)
    history = History(name=name, steps_total=len(plan) * settings.epochs, steps_per_epoch=len(plan))
    optimizer, scheduler = _optimizer(student, settings, history)
    optimizer.zero_grad()  # a run that was stopped may have left gradients behind
    recorder = _PartsRecorder(loss, temperature, settings.record_parts_every, history)
    stepper = PiecewiseStep(step, micro_batch, before_retry=recorder.forget)
    checkpoint = None if checkpoint is None else Path(checkpoint)
    run = checkpoints.Run(
        checkpoint, name, plan, settings, loss, step, student, teacher, optimizer, scheduler, history, stepper
    )
    run.resume()
    if not history.steps_done:
        _fit_into_memory(run)
    _take_the_steps(run, recorder)
    run.finish()
    return history


def _require_a_pair_that_can(
    student: nn.Module, teacher: nn.Module | None, plan: BatchPlan, step: Step, micro_batch: int | None
) -> None:
    """Raise CourseError where the run could not begin; a teacher is put into eval mode."""
    _require_trainable(student)
    if micro_batch is not None and micro_batch < 1:
        raise CourseError(f"micro_batch is {micro_batch}; it is how many rows are computed at once, at least 1.")
    require_context(student, plan.rows)
    if plan.pack_length:
        require_packable(student, plan.rows, "student")
    if teacher is not None:
        require_frozen(teacher)
        require_context(teacher, plan.rows)
        teacher.eval()
        if plan.pack_length and isinstance(teacher, PreTrainedModel):
            require_packable(teacher, plan.rows, "teacher")
    elif step is train_step:
        raise CourseError("There is no teacher to learn from. Give one, or train on labels alone: step=ce_only_step.")


def _take_the_steps(run: checkpoints.Run, recorder: _PartsRecorder) -> None:
    """All steps that the history lacks; what was done is kept, whatever ends them."""
    student, history = run.student, run.history
    device = next(student.parameters()).device
    guard = SpikeGuard(run)
    total, done, quiet = history.steps_total, history.steps_done, bool(distributed.rank())
    bar = progress.bar(total=total, initial=done, desc=run.name, unit="step", quiet=quiet)
    interrupt = DeferredInterrupt()
    if run.recompute:
        recompute_layers(student, True)
    try:
        for epoch, batch in _remaining(run.plan, history):
            _seed_dropout(run.settings.seed, history.steps_done)
            value = run.stepper(student, run.teacher, to_device(batch, device), run.optimizer, recorder)
            _require_float(value)
            value = float(value)  # numpy's own float is one too, and no checkpoint holds it
            guard.require_finite(value)
            run.scheduler.step()
            history.add(StepRecord(epoch, value, valid_tokens(batch), *recorder.means(device)))
            guard.after_step()
            if not guard.looks_like_a_jump():
                run.save_now_and_then()
            bar.update()
            bar.set_postfix_str(f"loss {value:.3f}", refresh=False)
            interrupt.raise_if_requested()
    except KeyboardInterrupt:
        run.save_if_whole()
        raise KeyboardInterrupt(run.how_to_go_on()) from None
    except Exception:
        run.save_if_whole()
        raise
    finally:
        interrupt.restore()
        bar.close()
        if run.recompute:
            recompute_layers(student, False)


def _fit_into_memory(run: checkpoints.Run) -> None:
    """Choose how a batch is computed, and say so where there was a choice; `micro_batch` leaves none."""
    if run.stepper.rows is not None:
        return
    student, plan = run.student, run.plan
    device = next(student.parameters()).device
    length = plan.pack_length or max(len(row.input_ids) for row in plan.rows)
    rows = -(-min(plan.batch_size, len(plan.rows)) // distributed.size())
    chosen = choose_memory_plan(student, run.teacher, rows, length, device)
    run.stepper.rows, run.recompute = chosen.rows, chosen.recompute
    if not distributed.rank() and (chosen.rows is not None or chosen.recompute or device.type != "cpu"):
        print(f"{run.name}: {chosen.describe(rows, computes_in(student))}")


class _PartsRecorder:
    """The loss as the step calls it; every few steps it notes the library's soft and hard parts beside the value."""

    def __init__(self, loss: LossFunction | None, temperature: float, every: int, history: History):
        self.loss, self.temperature, self.every, self.history = loss, temperature, every, history
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


def _optimizer(
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


def _seed_dropout(seed: int, steps_done: int) -> None:
    """The same dropout after a resume, and another in each of several processes."""
    torch.manual_seed(seed * 1_000_003 + steps_done + (distributed.rank() << 40))


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


def _require_float(value: object) -> None:
    if value is None:
        raise CourseError("The step returned nothing. End it with a return of the loss as a number: loss.item().")
    if not isinstance(value, float):
        raise CourseError(
            f"The step returned {type(value).__name__}, not a Python float. Return the loss as a number: loss.item()."
        )


def _whose(student_logits: Tensor, teacher_logits: Tensor, steps_done: int) -> str:
    """The likely cause of a loss that is not finite, from the logits it was given; empty where they are finite."""
    if not torch.isfinite(student_logits).all():
        if not steps_done:
            return "the student: its logits hold NaN or infinity before the first update. Load it again"
        return "a learning rate that is too high: the student's logits hold NaN or infinity. Try a third of it"
    if not torch.isfinite(teacher_logits).all():
        return "the teacher: its logits hold NaN or infinity, whatever the student does. Load it again"
    return ""
