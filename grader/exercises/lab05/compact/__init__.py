"""compact(trace): the same steps and the same answer in fewer characters."""

from __future__ import annotations

from grader.exercises.lab05.compact.probes import draw
from grader.exercises.lab05.compact.right import catalogue
from grader.exercises.lab05.compact.rule import compact
from grader.exercises.ordinary import exercise

PARTS = [
    (
        "every step",
        2,
        ("three steps", "five steps", "two steps", "one step"),
        (
            "the last step is lost",
            "the first step is lost",
            "the full stops stay",
            "the words stay",
            "the spaces stay",
            "the steps are joined without",
            "the steps are still lines",
            "the pieces are joined by",
            "a ; at the end",
            "every space goes",
            "the answer comes first",
        ),
    ),
    (
        "as it was written",
        1,
        ("a false step", "a false last step", "an answer that does not fit", "a step twice", "shuffled"),
    ),
    (
        "the answer that was given",
        1,
        ("none", "no answer", "an answer that does not fit"),
        ("the answer is taken from the last step", "an answer is invented"),
    ),
    (
        "compact already",
        1,
        ("compact already", "compact already, one step", "no answer, compact already"),
        ("a compact trace does not come back",),
    ),
    ("below zero", 1, ("below zero", "below zero, compact already")),
]
EXERCISE = exercise("compact", "05", compact, draw, PARTS, catalogue)
