"""How much each position can count, rightly or wrongly: patterns, divisors, and softmaxes over the wrong axis.

The mistake this prevents is to call every wrong mean "wrong": *which* positions count, what their sum is divided by,
and what the result is scaled with are three factors, and a learner may err in each. A pattern is a weight for every
position of a frame; a divisor is a number; both are written down as numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from grader.exercises.loss_kernels import neighbour
from grader.exercises.loss_probes import IGNORED

Labels = np.ndarray
NO_SHIFT = "no causal shift{}"
PADDING = "padding counted{}"


def _next(labels: Labels, offset: int, wraps: bool = False) -> np.ndarray:
    """The label ``offset`` places on at each position, IGNORED where there is none."""
    return neighbour(torch.from_numpy(labels), offset, IGNORED, wraps).numpy()


def _valid(labels: Labels, offset: int, wraps: bool = False) -> np.ndarray:
    """At each position: is the label ``offset`` places on there and not ignored?"""
    return _next(labels, offset, wraps) != IGNORED


def _inside(labels: Labels, offset: int) -> np.ndarray:
    """The positions that have a label ``offset`` places on, ignored or not."""
    place = np.arange(labels.shape[1]) + offset
    return np.broadcast_to((place >= 0) & (place < labels.shape[1]), labels.shape)


def _nth(chosen: np.ndarray, last: bool) -> np.ndarray:
    """Of the chosen positions in each row the first one, or the last one."""
    seen = chosen[:, ::-1].cumsum(1)[:, ::-1] if last else chosen.cumsum(1)
    return chosen & (seen == 1)


def _first_row(labels: Labels) -> np.ndarray:
    return np.broadcast_to((np.arange(len(labels)) == 0)[:, None], labels.shape)


Choose = Callable[[Labels, int, int], np.ndarray]
Pattern = tuple[tuple[str, ...], Callable[[Labels, int], np.ndarray], float]
TOKEN_ID = "masked by token id instead of -100: valid labels equal to {} are dropped{{}}"

# name, offset of the label that a position is scored on, cost
SHIFTS = (
    ((), 1, 0.0),
    ((NO_SHIFT,), 0, 1.0),
    (("causal shift in the wrong direction{}",), -1, 1.2),
    (("shift by two positions instead of one{}",), 2, 1.3),
)
# names, which positions count, given labels, the offset and the size of the vocabulary; cost
CHOICES: tuple[tuple[tuple[str, ...], Choose, float], ...] = (
    ((), lambda y, d, V: _valid(y, d), 0.0),
    ((PADDING,), lambda y, d, V: _inside(y, d), 1.0),
    (("the mask is inverted: only ignored positions count{}",), lambda y, d, V: ~_valid(y, d) & _inside(y, d), 1.3),
    ((TOKEN_ID.format("0"),), lambda y, d, V: _valid(y, d) & (_next(y, d) != 0), 1.2),
    ((TOKEN_ID.format("the last id"),), lambda y, d, V: _valid(y, d) & (_next(y, d) != V - 1), 1.2),
    ((TOKEN_ID.format("0"), PADDING), lambda y, d, V: _inside(y, d) & (_next(y, d) != 0), 2.2),
    ((TOKEN_ID.format("the last id"), PADDING), lambda y, d, V: _inside(y, d) & (_next(y, d) != V - 1), 2.2),
    (("only the first row of the batch counts{}",), lambda y, d, V: _valid(y, d) & _first_row(y), 1.4),
    (("only the last position counts{}",), lambda y, d, V: _nth(_inside(y, d), True), 1.5),
    (("only the last position counts{}",), lambda y, d, V: _nth(_inside(y, d), True) & _valid(y, d), 1.55),
    (("only the last valid position counts{}",), lambda y, d, V: _nth(_valid(y, d), True), 1.5),
    (("only the first position counts{}",), lambda y, d, V: _nth(_inside(y, d), False), 1.6),
    (("the first position is left out{}",), lambda y, d, V: _valid(y, d) & ~_nth(_inside(y, d), False), 1.4),
    (("the last position is left out{}",), lambda y, d, V: _valid(y, d) & ~_nth(_inside(y, d), True), 1.5),
    (("the last valid position is left out{}",), lambda y, d, V: _valid(y, d) & ~_nth(_valid(y, d), True), 1.5),
)
OTHERS: tuple[Pattern, ...] = (
    (("labels shifted but the mask is not{}",), lambda y, V: _valid(y, 0) & _inside(y, 1), 1.2),
    (("the wrong end of the logits is cut off{}",), lambda y, V: _valid(y, 0) & _inside(y, -1), 1.4),
    (
        ("labels rolled around: the last position is scored against the first token{}",),
        lambda y, V: _valid(y, 1, wraps=True),
        1.4,
    ),
    (
        ("labels rolled around: the last position is scored against the first token{}", PADDING),
        lambda y, V: _inside(y, 0),
        2.6,
    ),
    (("positions whose own token is ignored are dropped as well{}",), lambda y, V: _valid(y, 1) & _valid(y, 0), 1.5),
)


def _pattern(choose: Choose, offset: int) -> Callable[[Labels, int], np.ndarray]:
    return lambda labels, vocabulary: choose(labels, offset, vocabulary)


# names, weights of (labels, vocabulary), cost
PATTERNS: tuple[Pattern, ...] = (
    *(
        ((*shift, *names), _pattern(choose, offset), more + cost)
        for shift, offset, more in SHIFTS
        for names, choose, cost in CHOICES
    ),
    *OTHERS,
)
ROW_MEANS = "mean of the rows' means: a token in a short row counts more{}"

VOCABULARY = "averaged over the vocabulary as well{}"
BATCH = "divided by the batch size (batchmean), not by the number of valid tokens{}"
ALL_POSITIONS = "divided by all positions, ignored ones included{}"
SUMMED = "summed, not divided by the number of valid tokens{}"


def patterns(labels: Labels, vocabulary: int) -> np.ndarray:
    """(2P, B, S): each pattern's weights, then each normalised within its rows (0 in a row that counts nothing)."""
    flat = np.stack([np.float64(weigh(labels, vocabulary)) for _, weigh, _ in PATTERNS])
    return np.concatenate([flat, flat / np.maximum(flat.sum(-1, keepdims=True), 1)])


