"""Tiny language models to try ``train_step`` and ``perplexity`` on, and what is written down while they run.

They look like Hugging Face's causal models to a caller: keyword arguments, ``.logits``, ``.loss`` where labels are
given, train and eval mode. Left padding changes their answer unless the mask is passed. Their dropout is a fixed
pattern, so that train mode shows without chance. No answer is in here: the models are asked, the traces are judged
elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from utils.checks.aftermath import left_behind
from utils.checks.plain import describe, plain
from utils.checks.records import Answer, Probe

ARGUMENTS = {
    "train_step": ("student", "teacher", "batch", "optimizer", "loss_function"),
    "perplexity": ("model", "batches"),
}
FIELDS = ("input_ids", "attention_mask", "labels")
LEARNING_RATE = 0.5
BACKWARD, STEP = 1, 2
NOT_LOGITS = " of logits, which the output holds"


@dataclass
class Output:
    """What a toy returns; ``output[0]`` is the loss where there is one, else the logits, as in transformers."""

    logits: Tensor
    loss: Tensor | None = None

    def __getitem__(self, key: int | str) -> Tensor:
        if isinstance(key, str):
            return getattr(self, key)
        return [part for part in (self.loss, self.logits) if part is not None][key]


class Toy(torch.nn.Module):
    """A causal language model: an average over the tokens so far, a dropout that is a pattern, and a head.

    calls: a record for each forward: train mode, gradients flow, mask as given (or None), tokens.
    """

    def __init__(self, embedding: np.ndarray, head: np.ndarray, drops: bool) -> None:
        super().__init__()
        self.embedding = torch.nn.Parameter(torch.from_numpy(embedding.copy()))
        self.head = torch.nn.Parameter(torch.from_numpy(head.copy()))
        self.drops = drops
        self.config = SimpleNamespace(vocab_size=head.shape[1], hidden_size=head.shape[0], use_cache=False)
        self.calls: list[tuple[bool, bool, Tensor | None, Tensor]] = []

    @property
    def device(self) -> torch.device:
        return self.head.device

    def forward(  # type: ignore[no-untyped-def]
        self, input_ids=None, attention_mask=None, position_ids=None, labels=None, use_cache=None, return_dict=None
    ) -> Output:
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        weights = mask.to(self.embedding.dtype).unsqueeze(-1)
        # Recent tokens weigh more, so that order matters: a running sum that halves what came before.
        hidden = self._running(self.embedding[input_ids] * weights) / self._running(weights).clamp(min=1e-6)
        if self.drops and self.training:
            hidden = hidden * torch.tensor([2.0, 0.0]).repeat(hidden.shape[-1] // 2).to(hidden.dtype)
        logits = torch.tanh(hidden) @ self.head
        seen = None if attention_mask is None else attention_mask.detach().clone()
        self.calls.append((self.training, logits.requires_grad, seen, input_ids.detach().clone()))
        return Output(logits, None if labels is None else _shifted_loss(logits, labels))

    @staticmethod
    def _running(array: Tensor) -> Tensor:
        total, steps = torch.zeros_like(array[:, 0]), []
        for step in array.unbind(1):
            total = total / 2 + step
            steps.append(total)
        return torch.stack(steps, dim=1)


def _shifted_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """The loss that Hugging Face's models give when labels are passed."""
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)


def spy_loss(student_logits: Tensor, teacher_logits: Tensor, labels: Tensor) -> Tensor:
    """A stand-in for the loss that depends on all three arguments, differently on each. Not a distillation loss."""
    weights = 1.0 + (labels % 7).to(student_logits.dtype).unsqueeze(-1)
    apart = ((student_logits - 0.3 * teacher_logits) ** 2 * weights).mean()
    return apart + (teacher_logits * labels[..., None]).mean() / 100


def build(probe: Probe, which: str, drops: bool) -> Toy:
    """The toy whose weights the probe holds."""
    return Toy(np.asarray(probe.toys[f"{which}/embedding"]), np.asarray(probe.toys[f"{which}/head"]), drops)


