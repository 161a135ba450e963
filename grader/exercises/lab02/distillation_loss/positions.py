"""Which positions count and by what their sum is divided, right and wrong.

A pattern is a weight for every position of a frame: it comes from a shift of the labels and from a choice among the
positions that are left. A divisor is one number per frame. The empty name is the right one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from utils.checks.distillation_loss.parts import OFF_BY_ONE, TWICE_DIVIDED, VOCABULARY
from utils.data.batches import IGNORE

Labels = np.ndarray
NO_SHIFT = "no causal shift{}"
WRONG_WAY = "causal shift in the wrong direction{}"
BY_TWO = "shift by two positions instead of one{}"
ROLLED = "labels rolled around: the last position is scored against the first token{}"
FLAT = "flattened before the shift: a row's end is scored on the next row's start{}"
UNSHIFTED = "labels shifted but the mask is not{}"
WRONG_END = "the wrong end of the logits is cut off{}"
PADDING = "padding counted{}"
TOKEN_ID = "masked by token id instead of -100: valid labels equal to {} are dropped{{}}"
OWN_TOO = "positions whose own token is ignored are dropped as well{}"
AT_THE_END = "ignored labels are taken to stand at the end of each row{}"
FIRST_MASK = "the first row's mask is used for every row{}"
BATCH = "divided by the batch size (batchmean), not by the number of valid tokens{}"
ALL_POSITIONS = "divided by all positions, ignored ones included{}"
ROW_LENGTH = "divided by the row length, not by the number of valid tokens{}"


def neighbour(array: Tensor, offset: int, fill: float | int, after: str = "") -> Tensor:
    """``array[:, t + offset]`` at each position t; ``fill`` where there is none.

    after: what follows a row's end: "" nothing, "its start" or "the next row" (for an offset of 1).
    """
    if offset == 0:
        return array
    moved = array.roll(-offset, dims=1).clone()
    if after == "the next row":
        moved[:-1, -1], moved[-1, -1] = array[1:, 0], fill
    elif not after and offset > 0:
        moved[:, -offset:] = fill
    elif not after:
        moved[:, :-offset] = fill
    return moved


def _next(labels: Labels, offset: int, after: str = "") -> np.ndarray:
    """The label ``offset`` places on at each position, IGNORE where there is none."""
    return neighbour(torch.from_numpy(labels), offset, IGNORE, after).numpy()


def _inside(labels: Labels, offset: int) -> np.ndarray:
    """The positions that have a label ``offset`` places on, ignored or not."""
    place = np.arange(labels.shape[1]) + offset
    return np.broadcast_to((place >= 0) & (place < labels.shape[1]), labels.shape)


def _all_but_the_last(labels: Labels) -> np.ndarray:
    return (np.arange(labels.size) < labels.size - 1).reshape(labels.shape)


def _nth(chosen: np.ndarray, last: bool) -> np.ndarray:
    """Of the chosen positions in each row the first one, or the last one."""
    seen = chosen[:, ::-1].cumsum(1)[:, ::-1] if last else chosen.cumsum(1)
    return chosen & (seen == 1)


def _counted(labels: Labels, positions: np.ndarray) -> np.ndarray:
    return positions & (labels != IGNORE)


Place = Callable[[Labels], np.ndarray]
# names, the label that a position is masked by, the positions that are looked at, price
SHIFTS: tuple[tuple[tuple[str, ...], Place, Place, float], ...] = (
    ((), lambda y: _next(y, 1), lambda y: _inside(y, 1), 0.0),
    ((NO_SHIFT,), lambda y: y, lambda y: _inside(y, 0), 1.0),
    ((WRONG_WAY,), lambda y: _next(y, -1), lambda y: _inside(y, -1), 1.2),
    ((BY_TWO,), lambda y: _next(y, 2), lambda y: _inside(y, 2), 1.3),
    ((UNSHIFTED,), lambda y: y, lambda y: _inside(y, 1), 1.25),
    ((WRONG_END,), lambda y: y, lambda y: _inside(y, -1), 1.4),
    ((ROLLED,), lambda y: _next(y, 1, "its start"), lambda y: _inside(y, 0), 1.4),
    ((FLAT,), lambda y: _next(y, 1, "the next row"), _all_but_the_last, 1.3),
    ((FLAT, UNSHIFTED), lambda y: y, _all_but_the_last, 2.4),
    ((BY_TWO, UNSHIFTED), lambda y: y, lambda y: _inside(y, 2), 2.4),
)
Choose = Callable[[Labels, np.ndarray, int], np.ndarray]
# names, which positions count (of their labels, the positions looked at, the vocabulary's size), price
CHOICES: tuple[tuple[tuple[str, ...], Choose, float], ...] = (
    ((), lambda y, at, V: _counted(y, at), 0.0),
    ((PADDING,), lambda y, at, V: at, 1.0),
    (("the mask is inverted: only ignored positions count{}",), lambda y, at, V: at & (y == IGNORE), 1.3),
    ((TOKEN_ID.format("0"),), lambda y, at, V: _counted(y, at) & (y != 0), 1.2),
    ((TOKEN_ID.format("the last id"),), lambda y, at, V: _counted(y, at) & (y != V - 1), 1.2),
    ((TOKEN_ID.format("0"), PADDING), lambda y, at, V: at & (y != 0), 2.2),
    ((TOKEN_ID.format("the last id"), PADDING), lambda y, at, V: at & (y != V - 1), 2.2),
    (
        ("only the first row of the batch counts{}",),
        lambda y, at, V: _counted(y, at) & (np.arange(len(y)) == 0)[:, None],
        1.4,
    ),
    (("only the last position counts{}",), lambda y, at, V: _nth(at, True) & _counted(y, at), 1.5),
    (("only the last position counts{}",), lambda y, at, V: _nth(at, True), 1.55),
    (("only the last valid position counts{}",), lambda y, at, V: _nth(_counted(y, at), True), 1.5),
    (("only the first position counts{}",), lambda y, at, V: _nth(at, False), 1.6),
    (("the first position is left out{}",), lambda y, at, V: _counted(y, at) & ~_nth(at, False), 1.4),
    (("the last position is left out{}",), lambda y, at, V: _counted(y, at) & ~_nth(at, True), 1.5),
    (("the last valid position is left out{}",), lambda y, at, V: _counted(y, at) & ~_nth(_counted(y, at), True), 1.5),
)
Weigh = Callable[[Labels, int], np.ndarray]
# name, weights of (labels, vocabulary), price
OTHERS: tuple[tuple[tuple[str, ...], Weigh, float], ...] = (
    ((OWN_TOO,), lambda y, V: (_next(y, 1) != IGNORE) & (y != IGNORE), 1.5),
    ((AT_THE_END,), lambda y, V: np.arange(y.shape[1]) < (_next(y, 1) != IGNORE).sum(1, keepdims=True), 1.5),
    ((FIRST_MASK,), lambda y, V: np.broadcast_to((_next(y, 1) != IGNORE)[0], y.shape), 1.5),
)


def pattern(shift: Place, positions: Place, choose: Choose) -> Weigh:
    return lambda labels, vocabulary: choose(shift(labels), positions(labels), vocabulary)


# names, weights of (labels, vocabulary), price
PATTERNS = (
    *(
        ((*names, *chosen), pattern(shift, positions, choose), more + price)
        for names, shift, positions, more in SHIFTS
        for chosen, choose, price in CHOICES
    ),
    *OTHERS,
)


def patterns(labels: Labels, vocabulary: int) -> np.ndarray:
    """(2P, B, S): each pattern's weights, then each normalised within its rows (0 in a row that counts nothing)."""
    flat = np.stack([np.float64(weigh(labels, vocabulary)) for _, weigh, _ in PATTERNS])
    return np.concatenate([flat, flat / np.maximum(flat.sum(-1, keepdims=True), 1)])


