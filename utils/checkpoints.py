"""Checkpoints of a training run: written whole or not at all, and only taken up by the run they belong to.

The question: can this run go on?  The mistakes this module prevents: half a file after a full disk, and a checkpoint
of other data or settings that silently mixes two experiments.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from utils.batches import BatchPlan
from utils.history import History, TrainingSettings
from utils.workspace import require_writable

SECONDS_BETWEEN = 10.0


@dataclass
class Run:
    """A training run and the file that it can go on from; `path` None keeps nothing."""

    path: Path | None
    name: str
    plan: BatchPlan
    settings: TrainingSettings
    loss: Callable | None
    student: nn.Module
    optimizer: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LRScheduler
    history: History
    last_saved: float = field(default_factory=time.monotonic)

    def resume(self) -> None:
        """Go on from the checkpoint where one of this same run exists; check that the folder can be written."""
        if self.path is None:
            return
        megabytes = 3 * sum(p.numel() * p.element_size() for p in self.student.parameters()) // 2**20 + 10
        require_writable(self.path.parent, megabytes)
        if not self.path.exists():
            return
        try:
            state = torch.load(self.path, weights_only=True, map_location="cpu")
        except Exception:
            print(f"The checkpoint {self.path.name} cannot be read; training begins anew.")
            return
        if state["fingerprint"] != self._fingerprint():
            print(f"The checkpoint {self.path.name} belongs to other data or settings; training begins anew.")
            return
        self.student.load_state_dict(state["student"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.history.restore(state["history"])
        print(
            f"{self.name}: going on at step {self.history.steps_done + 1} of {self.history.steps_total}, from {self.path.name}."
        )

    def save_now_and_then(self) -> None:
        """Save where the last save is a while ago."""
        if time.monotonic() - self.last_saved > SECONDS_BETWEEN:
            self.save()

    def save_if_whole(self) -> None:
        """Save, unless the run was stopped in the middle of an update: then the last checkpoint is the better one."""
        steps = {int(state["step"]) for state in self.optimizer.state.values() if "step" in state} or {0}
        if steps == {self.history.steps_done}:
            self.save()

    def save(self) -> None:
        """Write the checkpoint beside the old one, then put it in its place; a failed write leaves the old one."""
        if self.path is None:
            return
        state = {
            "fingerprint": self._fingerprint(),
            "student": self.student.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "history": self.history.to_dict(),
        }
        partial = self.path.with_suffix(".partial")
        try:
            torch.save(state, partial)
            partial.replace(self.path)
        except (OSError, RuntimeError) as error:
            partial.unlink(missing_ok=True)
            warnings.warn(f"The checkpoint could not be written ({error}); training goes on without it.", stacklevel=2)
        self.last_saved = time.monotonic()

    def finish(self) -> None:
        """Remove the checkpoint of a run that came to its end."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def how_to_go_on(self) -> str:
        """A sentence for someone who stopped the run."""
        stopped = f"{self.name}: stopped after {self.history.steps_done} of {self.history.steps_total} steps."
        if self.path is None:
            return stopped + " The student keeps its weights so far; no checkpoint was asked for."
        if not self.path.exists():
            return stopped + " Nothing was saved yet; the same call begins anew."
        return (
            stopped + f" Weights, optimizer and history are kept in {self.path.name}; the same call goes on from there."
        )

    def _fingerprint(self) -> str:
        """Says whether two runs are the same: settings, rows, batch order and the student's shapes."""
        shapes = {name: list(tensor.shape) for name, tensor in self.student.state_dict().items()}
        rows = hashlib.sha256(repr([row.input_ids for row in self.plan.rows]).encode()).hexdigest()
        loss = _describe_function(self.loss)
        parts = [self.name, asdict(self.settings), loss, rows, self.plan.batch_size, self.plan.seed, shapes]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _describe_function(function: Callable | None) -> list[Any]:
    """What tells two loss functions apart: their compiled code, and the arguments that a partial binds."""
    if isinstance(function, functools.partial):
        return [_describe_function(function.func), repr(function.args), repr(sorted(function.keywords.items()))]
    code = getattr(function, "__code__", None)
    if code is None:
        return [type(function).__name__]
    constants = [repr(constant) for constant in code.co_consts if not hasattr(constant, "co_code")]
    return [code.co_code.hex(), constants, list(code.co_names), repr(function.__defaults__)]