def batches(probe: Probe) -> Iterator[dict[str, Tensor]]:
    """The probe's batches, as dicts of (B, S) tensors."""
    for index in range(int(probe.toys["batches"])):
        yield {name: torch.from_numpy(np.asarray(probe.toys[f"batch/{index}/{name}"]).copy()) for name in FIELDS}


class StoppedError(Exception):
    """The learner's function raised (see ``__cause__``); ``numbers`` is what had been seen until then."""

    def __init__(self, numbers: dict[str, np.ndarray]) -> None:
        super().__init__("stopped")
        self.numbers = numbers


class PlainOptimizer:
    """Gradient descent with the calls of ``torch.optim.SGD``, which would first import the compiler for seconds.

    steps: the student's gradient at each step, before it moves. events: where each step is written down.
    """

    def __init__(self, model: Toy, lr: float, events: list[int]) -> None:
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
        self.steps.append(_flat(self.model, gradient=True))
        with torch.no_grad():
            for parameter in self.param_groups[0]["params"]:
                if parameter.grad is not None:
                    parameter -= self.param_groups[0]["lr"] * parameter.grad
        return loss


@dataclass
class Trace:
    """What the loss function saw; events: a loss's backward (BACKWARD) and steps (STEP), in order.

    own: each loss's own gradient of the student, zero where it has none: what a step should find, whatever else is
    wrong with the loss.
    """

    own: list[np.ndarray] = field(default_factory=list)
    losses: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    student_open: list[bool] = field(default_factory=list)
    teacher_open: list[bool] = field(default_factory=list)
    events: list[int] = field(default_factory=list)


def _flat(model: Toy, gradient: bool = False) -> np.ndarray:
    """All parameters, or their gradients with NaN where there is none, in one row."""
    rows = []
    for parameter in model.parameters():
        if gradient and parameter.grad is None:
            rows.append(np.full(parameter.numel(), np.nan))
        else:
            rows.append(plain(parameter.grad if gradient else parameter).reshape(-1))
    return np.concatenate(rows)


def _calls(model: Toy, given: list[dict[str, Tensor]]) -> np.ndarray:
    """Per forward: train mode; gradients on; mask (1 right, 0 another one, -1 none, 2 unknown); tokens (1 known)."""
    rows = []
    for training, grad, mask, tokens in model.calls:
        wanted = _mask_of(tokens, given)
        if wanted is None:
            masked = 2
        elif mask is None:
            masked = 1 if wanted.all() else -1
        else:
            masked = int(torch.equal(mask.long(), wanted))
        rows.append((training, grad, masked, wanted is not None))
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def _mask_of(tokens: Tensor, given: list[dict[str, Tensor]]) -> Tensor | None:
    """The mask that belongs to these tokens: of a whole batch, or of rows of one; None for tokens of the learner's."""
    for batch in given:
        if torch.equal(tokens, batch["input_ids"]):
            return batch["attention_mask"]
    for batch in given:
        if tokens.ndim == 2 and tokens.shape[1] == batch["input_ids"].shape[1]:
            same = (tokens[:, None] == batch["input_ids"]).all(-1)
            if same.any(1).all():
                return batch["attention_mask"][same.long().argmax(1)]
    return None


