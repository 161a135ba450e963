"""``layer_map``, right and wrong, as choices: the source of its table and of runnable mistakes.

``layer_map(student_layers, teacher_layers)``: 1-based, evenly spaced, last to last; where it does not divide, any
rounding to a neighbour is right. The mistake this prevents: probes that all divide, on which the roundings agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from grader.exercises.variants import Variant, fingerprints
from utils.checks.records import Probe, Table

MAP = "layer map: "
DIVIDING = 5  # so many of the pairs divide
PAIRS = ((6, 24), (6, 24), (4, 12), (1, 6), (5, 5), (4, 6), (3, 8), (2, 9))


def right_map(student_layers: int, teacher_layers: int) -> list[int]:
    return [i * teacher_layers // student_layers for i in range(1, student_layers + 1)]


def _up(s: int, t: int) -> list[int]:
    return [-(-i * t // s) for i in range(1, s + 1)]


def _nearest(s: int, t: int) -> list[int]:
    return [math.floor(i * t / s + 0.5) for i in range(1, s + 1)]


def _to_even(s: int, t: int) -> list[int]:
    return [round(i * t / s) for i in range(1, s + 1)]


def layer_map_variants() -> list[Variant]:
    """Every mistake gives another list on at least one of the pairs."""
    span = range

    def entry(name: str, compute: Callable[[int, int], list[int]], cost: float = 1.0) -> Variant:
        return Variant((name,), compute, cost)

    return [
        Variant((), right_map, 0.0),
        entry("layers counted from 0 instead of 1", lambda s, t: [i * t // s - 1 for i in span(1, s + 1)]),
        entry("last layer missed: it starts at 0 and ends early", lambda s, t: [i * t // s for i in span(s)]),
        entry("last layer missed: it starts at 1 and ends early", lambda s, t: [i * t // s + 1 for i in span(s)]),
        entry("last layer missed: it starts at 1 and ends early", lambda s, t: [i * (t // s) + 1 for i in span(s)]),
        entry("last layer missed: one step too many is made", lambda s, t: [i * t // (s + 1) for i in span(1, s + 1)]),
        entry("layer numbers one too high", lambda s, t: [i * t // s + 1 for i in span(1, s + 1)]),
        entry(MAP + "the first layers instead of evenly spaced ones", lambda s, t: list(span(1, s + 1))),
        entry(MAP + "the last layers instead of evenly spaced ones", lambda s, t: list(span(t - s + 1, t + 1))),
        entry(
            "last layer missed where it does not divide: a fixed step is used",
            lambda s, t: [i * (t // s) for i in span(1, s + 1)],
        ),
        entry(MAP + "in reverse", lambda s, t: right_map(s, t)[::-1]),
        entry(MAP + "every teacher layer is listed", lambda s, t: list(span(1, t + 1))),
        entry(MAP + "every student layer follows the last one", lambda s, t: [t] * s),
        entry(
            MAP + "a step list that is longer than the student where it does not divide",
            lambda s, t: list(span(t // s, t + 1, t // s)),
        ),
        entry(
            MAP + "first to first and last to last instead of equal steps",
            lambda s, t: [round(1 + i * (t - 1) / max(1, s - 1)) for i in span(s)] if s > 1 else [t],
        ),
        entry(
            MAP + "first to first and last to last instead of equal steps",
            lambda s, t: [round(1 + i * (t - 1) / max(1, s - 1)) for i in span(s)],
        ),
        entry(
            "layers counted from 0, first to first and last to last",
            lambda s, t: [round(i * (t - 1) / max(1, s - 1)) for i in span(s)] if s > 1 else [t - 1],
            1.1,
        ),
        entry(MAP + "student and teacher swapped", lambda s, t: [i * s // t for i in span(1, t + 1)]),
        entry(MAP + "one layer too many: the embeddings are listed as 0", lambda s, t: [0, *right_map(s, t)]),
        entry("last layer left out of the list", lambda s, t: right_map(s, t)[:-1] or [0], 1.1),
        entry("last layer left out of the list", lambda s, t: right_map(s, t)[:-1], 1.1),
    ]


def layer_map_probes(seed: int | None) -> tuple[Probe, ...]:
    pairs = list(PAIRS)
    if seed is not None:
        stream = np.random.Generator(np.random.PCG64(seed))
        for place in range(2, len(pairs)):
            student = int(stream.integers(2, 9))
            rest = 0 if place < DIVIDING else int(stream.integers(1, student))
            pairs[place] = (student, student * int(stream.integers(2, 5)) + rest)
        pairs[3], pairs[5] = (1, int(stream.integers(4, 30))), (student, 2 * student - 1)
    return tuple(
        Probe(f"ordinary {index}", {"student_layers": s, "teacher_layers": t}) for index, (s, t) in enumerate(pairs)
    )


def layer_map_table(seed: int | None = None) -> Table:
    """Expected lists, the other roundings that are right too, and every variant's."""
    probes = layer_map_probes(seed)
    numbers, texts = fingerprints(probes, layer_map_variants(), _layers, constants=False)
    for index, probe in enumerate(probes):
        s, t = probe.inputs.values()
        numbers[f"expected/{index}/value"] = np.array(right_map(s, t), dtype=np.float64)
        others = [f(s, t) for f in (_up, _nearest, _to_even)]
        numbers[f"expected/{index}/also"] = np.array(others, dtype=np.float64)
    return Table("layer_map", probes, numbers, {"returns": "other", "extremes": {}, **texts})


def _layers(compute: Callable[[int, int], list[int]], probe: Probe) -> np.ndarray:
    return np.array(compute(*probe.inputs.values()), dtype=np.float64)
