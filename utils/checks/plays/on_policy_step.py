"""Play a step on text that the student writes: who was asked to write, how, and what the loss then saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from utils.checks.plain import describe, read
from utils.checks.plays.stopped import StoppedError
from utils.checks.plays.toys import MANY, Calls, Shapes, flat, model_of
from utils.checks.plays.train_step import (
    LEARNING_RATE,
    PlainOptimizer,
    Trace,
    one_number,
    shapes_of_steps,
    until_stopped,
)
from utils.checks.records import Answer, Probe

ARGUMENTS = ("student", "teacher", "prompts", "optimizer", "sample", "loss")
SEEN = ("student", "teacher", "mask")
FIELDS = ("input_ids", "attention_mask", "completion_mask")
# of a call of sample: the step; the student was passed (else 0), train mode, gradients on, the prompts as given
WRITING = 5
STUDENTS, OTHERS = "own", "other"  # whose text a batch is


def spy_loss(student_logits: Tensor, teacher_logits: Tensor, mask: Tensor) -> Tensor:
    """A stand-in for a divergence: another number for each of the three arguments, from counted positions alone."""
    student, teacher = student_logits[mask.bool()], teacher_logits[mask.bool()]
    weights = 1 + torch.arange(student.shape[-1], dtype=student.dtype) % 3
    return ((student - 0.3 * teacher) ** 2 * weights).mean() + teacher.mean() / 100


def batch_of(probe: Probe, step: int, whose: str = STUDENTS) -> dict[str, Tensor]:
    """What `sample` returns in this step: (B, S) token ids, and masks of real and of written tokens."""
    found = {name: torch.from_numpy(np.asarray(probe.toys[f"{whose}/{step}/{name}"]).copy()) for name in FIELDS}
    return found | {"completion_mask": found["completion_mask"].bool()}


def prompts_of(probe: Probe, step: int) -> dict[str, Tensor]:
    """The prompts of this step, padded on the left."""
    return {name: torch.from_numpy(np.asarray(probe.toys[f"prompts/{step}/{name}"]).copy()) for name in FIELDS[:2]}


@dataclass
class Writer:
    """The `sample` that a step is given: the student's text of the step, or another one for whoever else asks."""

    probe: Probe
    student: torch.nn.Module
    step: int = 0
    calls: list[tuple[int, bool, bool, bool, bool]] = field(default_factory=list)

    def __call__(self, model: torch.nn.Module, prompts: Mapping[str, Tensor]) -> dict[str, Tensor]:
        own = model is self.student or np.array_equal(flat(model), flat(self.student))  # a copy of it writes the same
        same = _same(prompts, prompts_of(self.probe, self.step))
        first = all(call[:2] != (self.step, True) for call in self.calls)
        self.calls.append((self.step, own, model.training, torch.is_grad_enabled(), same))
        return batch_of(self.probe, self.step, STUDENTS if own and first else OTHERS)


def _same(given: object, prompts: Mapping[str, Tensor]) -> bool:
    return isinstance(given, Mapping) and all(
        isinstance(given.get(name), Tensor) and torch.equal(given[name], tensor) for name, tensor in prompts.items()
    )


def play(fn: Callable, probe: Probe) -> Answer:
    """Call ``on_policy_step`` once for each step's prompts, with the same models and optimizer."""
    steps = int(probe.toys["steps"])
    given = [batch_of(probe, step, whose) for step in range(steps) for whose in (STUDENTS, OTHERS)]
    student_calls, teacher_calls = Calls(), Calls()
    student = student_calls.watch(model_of(probe, "student")).train()
    teacher = teacher_calls.watch(model_of(probe, "teacher"))
    trace = Trace(student, spy_loss, ("student_logits", "teacher_logits", "mask"))
    optimizer = PlainOptimizer(student, LEARNING_RATE, trace.events)
    writer = Writer(probe, student)

    def loss(student_logits: Tensor, teacher_logits: Tensor, mask: Tensor) -> Tensor:
        return trace.loss(student_logits, teacher_logits, mask)

    def asked_of_prompts() -> np.ndarray:
        asked = [prompts_of(probe, step)["input_ids"] for step in range(steps)]
        return np.array([student_calls.read(asked), teacher_calls.read(asked)], dtype=np.float64)

    returned, weights, counts = [], [], []
    for step in range(steps):
        writer.step = step
        try:
            returned.append(fn(student, teacher, prompts_of(probe, step), optimizer, writer, loss))
        except NotImplementedError:
            raise
        except Exception as error:
            seen = until_stopped(trace, optimizer, student_calls.numbers(given))
            raise StoppedError(seen | {"trace/read prompts": asked_of_prompts()}) from error
        weights.append(flat(student))
        counts.append((len(trace.losses), len(optimizer.steps)))
    outcome, note = describe(returned[0])
    numbers = {
        "value": np.array([one_number(each) for each in returned]),
        "trace/values": np.array(trace.values),
        "trace/writing": np.array(writer.calls, dtype=np.float64).reshape(-1, WRITING),
        "trace/weights": np.stack(weights),
        "trace/counts": np.array(counts, dtype=np.float64),
        "trace/teacher weights": flat(teacher),
        "trace/teacher calls": teacher_calls.numbers(given),
        "trace/read prompts": asked_of_prompts(),
        **until_stopped(trace, optimizer, student_calls.numbers(given)),
        **trace.numbers(SEEN, steps),
    }
    return Answer(outcome, note, "", numbers, read(returned[0]).text)


def shapes(probe: Probe) -> Shapes:
    """What an honest answer holds beside what was returned."""
    more = {"trace/values": (MANY,), "trace/writing": (MANY, WRITING), "trace/read prompts": (2,)}
    return shapes_of_steps(probe, int(probe.toys["steps"]), SEEN) | more
