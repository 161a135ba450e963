"""Which positions count and by what their sum is divided, right and wrong.

A pattern is a weight for every position of a frame: it comes from a shift of the labels, from a choice among the
positions that are left, and from how rows weigh. A divisor is one number per frame and pattern.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from grader.exercises.lab02.distillation_loss.choice import Choice, joined, listed
from utils.checks.distillation_loss.judge import LAST_OUT, NO_SHIFT, ROLLED, UNSHIFTED, WRONG_END, WRONG_WAY
from utils.data.batches import IGNORE

BY_TWO = "shift by two positions instead of one{}"
FLAT = "flattened before the shift: a row's end is scored on the next row's start{}"
PADDING = "padding counted{}"
FIRST_ID = "masked by token id instead of -100: valid labels equal to 0 are dropped{}"
LAST_ID = "masked by token id instead of -100: valid labels equal to the last id are dropped{}"
ONLY_LAST = "only the last position counts{}"
BATCH = "divided by the batch size (batchmean), not by the number of valid tokens{}"
ALL_POSITIONS = "divided by all positions, ignored ones included{}"
VOCABULARY = "averaged over the vocabulary as well{}"
ROW_LENGTH = "divided by the row length, not by the number of valid tokens{}"
OFF_BY_ONE = "the number of valid tokens is off by one{}"


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


# (how far away the label is, what follows a row's end, does the mask follow?)
SHIFTS = listed(
    ((), (1, "", True)),
    "At position t the model has read token t. Which token is it scored on?",
    (NO_SHIFT, (0, "", True)),
    (WRONG_WAY, (-1, "", True), 1.2),
    (BY_TWO, (2, "", True), 1.3),
    "What does a row's last position predict, and is that token in the row?",
    (ROLLED, (1, "its start", True), 1.4),
    (FLAT, (1, "the next row", True), 1.3),
    "You cut the labels. Does your mask still describe the same positions?",
    (UNSHIFTED, (1, "", False), 1.25),
    ((FLAT, UNSHIFTED), (1, "the next row", False), 2.4),
    ((BY_TWO, UNSHIFTED), (2, "", False), 2.4),
    "Which position has no next token: the first one or the last?",
    (WRONG_END, (-1, "", False), 1.4),
)
LABEL_PLACES = tuple(shift for shift in SHIFTS if shift.do[2])


@dataclass(frozen=True)
class Seen:
    """labels: (B, S). wanted: the label that each position is masked by. at: is the position looked at? size: of the
    vocabulary.
    """

    labels: Tensor
    wanted: Tensor
    at: Tensor
    size: int

    @property
    def counted(self) -> Tensor:
        return self.at & (self.wanted != IGNORE)


def _first(chosen: Tensor) -> Tensor:
    """Of the chosen positions in each row the first one."""
    return chosen & (chosen.cumsum(1) == 1)


def _last(chosen: Tensor) -> Tensor:
    return _first(chosen.flip(1)).flip(1)


# which positions count, of Seen
CHOICES = listed(
    ((), lambda p: p.counted),
    "Imagine changing only a position whose label is ignored. Should the loss change?",
    (PADDING, lambda p: p.at),
    "Print your mask for one row: is it true where the label is -100?",
    ("the mask is inverted: only ignored positions count{}", lambda p: p.at & (p.wanted == IGNORE), 1.3),
    "Padding can share its id with a real token. What marks the ignored ones?",
    (FIRST_ID, lambda p: p.counted & (p.wanted != 0), 1.2),
    (LAST_ID, lambda p: p.counted & (p.wanted != p.size - 1), 1.2),
    ((FIRST_ID, PADDING), lambda p: p.at & (p.wanted != 0), 2.2),
    ((LAST_ID, PADDING), lambda p: p.at & (p.wanted != p.size - 1), 2.2),
    "How many valid labels does each row have, and how many of them does your loss see?",
    ("only the first row of the batch counts{}", lambda p: p.counted & (torch.arange(len(p.at)) == 0)[:, None], 1.4),
    (ONLY_LAST, lambda p: _last(p.at) & p.counted, 1.5),
    (ONLY_LAST, lambda p: _last(p.at), 1.55),
    ("only the last valid position counts{}", lambda p: _last(p.counted), 1.5),
    ("only the first position counts{}", lambda p: _first(p.at), 1.6),
    "A row of S tokens has S - 1 predictions. Which of them do you drop?",
    ("the first position is left out{}", lambda p: p.counted & ~_first(p.at), 1.4),
    (LAST_OUT, lambda p: p.counted & ~_last(p.at), 1.5),
    ("the last valid position is left out{}", lambda p: p.counted & ~_last(p.counted), 1.5),
    "A position counts if the label that it predicts is valid. Does the label of its own token matter?",
    ("positions whose own token is ignored are dropped as well{}", lambda p: p.counted & (p.labels != IGNORE), 1.5),
    "Where may ignored labels stand? Try one at the start of a row, and rows that differ.",
    (
        "ignored labels are taken to stand at the end of each row{}",
        lambda p: torch.arange(p.at.shape[1]) < p.counted.sum(1, keepdim=True),
        1.5,
    ),
    ("the first row's mask is used for every row{}", lambda p: p.counted[:1].expand(p.at.shape), 1.5),
)
ROWS = listed(
    ((), lambda weights: weights),
    "Take one row with one token and one with ten. How much does each token weigh in your mean?",
    (
        "mean of the rows' means: a token in a short row counts more{}",
        lambda weights: weights / weights.sum(1, keepdim=True).clamp(min=1),
        1.1,
    ),
)


def weigh(shift: Choice, choice: Choice, rows: Choice, labels: Tensor, size: int) -> Tensor:
    """(B, S): how much each position counts, before anything is divided."""
    offset, after, follows = shift.do
    wanted = neighbour(labels, offset, IGNORE, after) if follows else labels
    at = neighbour(torch.ones_like(labels), offset, 0, after) > 0
    return rows.do(choice.do(Seen(labels, wanted, at, size)).double())


# weights of (labels, vocabulary)
PATTERNS = tuple(joined(partial(weigh, *made), *made) for made in itertools.product(SHIFTS, CHOICES, ROWS))


@dataclass(frozen=True)
class Sizes:
    """n: positions that count. before: valid labels before the shift. B, S, V: rows, tokens in a row, vocabulary."""

    n: float
    before: int
    B: int
    S: int
    V: int


# what the sum is divided by, of Sizes
DIVISORS = listed(
    ((), lambda of: of.n),
    '"batchmean" divides by the size of the first axis. What is that axis in your tensor?',
    (BATCH, lambda of: of.B),
    "Should a batch of twice as many tokens have twice the loss?",
    ("summed, not divided by the number of valid tokens{}", lambda of: 1),
    "Add padding to every row. Should the loss get smaller?",
    (ALL_POSITIONS, lambda of: of.B * (of.S - 1)),
    (ALL_POSITIONS, lambda of: of.B * of.S, 1.1),
    (ALL_POSITIONS, lambda of: of.B * of.S - 1, 1.2),
    (ROW_LENGTH, lambda of: of.S - 1, 1.2),
    (ROW_LENGTH, lambda of: of.S, 1.3),
    "The sum runs over the vocabulary, the mean over tokens. By which number do you divide?",
    (VOCABULARY, lambda of: of.n * of.V),
    ((VOCABULARY, ALL_POSITIONS), lambda of: of.B * (of.S - 1) * of.V, 1.5),
    ((VOCABULARY, ALL_POSITIONS), lambda of: of.B * of.S * of.V, 1.6),
    ((VOCABULARY, BATCH), lambda of: of.B * of.V, 1.7),
    ("divided by the size of the vocabulary, not by the number of valid tokens{}", lambda of: of.V, 1.2),
    "You take a mean twice. Which of the two is one too many?",
    ("divided by the number of valid tokens and by the batch size{}", lambda of: of.n * of.B, 1.3),
    ("divided by the number of valid tokens twice{}", lambda of: of.n * of.n, 1.3),
    "Count the valid labels of one short batch by hand, after the shift.",
    ("the number of valid tokens is counted before the shift{}", lambda of: of.before, 1.1),
    (OFF_BY_ONE, lambda of: of.n + 1, 1.3),
    (OFF_BY_ONE, lambda of: of.n - 1, 1.3),
    ("divided by the valid tokens of a mean row, not of all rows{}", lambda of: of.n / of.B, 1.3),
    ("one more token counted per row than there is{}", lambda of: of.n + of.B, 1.4),
)


def divisor(choice: Choice, weights: Tensor, labels: Tensor, size: int) -> float:
    """What this choice divides the sum over these weights by."""
    return float(choice.do(Sizes(float(weights.sum()), int((labels != IGNORE).sum()), *labels.shape, size)))
