"""``layer_map(student_layers, teacher_layers)``: 1-based, evenly spaced, last to last.

Where the numbers do not divide, every rounding to a neighbour is right. So some probes divide, on which all roundings
agree, and some do not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate, repeat

import numpy as np
import torch

from grader.exercise import Exercise, Misconception, Part
from grader.exercises import choices
from grader.exercises.variants import Variant, catalogue, hints
from utils.checks.records import Probe, Table

MAP = "layer map: "
DIVIDING = 5  # so many of the pairs divide
PAIRS = ((6, 24), (6, 24), (4, 12), (1, 6), (5, 5), (4, 6), (3, 8), (2, 9))
ORDINARY = tuple(f"ordinary {index}" for index in range(len(PAIRS)))
FIXED = "a fixed list, whatever the two numbers of layers are"
STARTS_AT_1 = "last layer missed: it starts at 1 and ends early"
END_TO_END = MAP + "first to first and last to last instead of equal steps"
LEFT_OUT = "last layer left out of the list"


def probes(seed: int | None) -> tuple[Probe, ...]:
    pairs = list(PAIRS)
    if seed is not None:
        stream = np.random.Generator(np.random.PCG64(seed))
        for place in range(2, len(pairs)):
            student = int(stream.integers(2, 9))
            rest = 0 if place < DIVIDING else int(stream.integers(1, student))
            pairs[place] = (student, student * int(stream.integers(2, 5)) + rest)
        pairs[3], pairs[5] = (1, int(stream.integers(4, 30))), (student, 2 * student - 1)
    named = zip(ORDINARY, pairs, strict=True)
    return tuple(Probe(name, {"student_layers": s, "teacher_layers": t}) for name, (s, t) in named)


def rounded_down(student_layers, teacher_layers):
    return [(i + 1) * teacher_layers // student_layers for i in range(student_layers)]


def rounded_up(student_layers, teacher_layers):
    return [math.ceil(i * teacher_layers / student_layers) for i in range(1, student_layers + 1)]


def rounded_half_up(student_layers, teacher_layers):
    return [math.floor(i * teacher_layers / student_layers + 0.5) for i in range(1, student_layers + 1)]


def rounded_to_the_nearest(student_layers, teacher_layers):
    return [round(teacher_layers * (i + 1) / student_layers) for i in range(student_layers)]


def from_linspace(student_layers, teacher_layers):
    return torch.linspace(teacher_layers / student_layers, teacher_layers, student_layers).round().int().tolist()


def as_a_tuple(student_layers, teacher_layers):
    return tuple(int(i * teacher_layers / student_layers + 1e-9) for i in range(1, student_layers + 1))


def numpy_integers(student_layers, teacher_layers):
    return list(np.linspace(0, teacher_layers, student_layers + 1)[1:].round().astype(np.int64))


def from_the_end(student_layers, teacher_layers):
    return [teacher_layers - i * teacher_layers // student_layers for i in range(student_layers)][::-1]


def with_divmod(student_layers, teacher_layers):
    step, rest = divmod(teacher_layers, student_layers)
    return [i * step + divmod(i * rest, student_layers)[0] for i in range(1, student_layers + 1)]


def where_a_count_changes(student_layers, teacher_layers):
    """The teacher layers at which another student layer is complete."""
    done = [i * student_layers // teacher_layers for i in range(teacher_layers + 1)]
    return [i for i in range(1, teacher_layers + 1) if done[i] > done[i - 1]]


def in_steps(student_layers, teacher_layers):
    return [int(sum_ + 1e-6) for sum_ in accumulate(repeat(teacher_layers / student_layers, student_layers))]


def floats(student_layers, teacher_layers):
    return [i * teacher_layers / student_layers for i in range(1, student_layers + 1)]


def a_tensor(student_layers, teacher_layers):
    return torch.linspace(teacher_layers / student_layers, teacher_layers, student_layers).round().long()


def of_the_example(student_layers, teacher_layers):
    return [4, 8, 12, 16, 20, 24]


def variants() -> list[Variant]:
    """Every mistake gives another list on at least one of the pairs."""
    span = range

    def entry(name: str, compute: Callable[[int, int], list[int]], cost: float = 1.0) -> Variant:
        return Variant((name,), compute, cost)

    return [
        Variant((), rounded_down, 0.0),
        entry("layers counted from 0 instead of 1", lambda s, t: [i * t // s - 1 for i in span(1, s + 1)]),
        entry("last layer missed: it starts at 0 and ends early", lambda s, t: [i * t // s for i in span(s)]),
        entry(STARTS_AT_1, lambda s, t: [i * t // s + 1 for i in span(s)]),
        entry(STARTS_AT_1, lambda s, t: [i * (t // s) + 1 for i in span(s)]),
        entry("last layer missed: one step too many is made", lambda s, t: [i * t // (s + 1) for i in span(1, s + 1)]),
        entry("layer numbers one too high", lambda s, t: [i * t // s + 1 for i in span(1, s + 1)]),
        entry(MAP + "the first layers instead of evenly spaced ones", lambda s, t: list(span(1, s + 1))),
        entry(MAP + "the last layers instead of evenly spaced ones", lambda s, t: list(span(t - s + 1, t + 1))),
        entry(
            "last layer missed where it does not divide: a fixed step is used",
            lambda s, t: [i * (t // s) for i in span(1, s + 1)],
        ),
        entry(MAP + "in reverse", lambda s, t: rounded_down(s, t)[::-1]),
        entry(MAP + "every teacher layer is listed", lambda s, t: list(span(1, t + 1))),
        entry(MAP + "every student layer follows the last one", lambda s, t: [t] * s),
        entry(
            MAP + "a step list that is longer than the student where it does not divide",
            lambda s, t: list(span(t // s, t + 1, t // s)),
        ),
        entry(END_TO_END, lambda s, t: [round(1 + i * (t - 1) / max(1, s - 1)) for i in span(s)] if s > 1 else [t]),
        entry(END_TO_END, lambda s, t: [round(1 + i * (t - 1) / max(1, s - 1)) for i in span(s)]),
        entry(
            "layers counted from 0, first to first and last to last",
            lambda s, t: [round(i * (t - 1) / max(1, s - 1)) for i in span(s)] if s > 1 else [t - 1],
            1.1,
        ),
        entry(MAP + "student and teacher swapped", lambda s, t: [i * s // t for i in span(1, t + 1)]),
        entry(MAP + "one layer too many: the embeddings are listed as 0", lambda s, t: [0, *rounded_down(s, t)]),
        entry(LEFT_OUT, lambda s, t: rounded_down(s, t)[:-1] or [0], 1.1),
        entry(LEFT_OUT, lambda s, t: rounded_down(s, t)[:-1], 1.1),
    ]


HINTS = hints(
    {
        "The task counts layers from 1. Which number does the teacher's last layer have?": (
            "layers counted from 0 instead of 1",
            "layer numbers one too high",
            "layers counted from 0, first to first and last to last",
            "layers below 1: the teacher's layers count from 1",
            "layers beyond the teacher's last one",
        ),
        "With 6 and 24 layers, which teacher layer should the first student layer follow, and which the last?": (
            "last layer missed: it starts at 0 and ends early",
            STARTS_AT_1,
        ),
        "Into how many equal steps must the teacher's layers be divided?": (
            "last layer missed: one step too many is made",
        ),
        "The chosen layers should be spread over the whole teacher. Where are yours?": (
            MAP + "the first layers instead of evenly spaced ones",
            MAP + "the last layers instead of evenly spaced ones",
        ),
        "For 3 and 8 layers, 8 / 3 is no whole number. Do you round the step, or each layer's place?": (
            "last layer missed where it does not divide: a fixed step is used",
            MAP + "a step list that is longer than the student where it does not divide",
        ),
        "Should a later student layer follow a later or an earlier teacher layer?": (
            MAP + "in reverse",
            MAP + "a layer is listed twice or out of order",
        ),
        "How many entries should the list have: one for each student layer, or one for each teacher layer?": (
            MAP + "every teacher layer is listed",
            MAP + "one layer too many: the embeddings are listed as 0",
            "the list does not hold one teacher layer for each student layer",
        ),
        "Each student layer has a teacher layer of its own. Which one should the first of them follow?": (
            MAP + "every student layer follows the last one",
        ),
        "Count the layers between two entries of your list. Does the first entry have as many before it?": (
            END_TO_END,
        ),
        "Layer i belongs at i * teacher_layers / student_layers. Which of yours is not beside its place?": (
            MAP + "a layer is not beside its even place",
        ),
        "Which of the two arguments is the number of layers that are chosen from?": (
            MAP + "student and teacher swapped",
        ),
        "Which teacher layer should the student's last layer follow, and is it the last in your list?": (
            LEFT_OUT,
            "last layer missed: the student's last one does not follow the teacher's last",
        ),
        "The numbers of layers are arguments. What is your list for a student of 4 layers?": (FIXED,),
        "A layer's number is used as an index. Which division gives whole numbers?": (
            "numbers instead of whole numbers",
        ),
        "The task asks for a list of whole numbers. What turns yours into one?": ("{} instead of {}",),
    }
)


def table(seed: int | None = None) -> Table:
    """Expected lists, the other roundings that are right too, and every variant's."""
    asked = probes(seed)
    texts = {"judge": "layers", "forms": [["list", "int"]] * len(asked), "hints": HINTS}
    made = choices.table("layer_map", asked, variants(), texts, constants=False)
    roundings = (rounded_up, rounded_half_up, rounded_to_the_nearest)
    also = {
        f"expected/{index}/also": np.array([f(*probe.inputs.values()) for f in roundings], dtype=np.float64)
        for index, probe in enumerate(asked)
    }
    return replace(made, numbers=made.numbers | also)


RIGHT = {
    f.__name__: f
    for f in (
        rounded_down, rounded_up, rounded_half_up, rounded_to_the_nearest, from_linspace, as_a_tuple, numpy_integers,
        from_the_end, with_divmod, where_a_count_changes, in_steps,
    )
}  # fmt: skip

EXERCISE = Exercise(
    "layer_map",
    "03",
    ("student_layers", "teacher_layers"),
    (
        Part("where it divides", 1.0, ORDINARY[:DIVIDING]),
        Part("where it does not", 1.0, ORDINARY[DIVIDING:]),
    ),
    table,
    catalogue(
        variants(),
        Misconception("numbers instead of whole numbers", "i * t / s is no index.", floats),
        Misconception(FIXED, "The example's numbers.", of_the_example),
        Misconception("a tensor of whole numbers instead of a list of whole numbers", "linspace.", a_tensor),
    ),
    RIGHT,
)
