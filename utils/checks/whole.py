"""Mistakes of a loss as a whole, which no part of it shows: its precision, and a term that stands beside the blend.

The mistake this prevents is "a part differs by 0.1 %" where every part is the formula's, in too few digits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from utils.checks.blend import total
from utils.checks.judgement import expected_value
from utils.checks.records import Answer, Table

HALF = "computed in half precision ({}): the digits are too few for this loss"
BESIDE = "a term is added that alpha does not weigh"
BITS = {"bfloat16": 8, "float16": 11}  # of the significand, with the leading one
FEWEST = 100  # gradients that must all have that few bits: by chance one in 2 ** 12 has
ENDS = ("hard", "blend", "soft")


def half_precision(answers: Sequence[Answer]) -> list[str]:
    """Has every number of the student's gradient so few digits that it came out of half precision?"""
    gradients = [answer.gradient("student_logits") for answer in answers]
    numbers = np.concatenate([gradient.reshape(-1) for gradient in gradients if gradient is not None] or [np.zeros(0)])
    numbers = numbers[(numbers != 0) & np.isfinite(numbers)]
    if len(np.unique(np.abs(numbers))) < FEWEST:
        return []
    significand, _ = np.frexp(numbers)
    kind = next((kind for kind, bits in BITS.items() if not np.any((significand * 2.0**bits) % 1)), None)
    return [HALF.format(kind)] if kind else []


def beside_the_blend(table: Table, answers: Sequence[Answer]) -> list[str]:
    """Is the loss too large (or small) by a number that is the same at every alpha, frame by frame?"""
    places = {probe.name: index for index, probe in enumerate(table.probes)}
    frames = [name.removesuffix("/hard") for name in places if name.endswith("/hard") and not name.startswith("huge")]
    expected = np.array([[float(expected_value(table, places[f"{f}/{end}"])) for end in ENDS] for f in frames])
    found = np.array([[total(answers[places[f"{frame}/{end}"]]) for end in ENDS] for frame in frames])
    with np.errstate(invalid="ignore"):
        excess = found - expected
        size = np.abs(excess).max(axis=1)
        alike = np.ptp(excess, axis=1) <= 0.02 * size + 1e-6 * np.abs(expected).max(axis=1)
        seen = size > 3e-4 * np.abs(expected).max(axis=1)
    return [BESIDE] if len(frames) > 1 and bool(np.all(alike & seen)) else []
