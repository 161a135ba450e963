"""is_repetitive(trace, longest): more steps than anybody needs, or one step twice."""

from __future__ import annotations

from grader.exercises.lab05.is_repetitive.probes import draw
from grader.exercises.lab05.is_repetitive.right import catalogue
from grader.exercises.lab05.is_repetitive.rule import is_repetitive
from grader.exercises.ordinary import exercise

PARTS = [
    (
        "too many steps",
        2,
        (
            "usual",
            "as many as allowed",
            "as many as allowed, compact",
            "one too many",
            "two too many",
            "one too many, compact",
            "as many as allowed, no answer",
            "one too many, no answer",
            "as many as allowed, compact, no answer",
            "one too many, compact, no answer",
        ),
        ("exactly the longest length", "the length is counted", "the answer is counted"),
    ),
    (
        "a step twice",
        2,
        (
            "usual, compact",
            "twice in a row",
            "twice in a row, compact",
            "twice, apart",
            "twice, apart, compact",
            "twice, with another word",
            "again and again, no answer",
            "again and again, too long",
            "below zero, twice",
            "twice, with other spaces",
            "twice, with other spaces, compact",
        ),
        ("only two same steps side by side", "the same step behind another word"),
    ),
    (
        "right traces stay",
        1,
        (
            "long and right",
            "one step",
            "no step",
            "a result twice",
            "a result twice, compact",
            "an operation twice",
            "an operation twice, compact",
            "an operation twice, another result",
            "an operation twice, another result, compact",
            "one inside of another",
            "one inside of another, verbose",
            "below zero",
            "a minus apart",
            "twice, apart",
        ),
    ),
]
EXERCISE = exercise("is_repetitive", "05", is_repetitive, draw, PARTS, catalogue)
