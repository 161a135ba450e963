"""What keeps a training run safe, around the loop of `utils.training.loop`: nothing is lost when it stops.

A stopped run goes on from its checkpoint to the same numbers. A loss or gradient that is not finite stops the run
before it reaches the weights, and a loss that explodes takes them back. A batch that is too large is computed in
pieces.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import torch
from torch import nn
from transformers import PreTrainedModel

from utils.data.batches import Batch, BatchPlan, to_device
from utils.errors import CourseError
from utils.machine import processes as distributed
from utils.machine import progress
from utils.machine.interrupts import DeferredInterrupt
from utils.machine.memory import choose_memory_plan, recompute_layers
from utils.models.forward import computes_in
from utils.models.loading import require_context, require_frozen
from utils.models.proof import require_packable
from utils.training.checkpoints import Run
from utils.training.spikes import SpikeGuard
from utils.training.steps import LossFunction, Step, train_step


def require_a_pair_that_can(
    student: nn.Module, teacher: nn.Module | None, plan: BatchPlan, step: Step, micro_batch: int | None
) -> None:
    """Put the student into train mode and a teacher into eval mode, or raise CourseError if the run cannot begin."""
    require_trainable(student)
    student.train()
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


def require_trainable(student: nn.Module) -> None:
    dtypes = {parameter.dtype for parameter in student.parameters() if parameter.requires_grad}
    if not dtypes:
        raise CourseError("No parameter of the student requires a gradient: nothing would be learned. Unfreeze it.")
    if dtypes & {torch.float16, torch.bfloat16}:
        raise CourseError(
            f"The student's weights are {', '.join(sorted(map(str, dtypes)))}; small updates round away there. "
            "Load it with dtype=torch.float32."
        )


def fit_into_memory(run: Run) -> None:
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


@contextlib.contextmanager
def kept_safe(run: Run) -> Iterator[SafeSteps]:
    """Inside, the steps of the run are safe; what was done is kept, whatever ends them."""
    steps = SafeSteps(run)
    if run.recompute:
        recompute_layers(run.student, True)
    try:
        yield steps
    except KeyboardInterrupt:
        run.save_if_whole()
        raise KeyboardInterrupt(run.how_to_go_on()) from None
    except Exception:
        run.save_if_whole()
        raise
    finally:
        steps.interrupt.restore()
        steps.bar.close()
        if run.recompute:
            recompute_layers(run.student, False)


class SafeSteps:
    """The batches and the step of a run, for a loop that knows nothing of what may go wrong."""

    def __init__(self, run: Run):
        self.run, self.guard = run, SpikeGuard(run)
        history, quiet = run.history, bool(distributed.rank())
        total, done = history.steps_total, history.steps_done
        self.bar = progress.bar(total=total, initial=done, desc=run.name, unit="step", quiet=quiet)
        self.interrupt = DeferredInterrupt()

    def batches(self, batches: Iterable[tuple[int, Batch]]) -> Iterator[tuple[int, Batch]]:
        """Each (epoch, batch) on the student's device; after each one the run is looked at, and saved now and then."""
        device = next(self.run.student.parameters()).device
        for epoch, batch in batches:
            _seed_dropout(self.run.settings.seed, self.run.history.steps_done)
            yield epoch, to_device(batch, device)
            self.guard.after_step()
            if not self.guard.looks_like_a_jump():
                self.run.save_now_and_then()
            self.bar.update()
            self.bar.set_postfix_str(f"loss {self.run.history.records[-1].loss:.3f}", refresh=False)
            self.interrupt.raise_if_requested()

    def step(
        self,
        student: nn.Module,
        teacher: nn.Module | None,
        batch: Batch,
        optimizer: torch.optim.Optimizer,
        loss: LossFunction,
    ) -> float:
        """The run's own step, in pieces where the memory asks for it; returns its loss, a finite float."""
        value = self.run.stepper(student, teacher, batch, optimizer, loss)
        _require_float(value)
        value = float(value)  # numpy's own float is one too, and no checkpoint holds it
        self.guard.require_finite(value)
        return value


def _require_float(value: object) -> None:
    if value is None:
        raise CourseError("The step returned nothing. End it with a return of the loss as a number: loss.item().")
    if not isinstance(value, float):
        raise CourseError(
            f"The step returned {type(value).__name__}, not a Python float. Return the loss as a number: loss.item()."
        )


def _seed_dropout(seed: int, steps_done: int) -> None:
    """The same dropout after a resume, and another in each of several processes."""
    torch.manual_seed(seed * 1_000_003 + steps_done + (distributed.rank() << 40))
