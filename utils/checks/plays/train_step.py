"""Play a training step on two tiny models: what the loss function, the models and the optimizer saw is written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from utils.checks.plain import describe, plain, read
from utils.checks.plays.aftermath import KEPT, left_behind
from utils.checks.plays.stopped import StoppedError
from utils.checks.plays.toys import CALL, MANY, Calls, Shapes, batches_of, flat, model_of, weights_in
from utils.checks.records import Answer, Probe

ARGUMENTS = ("student", "teacher", "batch", "optimizer", "loss_function")
LEARNING_RATE = 0.1
BACKWARD, STEP = 1, 2
NOT_LOGITS = " of logits, which the output holds"
SEEN = ("student", "teacher", "labels")


def spy_loss(student_logits: Tensor, teacher_logits: Tensor, labels: Tensor) -> Tensor:
    """A stand-in for the loss that depends on all three arguments, differently on each. Not a distillation loss."""
    weights = 1.0 + (labels % 7).to(student_logits.dtype).unsqueeze(-1)
    apart = ((student_logits - 0.3 * teacher_logits) ** 2 * weights).mean()
    return apart + (teacher_logits * labels[..., None]).mean() / 100


class PlainOptimizer:
    """Gradient descent with the calls of ``torch.optim.SGD``, which would first import the compiler for seconds.

    steps: the student's gradient at each step, before it moves. events: where each step is written down.
    """

    def __init__(self, model: torch.nn.Module, lr: float, events: list[int]) -> None:
        self.model = model
        self.events = events
        self.param_groups = [{"params": list(model.parameters()), "lr": lr}]
        self.steps: list[np.ndarray] = []

    def zero_grad(self, set_to_none: bool = True) -> None:
        for parameter in self.param_groups[0]["params"]:
            parameter.grad = None if set_to_none or parameter.grad is None else torch.zeros_like(parameter.grad)

    def step(self, closure: Callable | None = None) -> object:
        loss = closure() if closure else None
        self.events.append(STEP)
        self.steps.append(flat(self.model, gradient=True))
        with torch.no_grad():
            for parameter in self.param_groups[0]["params"]:
                if parameter.grad is not None:
                    parameter -= self.param_groups[0]["lr"] * parameter.grad
        return loss


@dataclass
class Trace:
    """What the loss function saw; events: a loss's backward (BACKWARD) and steps (STEP), in order.

    own: each loss's own gradient of the student, zero where it has none: what a step should find, whatever else is
    wrong with the loss. values: each loss as a number.
    """

    student: torch.nn.Module
    spy: Callable[[Tensor, Tensor, Tensor], Tensor] = spy_loss
    names: tuple[str, str, str] = ("student_logits", "teacher_logits", "labels")
    own: list[np.ndarray] = field(default_factory=list)
    losses: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    student_open: list[bool] = field(default_factory=list)
    teacher_open: list[bool] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def loss(self, student_logits: Tensor, teacher_logits: Tensor, labels: Tensor) -> Tensor:
        """The loss function that the learner's step is given."""
        self._demand_tensors(student_logits, teacher_logits, labels)
        self.losses.append((plain(student_logits), plain(teacher_logits), plain(labels)))
        # A leaf demands a gradient and hands none on: it has been cut off from its model.
        self.student_open.append(student_logits.grad_fn is not None)
        self.teacher_open.append(teacher_logits.grad_fn is not None)
        loss = self.spy(student_logits, teacher_logits, labels)
        self.values.append(loss.item())
        self.own.append(_own_gradient(loss, self.student))
        if loss.requires_grad:
            loss.register_hook(lambda _: self.events.append(BACKWARD))
        return loss

    def _demand_tensors(self, *arguments: object) -> None:
        for name, given in zip(self.names, arguments, strict=True):
            if not isinstance(given, Tensor):
                whole = NOT_LOGITS if hasattr(given, "logits") else ""
                raise TypeError(f"the loss got a {type(given).__name__} for {name}; it needs a tensor{whole}")

    @property
    def open(self) -> np.ndarray:
        return np.array([self.student_open, self.teacher_open], dtype=np.float64)

    def numbers(self, seen: Sequence[str], steps: int) -> dict[str, np.ndarray]:
        """What happened in so many steps; seen: short names of the loss's arguments."""
        found = {"trace/own": stacked(self.own, self.student), "trace/events": np.array(self.events, dtype=np.float64)}
        for index, arguments in enumerate(self.losses[:steps]):
            found |= {f"trace/loss/{index}/{name}": array for name, array in zip(seen, arguments, strict=True)}
        return found


