"""decode_seconds(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate): a step, as a limit."""

from __future__ import annotations

from grader.exercises.lab07.decode_seconds.probes import ARITHMETIC, MEMORY, draw
from grader.exercises.lab07.decode_seconds.right import catalogue
from grader.exercises.lab07.decode_seconds.rule import decode_seconds
from grader.exercises.ordinary import exercise

PARTS = (
    ("where the memory is the limit", 1.5, MEMORY, ("seconds for one text's share", "milliseconds", "steps a second")),
    ("where the arithmetic is the limit", 1.5, ARITHMETIC),
)
EXERCISE = exercise("decode_seconds", "07", decode_seconds, draw, PARTS, catalogue)
