"""Right or wrong, number by number: shared by every exercise, the learner's check and the grader.

The mistake this prevents is a tolerance of one's own in each place. Single precision computes the contract to about
1e-6; ``RELATIVE`` leaves two digits for other formulas and none for other losses.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from utils.checks.records import Answer, Table

RELATIVE = 1e-4
ABSOLUTE = 2e-5
BACKWARD = "the function calls backward() itself, so that gradients are counted twice"
HALF = "computed in half precision ({}): the digits are too few"
BITS = {"bfloat16": 8, "float16": 11}  # of the significand; by chance one number in 2 ** 12 has no more


def agrees(found: np.ndarray | None, expected: np.ndarray) -> bool:
    """Same shape, finite, and near: relative to the array's largest number, so that a small entry is not asked more."""
    if found is None or found.shape != expected.shape or not np.isfinite(found).all():
        return False
    size = float(np.max(np.abs(expected), initial=0.0))
    return bool(np.all(np.abs(found - expected) <= RELATIVE * size + ABSOLUTE * min(size, 1.0) + 2e-6))


def expected_gradients(table: Table, index: int) -> dict[str, np.ndarray]:
    start = f"expected/{index}/gradient/"
    return {key.removeprefix(start): array for key, array in table.numbers.items() if key.startswith(start)}


def expected_value(table: Table, index: int) -> np.ndarray:
    """What the probe's value must be: one number, or an array where the exercise returns one."""
    stored = table.numbers.get(f"expected/{index}/value")
    return np.asarray(table.numbers["expected/value"][index]) if stored is None else stored


def _also_right(table: Table, index: int) -> np.ndarray | tuple:
    """Other values that the task leaves open, one a row, such as another rounding."""
    return table.numbers.get(f"expected/{index}/also", ())


def is_right(table: Table, index: int, answer: Answer) -> bool:
    """Type, value, every expected gradient, none where none belongs, and no input changed."""
    if answer.outcome != table.texts.get("returns", "tensor"):
        return False
    value = answer.numbers.get("value")
    if not any(agrees(value, accepted) for accepted in (expected_value(table, index), *_also_right(table, index))):
        return False
    if answer.outcome == "other" and answer.note not in ("list", "tuple"):
        return False
    expected = expected_gradients(table, index)
    for name in table.probes[index].gradients:
        found = answer.gradient(name)
        if name in expected and not _gradient_agrees(found, expected[name]):
            return False
        if name not in expected and leaks(found):
            return False
    return not any(key.startswith("changed/") or key == "trace/backward" for key in answer.numbers)


def went_backward(answers: Sequence[Answer]) -> list[str]:
    """The name of a function that leaves gradients behind, if this is one."""
    return [BACKWARD] * any("trace/backward" in answer.numbers for answer in answers)


def changed_in_place(answers: Sequence[Answer]) -> list[str]:
    """A name for each argument that a function changed."""
    keys = {key for answer in answers for key in answer.numbers if "changed/" in key}
    return [f"{key.removeprefix('changed/')} changed in place" for key in sorted(keys)]


def few_digits(arrays: Sequence[np.ndarray], fewest: int) -> list[str]:
    """Has every number so few binary digits that it came out of half precision?  Asked of at least ``fewest``."""
    numbers = np.concatenate([array.reshape(-1) for array in arrays] or [np.zeros(0)])
    numbers = numbers[(numbers != 0) & np.isfinite(numbers)]
    if len(np.unique(np.abs(numbers))) < fewest:
        return []
    significand, _ = np.frexp(numbers)
    kind = next((kind for kind, bits in BITS.items() if not np.any((significand * 2.0**bits) % 1)), None)
    return [HALF.format(kind)] if kind else []


def furthest(found: np.ndarray, expected: np.ndarray) -> tuple[float, float]:
    """The entry that is furthest from what it should be, and what that is."""
    apart = np.abs(found - expected).reshape(-1)
    place = int(np.argmax(np.where(np.isnan(apart), np.inf, apart)))
    return float(found.reshape(-1)[place]), float(expected.reshape(-1)[place])


def _gradient_agrees(found: np.ndarray | None, expected: np.ndarray) -> bool:
    if found is None:
        return not np.any(np.abs(expected) > 1e-6)
    return agrees(found, expected)


def leaks(gradient: np.ndarray | None) -> bool:
    """Does a gradient arrive where none should?"""
    return gradient is not None and bool(np.any(gradient != 0))
