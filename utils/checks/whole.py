"""Mistakes that no kernel shows: of the loss as a whole, and of a part that is right and then bent.

The mistake this prevents is "a part differs by 0.1 %" where every part is the formula's, in too few digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from utils.checks.blend import total
from utils.checks.judgement import expected_value, few_digits
from utils.checks.parts import close
from utils.checks.records import Answer, Table

BESIDE = "a term is added that alpha does not weigh"
FEWEST = 100  # gradients that must all have that few digits
ENDS = ("hard", "blend", "soft")
# What a right part (its values, T) may be turned into afterwards.
TURNED: dict[str, dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]]] = {
    "hard": {
        "exp of the cross-entropy, a perplexity, in the hard part": lambda x, _: np.exp(x),
        "the cross-entropy is squared in the hard part": lambda x, _: x**2,
    },
    "soft": {
        "2 ** T instead of T squared in the soft part": lambda x, t: x * 2**t / t**2,
        "the divergence is squared in the soft part": lambda x, t: x**2 / t**2,
        "the divergence with its T squared is squared in the soft part": lambda x, _: x**2,
    },
}


def half_precision(answers: Sequence[Answer]) -> list[str]:
    """Has every number of the student's gradient so few digits that it came out of half precision?"""
    gradients = [answer.gradient("student_logits") for answer in answers]
    return few_digits([gradient for gradient in gradients if gradient is not None], FEWEST)


def turned(table: Table, answers: Sequence[Answer], part: str) -> list[str]:
    """Is a part the formula's, frame by frame, and then something was done to the number?"""
    places = [i for i, p in enumerate(table.probes) if p.name.endswith(f"/{part}") and not p.name.startswith("huge")]
    expected = np.array([float(expected_value(table, place)) for place in places])
    found = np.array([total(answers[place]) for place in places])
    heats = np.array([float(table.probes[place].inputs["temperature"]) for place in places])
    with np.errstate(over="ignore", invalid="ignore"):
        return [name for name, turn in TURNED[part].items() if close(found, turn(expected, heats))][:1]


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
