"""block_influence(hidden_states, mask): the mean over valid positions of 1 - cosine(read, written), block by block."""

from __future__ import annotations

from grader.exercises.lab07.block_influence.probes import PADDED, WHOLE, draw
from grader.exercises.lab07.block_influence.right import catalogue
from grader.exercises.lab07.block_influence.rule import block_influence
from grader.exercises.ordinary import exercise

PARTS = (
    ("1 minus the cosine of what a block reads and writes", 2.0, WHOLE),
    ("only positions that count", 2.0, PADDED),
)
EXERCISE = exercise("block_influence", "07", block_influence, draw, PARTS, catalogue)
