"""parameter_count(config): how many parameters a Llama of this configuration has."""

from __future__ import annotations

from grader.exercises.lab07.parameter_count.probes import draw
from grader.exercises.lab07.parameter_count.right import catalogue
from grader.exercises.lab07.parameter_count.rule import parameter_count
from grader.exercises.ordinary import exercise

PARTS = (
    ("matrices, norms and tables", 2.0, ("plain", "plain too")),
    ("a tied output layer", 1.0, ("tied", "plain")),
    ("grouped key-value heads", 1.0, ("grouped", "plain")),
    ("heads of a size of their own", 1.0, ("wide heads", "plain")),
    ("biases", 1.0, ("with biases", "plain")),
)
EXERCISE = exercise("parameter_count", "07", parameter_count, draw, PARTS, catalogue)
