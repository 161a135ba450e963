"""steps_are_consistent(trace): true equations, each step from the last, and the answer at the end."""

from __future__ import annotations

from grader.exercises.lab05.steps_are_consistent.probes import draw
from grader.exercises.lab05.steps_are_consistent.right import catalogue
from grader.exercises.lab05.steps_are_consistent.rule import steps_are_consistent
from grader.exercises.ordinary import exercise

PARTS = [
    (
        "every equation is true",
        2,
        (
            "right",
            "right, compact",
            "right, one step",
            "right, long",
            "the first is false",
            "the second is false",
            "the third is false",
            "the last is false",
            "the only one is false",
            "the first is false, compact",
            "the last is false, verbose",
            "false by one",
            "two false ones",
            "a ten is lost",
            "a ten is lost, compact",
            "right, a product",
            "a product is false",
        ),
        ("the equations are not computed", "the first step's equation", "a step with * is not read"),
    ),
    (
        "each step goes on from the last",
        2,
        (
            "right, long",
            "a number from nowhere",
            "a number from nowhere, compact",
            "the last starts from nowhere",
            "an earlier result",
            "the second number",
            "as the result",
            "as the second number",
            "shuffled",
            "shuffled, compact",
        ),
        ("a step may start from any number", "one link that fits"),
    ),
    (
        "the answer is the last result",
        1,
        (
            "right",
            "another answer",
            "another answer, compact",
            "the answer of an earlier step",
            "the answer ends alike",
            "the answer begins alike",
            "the answer has a minus",
        ),
        ("the answer is not compared",),
    ),
    ("nothing is missing", 1, ("right, one step", "no answer", "no answer, compact", "none", "no step")),
    (
        "numbers below zero",
        1,
        ("below zero", "below zero, compact", "below zero, false", "a minus is lost", "a minus is lost on the way"),
        ("numbers are compared without their minus",),
    ),
]
EXERCISE = exercise("steps_are_consistent", "05", steps_are_consistent, draw, PARTS, catalogue)
