"""A softmax over the wrong axis, beside whatever else is wrong in the same part.

Along the batch or the sequence every position's cost depends on others, so which positions count, and how, cannot be
read from the gradient's rows: each such loss is a fingerprint as a whole, up to its scale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from grader.exercises.loss_kernels import HARD_CODED, TEMPERATURES, neighbour
from grader.exercises.loss_weights import NO_SHIFT, PADDING, PATTERNS, Labels
from utils.data.batches import IGNORE


@dataclass(frozen=True)
class Mixed:
    """A softmax over the wrong axis: every position's cost depends on others, so its pattern is fixed beforehand.

    total: (student, teacher, labels, T) -> the sum over the positions that count. count: how many those are, of
    (labels, size of the vocabulary). cost: how far-fetched it is.
    """

    part: str
    names: tuple[str, ...]
    total: Callable[[Tensor, Tensor, Tensor, float], Tensor]
    count: Callable[[Labels, int], float]
    cost: float


AXES = {"batch": 0, "sequence": 1}
AXIS_NAMES = {
    "batch": "softmax over the batch instead of the vocabulary{}",
    "sequence": "softmax over the sequence instead of the vocabulary{}",
    "flat": "softmax over the tokens instead of the vocabulary{}",
}
# pattern's shift -> offset of the label that the hard part is scored on; what cuts the window the same way
LABELS = {
    "": 1,
    NO_SHIFT: 0,
    "causal shift in the wrong direction{}": -1,
    "shift by two positions instead of one{}": 2,
}
SIDES = {"": (True, True), " (student)": (True, False), " (teacher)": (False, True)}


Score = Callable[[Tensor, Tensor, Tensor], Tensor]


def _kl(log_p: Tensor, log_q: Tensor, hot: Tensor) -> Tensor:
    return (log_p.exp() * (log_p - log_q)).sum(-1)


def _label(log_p: Tensor, log_q: Tensor, hot: Tensor) -> Tensor:
    return -(hot * log_q).sum(-1)


# name in the catalogue of kernels, cost of (log p, log q, one-hot label), how far-fetched
SOFT_COSTS: tuple[tuple[str, Score, float], ...] = (
    ("KL the wrong way round (student || teacher)", lambda p, q, hot: (q.exp() * (q - p)).sum(-1), 1.0),
    (
        "symmetric KL (both directions added) instead of KL",
        lambda p, q, hot: ((p.exp() - q.exp()) * (p - q)).sum(-1),
        1.0,
    ),
    (
        "soft cross-entropy instead of KL (the teacher's entropy is not subtracted)",
        lambda p, q, hot: -(p.exp() * q).sum(-1),
        1.0,
    ),
    ("mean squared error of probabilities instead of KL", lambda p, q, hot: ((p.exp() - q.exp()) ** 2).sum(-1), 1.0),
    ("mean squared error of log-probabilities instead of KL", lambda p, q, hot: ((p - q) ** 2).sum(-1), 1.0),
    ("absolute difference of probabilities instead of KL", lambda p, q, hot: (p.exp() - q.exp()).abs().sum(-1), 1.0),
    (
        "student probabilities where log-probabilities belong (log forgotten)",
        lambda p, q, hot: (p.exp() * (p - q.exp())).sum(-1),
        1.0,
    ),
    ("the teacher's weights missing from the KL sum", lambda p, q, hot: (p - q).sum(-1), 1.3),
    ("maximum over the vocabulary instead of the sum", lambda p, q, hot: (p.exp() * (p - q)).amax(-1), 1.2),
)
HARD_COSTS: tuple[tuple[str, Score, float], ...] = (
    (
        "log forgotten in the hard part (probability instead of log-probability)",
        lambda p, q, hot: -(hot * q.exp()).sum(-1),
        1.0,
    ),
    (
        "one minus the probability instead of its negative log in the hard part",
        lambda p, q, hot: 1 - (hot * q.exp()).sum(-1),
        1.1,
    ),
    (
        "softmax taken twice in the hard part",
        lambda p, q, hot: -(hot * q.exp().log_softmax(-1)).sum(-1),
        1.0,
    ),
    ("cross-entropy of the teacher instead of the student", lambda p, q, hot: -(hot * p).sum(-1) + 0 * q.sum(-1), 1.0),
    ("squared error of probabilities instead of cross-entropy", lambda p, q, hot: ((q.exp() - hot) ** 2).sum(-1), 1.0),
    (
        "label smoothing (0.1) in the hard part",
        lambda p, q, hot: -(0.9 * (hot * q).sum(-1) + 0.1 * q.mean(-1)),
        1.1,
    ),
)


def _along(axis: str, logits: Tensor, wrong: bool, keep: Tensor) -> Tensor:
    """Log-softmax along the wrong axis (or the right one), as (tokens that are kept, V)."""
    if axis == "flat":
        return logits[keep].log_softmax(0 if wrong else -1)
    return logits.log_softmax(AXES[axis] if wrong else -1)[keep]


def _window(array: Tensor, shifted: bool, labels: bool = False) -> Tensor:
    return array if not shifted else array[:, 1:] if labels else array[:, :-1]


def mixed() -> Iterator[Mixed]:
    """Both parts with each wrong axis, beside each other mistake that is likely in the same part."""
    yield from _windows()
    yield from _choices()
    yield from _costs()
    yield from _reshaped()
    yield from _zeroed()


# By what the student's and the teacher's logits are divided, where that is right.
DIVIDES: dict[str, Callable[[float], tuple[float, float]]] = {"soft": lambda T: (T, T), "hard": lambda T: (1.0, 1.0)}


def _choices() -> Iterator[Mixed]:
    """Plain KL and plain cross-entropy along the wrong axis, with each pattern of counted positions."""
    for axis in AXES:
        for part, score in (("soft", _kl), ("hard", _label)):
            for names, weigh, cost in PATTERNS:
                if 1.1 < cost <= 2.5:
                    shift = names[0] if names[0] in LABELS else ""
                    total = _general(axis, score, weigh, LABELS[shift], DIVIDES[part])
                    yield Mixed(part, (AXIS_NAMES[axis], *names), total, _weight(weigh), 1.2 + cost)


def _costs() -> Iterator[Mixed]:
    """Other costs, and other placements of T, along the wrong axis, on the right positions."""
    right = PATTERNS[0][1]
    count = _weight(right)
    coded = {f"temperature hard-coded to {fixed:g}": (_fixed(fixed), _fixed(fixed), 1.1) for fixed in HARD_CODED}
    # The first two placements, right and none, stand among the windows.
    placements = dict(list(TEMPERATURES.items())[2:]) | coded
    for axis in AXES:
        for part, costs in (("soft", SOFT_COSTS), ("hard", HARD_COSTS)):
            for other, score, cost in costs:
                total = _general(axis, score, right, 1, DIVIDES[part])
                yield Mixed(part, (AXIS_NAMES[axis], other), total, count, 1.2 + cost)
        for other, (student, teacher, cost) in placements.items():
            total = _general(axis, _kl, right, 1, _both(student, teacher))
            yield Mixed("soft", (AXIS_NAMES[axis], other), total, count, 1.2 + cost)


def _fixed(value: float) -> Callable[[float], float]:
    return lambda temperature: value


def _both(student: Callable, teacher: Callable) -> Callable[[float], tuple[float, float]]:
    return lambda temperature: (student(temperature), teacher(temperature))


def _weight(weigh: Callable) -> Callable[[Labels, int], float]:
    return lambda labels, vocabulary: float(weigh(labels, vocabulary).sum())


def _general(axis: str, score: Callable, weigh: Callable, offset: int, divide: Callable) -> Callable:
    """The weighed sum of a cost of (log p, log q, one-hot label) whose softmax runs along the wrong axis."""

    def total(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float) -> Tensor:
        size = student.shape[-1]
        weights = torch.from_numpy(np.float64(weigh(labels.numpy(), size)))
        window = slice(max(0, -offset), labels.shape[1] - max(0, offset))
        by_student, by_teacher = divide(temperature)
        log_q, log_p = (
            (x[:, window] / y).log_softmax(AXES[axis]) for x, y in ((student, by_student), (teacher, by_teacher))
        )
        wanted = neighbour(labels, offset, IGNORE)[:, window].clamp(min=0)
        hot = torch.nn.functional.one_hot(wanted, size).to(log_q.dtype)
        return (score(log_p, log_q, hot) * weights[:, window]).sum()

    return total


def _windows() -> Iterator[Mixed]:
    """Each wrong axis, on the window that is shifted or whole, with and without the mask."""
    for axis, axis_name in AXIS_NAMES.items():
        for shifted, masked, whole in (
            (True, True, False),
            (True, True, True),
            (True, False, False),
            (False, True, False),
            (False, False, False),
        ):
            if axis == "flat" and whole:
                continue
            names = (axis_name, *(() if shifted else (NO_SHIFT,)), *(() if masked else (PADDING,)))
            cost = 1.2 + (not shifted) + (not masked) + 0.1 * whole
            count = _counter(shifted, masked)
            for side, wrong in SIDES.items():
                for scaled, more in (("", 0.0), ("temperature missing in the softmax of both", 1.0)):
                    total = _mixed_soft(axis, shifted, masked, whole, wrong, not scaled)
                    labelled = (
                        names[0].replace("softmax", f"softmax{side}"),
                        *names[1:],
                        *((scaled,) if scaled else ()),
                    )
                    yield Mixed("soft", labelled, total, count, cost + more + 0.1 * bool(side))
            for scaled, more in (("", 0.0), ("temperature in the hard part", 1.0)):
                total = _mixed_hard(axis, shifted, masked, whole, bool(scaled))
                yield Mixed("hard", (*names, *((scaled,) if scaled else ())), total, count, cost + more)


ZEROED = "ignored positions are counted in the hard part, with logits of zero"


def _zeroed() -> Iterator[Mixed]:
    """Logits times the mask, labels clamped to an id: each ignored position costs log V and hands on no gradient."""

    def total(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float) -> Tensor:
        wanted = labels[:, 1:]
        logs = (student[:, :-1] * (wanted != IGNORE).unsqueeze(-1)).log_softmax(-1)
        return -logs.gather(-1, wanted.clamp(min=0).unsqueeze(-1)).sum()

    yield Mixed("hard", (ZEROED,), total, _counter(True, False), 1.5)


RESHAPED = "logits reshaped instead of transposed: tokens and vocabulary are mixed up{}"


def _reshaped() -> Iterator[Mixed]:
    """Cross-entropy wants (B, V, S): a reshape gives that shape and scatters every token's logits."""
    for shifted in (True, False):

        def total(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float, cut: bool = shifted) -> Tensor:
            logits, keep = _window(student, cut), _keep(labels, cut, True)
            batch, length, vocabulary = logits.shape
            logs = logits.reshape(batch, vocabulary, length).log_softmax(1).transpose(1, 2)[keep]
            return -logs.gather(-1, _window(labels, cut, labels=True)[keep].unsqueeze(-1)).sum()

        names = (RESHAPED, *(() if shifted else (NO_SHIFT,)))
        yield Mixed("hard", names, total, _counter(shifted, True), 1.2 + (not shifted))