# names, divisor of (N, valid labels before the shift, B, S, V), cost
DIVISORS: tuple[tuple[tuple[str, ...], Callable[..., float], float], ...] = (
    ((), lambda n, before, B, S, V: n, 0),
    ((BATCH,), lambda n, before, B, S, V: B, 1),
    ((SUMMED,), lambda n, before, B, S, V: 1, 1),
    ((ALL_POSITIONS,), lambda n, before, B, S, V: B * (S - 1), 1),
    ((ALL_POSITIONS,), lambda n, before, B, S, V: B * S, 1.1),
    (("the number of valid tokens is counted before the shift{}",), lambda n, before, B, S, V: before, 1.1),
    ((VOCABULARY,), lambda n, before, B, S, V: n * V, 1),
    ((VOCABULARY, ALL_POSITIONS), lambda n, before, B, S, V: B * (S - 1) * V, 1.5),
    ((VOCABULARY, ALL_POSITIONS), lambda n, before, B, S, V: B * S * V, 1.6),
    ((VOCABULARY, BATCH), lambda n, before, B, S, V: B * V, 1.7),
    (
        ("divided by the size of the vocabulary, not by the number of valid tokens{}",),
        lambda n, before, B, S, V: V,
        1.2,
    ),
    (("divided by the row length, not by the number of valid tokens{}",), lambda n, before, B, S, V: S - 1, 1.2),
    (("divided by the row length, not by the number of valid tokens{}",), lambda n, before, B, S, V: S, 1.3),
    (("divided by the number of valid tokens and by the batch size{}",), lambda n, before, B, S, V: n * B, 1.3),
    (("divided by the number of valid tokens twice{}",), lambda n, before, B, S, V: n * n, 1.3),
    (("the number of valid tokens is off by one{}",), lambda n, before, B, S, V: n + 1, 1.3),
    (("the number of valid tokens is off by one{}",), lambda n, before, B, S, V: n - 1, 1.3),
    (("one more token counted per row than there is{}",), lambda n, before, B, S, V: n + B, 1.4),
)


def divisors(labels: Labels, vocabulary: int) -> np.ndarray:
    """(D,): each divisor of this frame."""
    valid, before = _valid(labels, 1).sum(), (labels != IGNORED).sum()
    return np.array([float(divide(valid, before, *labels.shape, vocabulary)) for _, divide, _ in DIVISORS])


@dataclass(frozen=True)
class Mixed:
    """A softmax over the wrong axis: every position's cost depends on others, so its pattern is fixed beforehand.

    cost: (student, teacher, labels, T) -> the sum over the positions that count, and how many those are.
    """

    part: str
    names: tuple[str, ...]
    total: Callable[[Tensor, Tensor, Tensor, float], Tensor]
    count: Callable[[Labels], int]
    cost: float


AXES = {"batch": 0, "sequence": 1}
AXIS_NAMES = {
    "batch": "softmax over the batch instead of the vocabulary{}",
    "sequence": "softmax over the sequence instead of the vocabulary{}",
    "flat": "softmax over the tokens instead of the vocabulary{}",
}
SIDES = {"": (True, True), " (student)": (True, False), " (teacher)": (False, True)}


def _along(axis: str, logits: Tensor, wrong: bool, keep: Tensor) -> Tensor:
    """Log-softmax along the wrong axis (or the right one), as (tokens that are kept, V)."""
    if axis == "flat":
        return logits[keep].log_softmax(0 if wrong else -1)
    return logits.log_softmax(AXES[axis] if wrong else -1)[keep]


def _window(array: Tensor, shifted: bool, labels: bool = False) -> Tensor:
    return array if not shifted else array[:, 1:] if labels else array[:, :-1]


def mixed() -> Iterator[Mixed]:
    """Both parts with each wrong axis, on the window that is shifted or whole, with and without the mask."""
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


def _counter(shifted: bool, masked: bool) -> Callable[[Labels], int]:
    def count(labels: Labels) -> int:
        window = labels[:, 1:] if shifted else labels
        return int((window != IGNORED).sum()) if masked else window.size

    return count


def _keep(labels: Tensor, shifted: bool, masked: bool) -> Tensor:
    window = _window(labels, shifted, labels=True)
    return window != IGNORED if masked else torch.ones_like(window, dtype=torch.bool)


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
