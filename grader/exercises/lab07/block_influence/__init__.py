"""block_influence(hidden_states, mask): the mean over valid positions of 1 - cosine(read, written), block by block."""

from __future__ import annotations

from grader.exercises.lab07.block_influence.probes import PADDED, WHOLE, draw
from grader.exercises.lab07.block_influence.right import catalogue
from grader.exercises.lab07.block_influence.rule import block_influence
from grader.exercises.ordinary import exercise

PARTS = (
    (
        "1 minus the cosine of what a block reads and writes",
        2.0,
        WHOLE,
        (
            "the cosine instead of 1 minus",
            "the sign is turned round",
            "off by one",
            "one entry too many",
            "the cosine is squared",
            "the absolute value",
            "the angle itself",
        ),
    ),
    (
        "only positions that count",
        2.0,
        PADDED,
        ("the mask is turned round", "only the last position", "summed over the positions"),
    ),
)
EXERCISE = exercise("block_influence", "07", block_influence, draw, PARTS, catalogue)