def play_train_step(fn: Callable, probe: Probe) -> Answer:
    """Call ``train_step`` once on each batch, with the same models and optimizer."""
    trace, student, teacher = Trace(), build(probe, "student", False), build(probe, "teacher", True)
    student.train()
    teacher.eval()
    optimizer = PlainOptimizer(student, LEARNING_RATE, trace.events)
    given = list(batches(probe))

    def loss_function(student_logits: Tensor, teacher_logits: Tensor, labels: Tensor) -> Tensor:
        _demand_tensors(student_logits, teacher_logits, labels)
        trace.losses.append((plain(student_logits), plain(teacher_logits), plain(labels)))
        # A leaf demands a gradient and hands none on: it has been cut off from its model.
        trace.student_open.append(student_logits.grad_fn is not None)
        trace.teacher_open.append(teacher_logits.grad_fn is not None)
        loss = spy_loss(student_logits, teacher_logits, labels)
        trace.own.append(_own_gradient(loss, student))
        if loss.requires_grad:
            loss.register_hook(lambda _: trace.events.append(BACKWARD))
        return loss

    values, weights, counts, first = [], [], [], None
    for batch in given:
        copied = {name: tensor.clone() for name, tensor in batch.items()}
        try:
            returned = fn(student, teacher, copied, optimizer, loss_function)
        except NotImplementedError:
            raise
        except Exception as error:
            raise StoppedError(
                {
                    "trace/steps": _stacked(optimizer.steps, student),
                    "trace/open": np.array([trace.student_open, trace.teacher_open], dtype=np.float64),
                    "trace/student calls": _calls(student, given),
                }
            ) from error
        described = describe(returned)
        first = first or described
        values.append(float("nan") if described[2] is None else float(plain(described[2]).sum()))
        weights.append(_flat(student))
        counts.append((len(trace.losses), len(optimizer.steps)))
    numbers = {
        "value": np.array(values),
        "trace/weights": np.stack(weights),
        "trace/counts": np.array(counts, dtype=np.float64),
        "trace/teacher weights": _flat(teacher),
        "trace/student calls": _calls(student, given),
        "trace/teacher calls": _calls(teacher, given),
        "trace/steps": _stacked(optimizer.steps, student),
        "trace/own": _stacked(trace.own, student),
        "trace/events": np.array(trace.events, dtype=np.float64),
        "trace/open": np.array([trace.student_open, trace.teacher_open], dtype=np.float64),
        **left_behind((), (), student),
    }
    for index, seen in enumerate(trace.losses[: len(given)]):
        numbers |= {
            f"trace/loss/{index}/{name}": array
            for name, array in zip(("student", "teacher", "labels"), seen, strict=True)
        }
    assert first is not None
    return Answer(first[0], first[1], "", numbers)


def _demand_tensors(*arguments: object) -> None:
    for name, given in zip(("student_logits", "teacher_logits", "labels"), arguments, strict=True):
        if not isinstance(given, Tensor):
            raise TypeError(
                f"loss_function got {'an' if type(given) is Output else 'a'} {type(given).__name__} for "
                f"{name}; it needs a tensor{NOT_LOGITS if type(given) is Output else ''}"
            )


def _own_gradient(loss: Tensor, model: Toy) -> np.ndarray:
    """The gradient of one loss, in one row; the graph stays for the learner's own backward."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not loss.requires_grad or not parameters:
        return np.zeros(_flat(model).size)
    found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    rows = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]
    return np.concatenate([plain(row).reshape(-1) for row in rows])


def _stacked(steps: list[np.ndarray], model: Toy) -> np.ndarray:
    return np.stack(steps) if steps else np.zeros((0, _flat(model).size))


def play_perplexity(fn: Callable, probe: Probe) -> Answer:
    """Call ``perplexity`` with a model in train mode, whose dropout is on unless it is switched off."""
    model = build(probe, "model", True)
    model.train()
    given = list(batches(probe))
    before = _flat(model)
    handed = [{name: tensor.clone() for name, tensor in batch.items()} for batch in given]
    outcome, note, tensor = describe(fn(model, handed))
    numbers = {"trace/calls": _calls(model, given), **left_behind(given, handed, model)}
    if tensor is not None:
        numbers["value"] = plain(tensor)
    numbers["trace/moved"] = np.array([float(np.abs(_flat(model) - before).max())])
    return Answer(outcome, note, "", numbers)


PLAYS = {"train_step": play_train_step, "perplexity": play_perplexity}
