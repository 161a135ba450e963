"""How much each position can count, rightly or wrongly: patterns and divisors.

The mistake this prevents is to call every wrong mean "wrong": *which* positions count, what their sum is divided by,
and what the result is scaled with are three factors, and a learner may err in each. A pattern is a weight for every
position of a frame; a divisor is a number; both are written down as numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from grader.exercises.loss_kernels import FLAT, NO_SHIFT, neighbour
from utils.data.batches import IGNORE

Labels = np.ndarray
UNSHIFTED = "labels shifted but the mask is not{}"
PADDING = "padding counted{}"


def _next(labels: Labels, offset: int, after: str = "") -> np.ndarray:
    """The label ``offset`` places on at each position, IGNORE where there is none."""
    return neighbour(torch.from_numpy(labels), offset, IGNORE, after).numpy()


def _valid(labels: Labels, offset: int) -> np.ndarray:
    """At each position: is the label ``offset`` places on there and not ignored?"""
    return _next(labels, offset) != IGNORE


def _inside(labels: Labels, offset: int) -> np.ndarray:
    """The positions that have a label ``offset`` places on, ignored or not."""
    place = np.arange(labels.shape[1]) + offset
    return np.broadcast_to((place >= 0) & (place < labels.shape[1]), labels.shape)


def _all_but_the_last(labels: Labels) -> np.ndarray:
    """Every position but the very last one of the batch."""
    return (np.arange(labels.size) < labels.size - 1).reshape(labels.shape)


def _nth(chosen: np.ndarray, last: bool) -> np.ndarray:
    """Of the chosen positions in each row the first one, or the last one."""
    seen = chosen[:, ::-1].cumsum(1)[:, ::-1] if last else chosen.cumsum(1)
    return chosen & (seen == 1)


def _first_row(labels: Labels) -> np.ndarray:
    return np.broadcast_to((np.arange(len(labels)) == 0)[:, None], labels.shape)


def _from_the_start(chosen: np.ndarray) -> np.ndarray:
    """As many positions in each row, but its first ones."""
    return np.arange(chosen.shape[1]) < chosen.sum(1, keepdims=True)


def _of_first_row(chosen: np.ndarray) -> np.ndarray:
    return np.broadcast_to(chosen[0], chosen.shape)


Choose = Callable[[Labels, np.ndarray, int], np.ndarray]
Pattern = tuple[tuple[str, ...], Callable[[Labels, int], np.ndarray], float]
TOKEN_ID = "masked by token id instead of -100: valid labels equal to {} are dropped{{}}"

# names; the label that a position is masked by, IGNORE where there is none; the positions that are looked at; cost
SHIFTS: tuple[tuple[tuple[str, ...], Callable[[Labels], np.ndarray], Callable[[Labels], np.ndarray], float], ...] = (
    ((), lambda y: _next(y, 1), lambda y: _inside(y, 1), 0.0),
    ((NO_SHIFT,), lambda y: y, lambda y: _inside(y, 0), 1.0),
    (("causal shift in the wrong direction{}",), lambda y: _next(y, -1), lambda y: _inside(y, -1), 1.2),
    (("shift by two positions instead of one{}",), lambda y: _next(y, 2), lambda y: _inside(y, 2), 1.3),
    ((UNSHIFTED,), lambda y: y, lambda y: _inside(y, 1), 1.25),
    (("the wrong end of the logits is cut off{}",), lambda y: y, lambda y: _inside(y, -1), 1.4),
    (
        ("labels rolled around: the last position is scored against the first token{}",),
        lambda y: _next(y, 1, "its start"),
        lambda y: _inside(y, 0),
        1.4,
    ),
    ((FLAT,), lambda y: _next(y, 1, "the next row"), lambda y: _all_but_the_last(y), 1.3),
    ((FLAT, UNSHIFTED), lambda y: y, lambda y: _all_but_the_last(y), 2.4),
    (("shift by two positions instead of one{}", UNSHIFTED), lambda y: y, lambda y: _inside(y, 2), 2.4),
)
# names; which positions count, given their labels, the positions looked at and the size of the vocabulary; cost
CHOICES: tuple[tuple[tuple[str, ...], Choose, float], ...] = (
    ((), lambda y, at, V: _counted(y, at), 0.0),
    ((PADDING,), lambda y, at, V: at, 1.0),
    (("the mask is inverted: only ignored positions count{}",), lambda y, at, V: at & (y == IGNORE), 1.3),
    ((TOKEN_ID.format("0"),), lambda y, at, V: _counted(y, at) & (y != 0), 1.2),
    ((TOKEN_ID.format("the last id"),), lambda y, at, V: _counted(y, at) & (y != V - 1), 1.2),
    ((TOKEN_ID.format("0"), PADDING), lambda y, at, V: at & (y != 0), 2.2),
    ((TOKEN_ID.format("the last id"), PADDING), lambda y, at, V: at & (y != V - 1), 2.2),
    (("only the first row of the batch counts{}",), lambda y, at, V: _counted(y, at) & _first_row(y), 1.4),
    (("only the last position counts{}",), lambda y, at, V: _nth(at, True), 1.5),
    (("only the last position counts{}",), lambda y, at, V: _nth(at, True) & _counted(y, at), 1.55),
    (("only the last valid position counts{}",), lambda y, at, V: _nth(_counted(y, at), True), 1.5),
    (("only the first position counts{}",), lambda y, at, V: _nth(at, False), 1.6),
    (("the first position is left out{}",), lambda y, at, V: _counted(y, at) & ~_nth(at, False), 1.4),
    (("the last position is left out{}",), lambda y, at, V: _counted(y, at) & ~_nth(at, True), 1.5),
    (
        ("the last valid position is left out{}",),
        lambda y, at, V: _counted(y, at) & ~_nth(_counted(y, at), True),
        1.5,
    ),
)
OTHERS: tuple[Pattern, ...] = (
    (("positions whose own token is ignored are dropped as well{}",), lambda y, V: _valid(y, 1) & _valid(y, 0), 1.5),
    (("ignored labels are taken to stand at the end of each row{}",), lambda y, V: _from_the_start(_valid(y, 1)), 1.5),
    (("the first row's mask is used for every row{}",), lambda y, V: _of_first_row(_valid(y, 1)), 1.5),
)


def _counted(labels: Labels, positions: np.ndarray) -> np.ndarray:
    return positions & (labels != IGNORE)


def _pattern(shift: Callable, positions: Callable, choose: Choose) -> Callable[[Labels, int], np.ndarray]:
    return lambda labels, vocabulary: choose(shift(labels), positions(labels), vocabulary)


# names, weights of (labels, vocabulary), cost
PATTERNS: tuple[Pattern, ...] = (
    *(
        ((*names, *chosen), _pattern(shift, positions, choose), more + cost)
        for names, shift, positions, more in SHIFTS
        for chosen, choose, cost in CHOICES
    ),
    *OTHERS,
)
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
    ((ALL_POSITIONS,), lambda n, before, B, S, V: B * S - 1, 1.2),
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
    (("divided by the valid tokens of a mean row, not of all rows{}",), lambda n, before, B, S, V: n / B, 1.3),
    (("one more token counted per row than there is{}",), lambda n, before, B, S, V: n + B, 1.4),
)


def divisors(labels: Labels, vocabulary: int) -> np.ndarray:
    """(D,): each divisor of this frame."""
    valid, before = _valid(labels, 1).sum(), (labels != IGNORE).sum()
    return np.array([float(divide(valid, before, *labels.shape, vocabulary)) for _, divide, _ in DIVISORS])