def play(fn: Callable, probe: Probe) -> Answer:
    """Call ``train_step`` once on each batch, with the same models and optimizer."""
    student_calls, teacher_calls = Calls(), Calls()
    student = student_calls.watch(model_of(probe, "student")).train()
    teacher = teacher_calls.watch(model_of(probe, "teacher"))
    trace = Trace(student)
    optimizer = PlainOptimizer(student, LEARNING_RATE, trace.events)
    given = list(batches_of(probe))
    returned, weights, counts = [], [], []
    for batch in given:
        copied = {name: tensor.clone() for name, tensor in batch.items()}
        try:
            returned.append(fn(student, teacher, copied, optimizer, trace.loss))
        except NotImplementedError:
            raise
        except Exception as error:
            raise StoppedError(until_stopped(trace, optimizer, student_calls.numbers(given))) from error
        weights.append(flat(student))
        counts.append((len(trace.losses), len(optimizer.steps)))
    outcome, note = describe(returned[0])
    numbers = {
        "value": np.array([one_number(each) for each in returned]),
        "trace/weights": np.stack(weights),
        "trace/counts": np.array(counts, dtype=np.float64),
        "trace/teacher weights": flat(teacher),
        "trace/teacher calls": teacher_calls.numbers(given),
        **until_stopped(trace, optimizer, student_calls.numbers(given)),
        **trace.numbers(SEEN, len(given)),
    }
    return Answer(outcome, note, "", numbers, read(returned[0]).text)


def until_stopped(trace: Trace, optimizer: PlainOptimizer, student_calls: np.ndarray) -> dict[str, np.ndarray]:
    """What is known of a step that raised: how the student was asked, what the optimizer found, what is left behind."""
    return {
        "trace/steps": stacked(optimizer.steps, trace.student),
        "trace/open": trace.open,
        "trace/student calls": student_calls,
        **left_behind((), (), trace.student),
    }


def shapes(probe: Probe) -> Shapes:
    """What an honest answer holds beside what was returned."""
    return shapes_of_steps(probe, int(probe.toys["batches"]), SEEN)


def shapes_of_steps(probe: Probe, batches: int, seen: Sequence[str]) -> Shapes:
    """The same of any play of so many steps, whose loss has seen arguments of these names."""
    student, teacher = weights_in(probe, "student"), weights_in(probe, "teacher")
    given = {f"trace/loss/{batch}/{of}": None for batch in range(batches) for of in seen}
    return given | {
        "value": (batches,),
        "trace/weights": (batches, student),
        "trace/counts": (batches, 2),
        "trace/teacher weights": (teacher,),
        "trace/student calls": (MANY, CALL),
        "trace/teacher calls": (MANY, CALL),
        "trace/steps": (MANY, student),
        "trace/own": (MANY, student),
        "trace/events": (MANY,),
        "trace/open": (2, MANY),
        "trace/left": (KEPT,),
    }


def one_number(returned: object) -> float:
    """What was returned, as one number; NaN where it is none."""
    leaves = read(returned).leaves
    return float(leaves[0].sum()) if leaves and leaves[0].size else float("nan")


def _own_gradient(loss: Tensor, model: torch.nn.Module) -> np.ndarray:
    """The gradient of one loss, in one row; the graph stays for the learner's own backward."""
    size = sum(parameter.numel() for parameter in model.parameters())
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not loss.requires_grad or not parameters:
        return np.zeros(size)
    found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    rows = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]
    return np.concatenate([plain(row).reshape(-1) for row in rows])


def stacked(steps: list[np.ndarray], model: torch.nn.Module) -> np.ndarray:
    """One row a step; none for no step."""
    return np.stack(steps) if steps else np.zeros((0, flat(model).size))
