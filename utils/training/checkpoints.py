"""Checkpoints of a training run: written whole or not at all, and only taken up by the run they belong to.

A checkpoint of other data or settings is set aside, not mixed in and not lost.  A run goes on in the number type and in
the pieces that it began with, so that it ends with the same weights.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import torch
from torch import nn

from utils.data.batches import BatchPlan
from utils.errors import CourseError
from utils.machine import processes as distributed
from utils.machine.workspace import require_writable
from utils.models import fingerprint
from utils.models.forward import computes_in, with_fast_forward
from utils.training.accumulation import PiecewiseStep, updates_of
from utils.training.history import History
from utils.training.settings import TrainingSettings

SECONDS_BETWEEN = 10.0


@dataclass
class Run:
    """A training run and the file that it can go on from; `path` None keeps nothing."""

    path: Path | None
    name: str
    plan: BatchPlan
    settings: TrainingSettings
    loss: Callable | None
    step: Callable
    student: nn.Module
    teacher: nn.Module | None
    optimizer: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LRScheduler
    history: History
    stepper: PiecewiseStep
    recompute: bool = False  # gradient checkpointing
    last_saved: float = field(default_factory=time.monotonic)
    steps_saved: int = 0
    identity: str = ""
    started_from: str = ""

    def resume(self) -> None:
        """Go on from the checkpoint where one of this same run exists; check that the folder can be written.

        A checkpoint that cannot be read or belongs to another run is set aside, never overwritten.
        """
        if distributed.rank() == 0:
            self._resume_from_file()
        if distributed.size() > 1:
            self._restore(distributed.of_the_first(self._state()))

    def _resume_from_file(self) -> None:
        if self.path is None:
            return
        if self.path.is_dir():
            raise CourseError(f"The checkpoint {str(self.path)!r} is a folder. Name a file in it, such as student.pt.")
        # Weights and two moments, in the old file and in the new one beside it.
        megabytes = 6 * sum(p.numel() * p.element_size() for p in self.student.parameters()) // 2**20 + 10
        require_writable(self.path.parent, megabytes)
        self.identity = self._identity()
        self.started_from = fingerprint.of_weights(self.student)
        if not self.path.exists():
            return
        try:
            state = _read(self.path)
        except CourseError as error:
            self._set_aside(str(error))
            return
        reason = self._why_another(state)
        if reason:
            self._set_aside(reason)
            return
        self.started_from = state["started_from"]
        self._restore(state)
        done, total = self.history.steps_done, self.history.steps_total
        where = f"going on at step {done + 1} of {total}" if done < total else f"all {total} steps were done"
        print(f"{self.name}: {where}, from {self.path.name}.")

    def save_now_and_then(self) -> None:
        """Save where the last save is a while ago."""
        if time.monotonic() - self.last_saved > SECONDS_BETWEEN:
            self.save()

    def save_if_whole(self) -> None:
        """Save what was computed; where the run was stopped inside an update, go back to the last checkpoint."""
        steps = updates_of(self.optimizer)
        if steps != self.history.steps_done:
            self.go_back()
        elif steps > self.steps_saved:
            self.save()

    def save(self) -> None:
        """Write the checkpoint beside the old one, then put it in its place; a failed write leaves the old one.

        It is opened as the next run would open it, before it takes the place: what cannot be read is no checkpoint.
        """
        if self.path is None or distributed.rank() > 0:
            return
        partial = self._partial()
        try:
            torch.save(self._state(), partial)
            with partial.open("r+b") as written:
                os.fsync(written.fileno())  # a disk may say only now that it is full
            _read(partial, tensors=False)
            partial.replace(self.path)
            self.steps_saved = self.history.steps_done
        except (OSError, RuntimeError, CourseError) as error:
            partial.unlink(missing_ok=True)
            kept = f"the one of step {self.steps_saved} is kept" if self.steps_saved else "there is none yet"
            warnings.warn(f"The checkpoint could not be written ({error}); {kept}, training goes on.", stacklevel=2)
        self.last_saved = time.monotonic()

    def finish(self) -> None:
        """Remove the checkpoint of a run that came to its end."""
        if self.path is not None and distributed.rank() == 0:
            self.path.unlink(missing_ok=True)
            self._partial().unlink(missing_ok=True)

    def how_to_go_on(self) -> str:
        """A sentence for someone who stopped the run."""
        stopped = f"{self.name}: stopped after {self.history.steps_done} of {self.history.steps_total} steps."
        if self.path is None:
            return stopped + " The student keeps its weights so far; no checkpoint was asked for."
        if not self.steps_saved:
            return stopped + " Nothing was saved yet; the same call begins anew."
        if self._identity() != self.identity:  # asked before it is promised: the same call would ask the same
            return (
                f"{stopped} They are kept in {self.path.name}, but the same call would begin anew: the loss, the step, "
                "the teacher or the student's configuration changed on the way. Make it as it was, then call again."
            )
        return (
            f"{stopped} Weights, optimizer and history of {self.steps_saved} steps are kept in {self.path.name}; "
            "the same call goes on from there."
        )

    def _state(self) -> dict:
        return {
            "identity": self.identity,
            "started_from": self.started_from,
            "student": self.student.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "history": self.history.to_dict(),
            "computing": {
                "student": _name(self.student), "teacher": _name(self.teacher),
                "rows": self.stepper.rows, "recompute": self.recompute,
            },
        }  # fmt: skip

    def copied_state(self) -> dict:
        """Everything that this run can go back to, as copies in main memory."""
        return _copied(self._state())

    def go_back_to(self, state: dict) -> None:
        """Return to what `copied_state` gave, in the checkpoint too."""
        self._restore(state)
        self.save()

    def go_back(self) -> bool:
        """Return to the last checkpoint; False where there is none."""
        if self.path is None or not self.steps_saved:
            return False
        self._restore(_read(self.path))
        return True

    def _restore(self, state: dict) -> None:
        self.student.load_state_dict(state["student"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.history.restore(state["history"])
        self._compute_as_before(state["computing"])
        self.steps_saved = self.history.steps_done

    def _compute_as_before(self, before: dict) -> None:
        """Go on in the number types and pieces that the run began with: they differ in the last digits of a sum."""
        self.recompute = before["recompute"]
        if before["rows"] is not None:
            self.stepper.rows = min(before["rows"], self.stepper.rows or before["rows"])
        for who, model in (("student", self.student), ("teacher", self.teacher)):
            if before[who] is not None and before[who] != _name(model):
                with_fast_forward(model, getattr(torch, before[who]))
                print(f"{self.name}: the {who} computes in {before[who]}, as it did when this run began.")

    def _identity(self) -> str:
        """The same for runs of one name, settings, loss, step, rows, order of batches, teacher, and kind of student.

        A student's kind: its configuration (dropout is in it), its shapes, and which of its parameters learn.
        """
        plan = {field.name: getattr(self.plan, field.name) for field in fields(self.plan) if field.name != "rows"}
        parts = [
            self.name, asdict(self.settings), plan,
            fingerprint.of_function(self.loss), fingerprint.of_function(self.step), fingerprint.of_rows(self.plan.rows),
            None if self.teacher is None else fingerprint.of_weights(self.teacher),
            {name: list(tensor.shape) for name, tensor in self.student.state_dict().items()},
            fingerprint.of_config(self.student),
            [name for name, parameter in self.student.named_parameters() if parameter.requires_grad],
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()

    def _why_another(self, state: dict) -> str:
        """Why a checkpoint is not this run's; empty where it is.

        The student may stand where the run began, or where the checkpoint stopped: then its owner calls again.
        """
        if state["identity"] != self.identity:
            return f"The checkpoint {self.path.name} belongs to other data, settings, teacher, loss or step"
        if self.started_from not in (state["started_from"], fingerprint.of_state(state["student"])):
            return f"The checkpoint {self.path.name} belongs to a student that started from other weights"
        return ""

    def _set_aside(self, reason: str) -> None:
        names = (f"{self.path.name}.old{number or ''}" for number in itertools.count())
        aside = next(path for path in map(self.path.with_name, names) if not path.exists())
        self.path.replace(aside)
        print(f"{reason}; it is set aside as {aside.name}, and training begins anew.")

    def _partial(self) -> Path:
        return self.path.with_name(self.path.name + ".partial")


def saved_history(path: Path) -> History:
    """The history in a checkpoint: what an interrupted run computed so far.  Raises CourseError where it has none."""
    return History.from_dict(_read(path)["history"])


def _read(path: Path, tensors: bool = True) -> dict:
    """The state in a checkpoint; without `tensors` their values stay on the disk until they are asked for."""
    try:
        state = torch.load(path, weights_only=True, map_location="cpu", mmap=not tensors)
        if {"identity", "started_from", "student", "optimizer", "scheduler", "history", "computing"} <= state.keys():
            return state
    except Exception as error:  # torch raises a dozen kinds for a file that is cut short or of another format
        raise CourseError(f"The checkpoint {path.name} cannot be read") from error
    raise CourseError(f"The file {path.name} is not a checkpoint of this course")


def _name(model: nn.Module | None) -> str | None:
    """The number type that a model computes in: "float32" or "bfloat16"."""
    return None if model is None else str(computes_in(model)).removeprefix("torch.")


def _copied(state: object) -> object:
    if isinstance(state, torch.Tensor):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, dict):
        return {key: _copied(value) for key, value in state.items()}
    return [_copied(value) for value in state] if isinstance(state, list) else state