Divide = Callable[[float, float, int, int, int], float]
# names, divisor of (positions that count, valid labels before the shift, B, S, V), price
DIVISORS: tuple[tuple[tuple[str, ...], Divide, float], ...] = (
    ((), lambda n, before, B, S, V: n, 0),
    ((BATCH,), lambda n, before, B, S, V: B, 1),
    (("summed, not divided by the number of valid tokens{}",), lambda n, before, B, S, V: 1, 1),
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
    ((ROW_LENGTH,), lambda n, before, B, S, V: S - 1, 1.2),
    ((ROW_LENGTH,), lambda n, before, B, S, V: S, 1.3),
    ((TWICE_DIVIDED,), lambda n, before, B, S, V: n * B, 1.3),
    (("divided by the number of valid tokens twice{}",), lambda n, before, B, S, V: n * n, 1.3),
    ((OFF_BY_ONE,), lambda n, before, B, S, V: n + 1, 1.3),
    ((OFF_BY_ONE,), lambda n, before, B, S, V: n - 1, 1.3),
    (("divided by the valid tokens of a mean row, not of all rows{}",), lambda n, before, B, S, V: n / B, 1.3),
    (("one more token counted per row than there is{}",), lambda n, before, B, S, V: n + B, 1.4),
)


def divisors(labels: Labels, vocabulary: int) -> np.ndarray:
    """(D,): each divisor of this frame."""
    valid, before = (_next(labels, 1) != IGNORE).sum(), (labels != IGNORE).sum()
    return np.array([float(divide(valid, before, *labels.shape, vocabulary)) for _, divide, _ in DIVISORS])