def _counter(shifted: bool, masked: bool) -> Callable[[Labels, int], float]:
    def count(labels: Labels, vocabulary: int) -> float:
        window = labels[:, 1:] if shifted else labels
        return float((window != IGNORE).sum() if masked else window.size)

    return count


def _keep(labels: Tensor, shifted: bool, masked: bool) -> Tensor:
    window = _window(labels, shifted, labels=True)
    return window != IGNORE if masked else torch.ones_like(window, dtype=torch.bool)


def _logs(axis: str, logits: Tensor, wrong: bool, keep: Tensor, shifted: bool, whole: bool) -> Tensor:
    if whole and shifted:
        return _window(logits.log_softmax(AXES[axis] if wrong else -1), shifted)[keep]
    return _along(axis, _window(logits, shifted), wrong, keep)


def _mixed_soft(
    axis: str, shifted: bool, masked: bool, whole: bool, wrong: tuple[bool, bool], scaled: bool
) -> Callable:
    def total(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float) -> Tensor:
        keep = _keep(labels, shifted, masked)
        divide = temperature if scaled else 1.0
        log_q, log_p = (
            _logs(axis, logits / divide, side, keep, shifted, whole)
            for logits, side in zip((student, teacher), wrong, strict=True)
        )
        return (log_p.exp() * (log_p - log_q)).sum()

    return total


def _mixed_hard(axis: str, shifted: bool, masked: bool, whole: bool, scaled: bool) -> Callable:
    def total(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float) -> Tensor:
        keep = _keep(labels, shifted, masked)
        logs = _logs(axis, student / (temperature if scaled else 1.0), True, keep, shifted, whole)
        wanted = _window(labels, shifted, labels=True)[keep].clamp(min=0)
        return -logs.gather(-1, wanted.unsqueeze(-1)).sum()

    return total
