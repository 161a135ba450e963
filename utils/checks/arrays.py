"""The verdict on a function from arrays to an array: which known variant, and which scale, gives exactly these numbers?

For functions small enough that a wrong one is a choice among a few variants (a softmax, an entropy, a divergence),
times a factor (bits, a sign, a mean where a sum belongs). All ordinary probes must agree before anything is named;
extreme probes (zeros, large logits) have their own names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from utils.checks.hints import hint
from utils.checks.judgement import (
    RELATIVE,
    agrees,
    changed_in_place,
    expected_gradients,
    expected_value,
    few_digits,
    furthest,
    is_right,
    leaks,
    went_backward,
)
from utils.checks.records import Answer, Table
from utils.checks.scale import TOLERANCE, merged, named_constant
from utils.checks.verdict import Verdict

FEWEST = 8  # values that must all have few digits before half precision is named


def by_shape(table: Table, answers: Sequence[Answer]) -> list[str]:
    """What can be said where no variant fits: that the shape is another one."""
    for index, answer in enumerate(answers):
        value, expected = answer.numbers.get("value"), expected_value(table, index)
        if answer.outcome == "tensor" and value is not None and value.shape != expected.shape:
            belongs = f"{expected.shape}" if expected.shape else "one number"
            return [f"a tensor of shape {value.shape} instead of {belongs}"]
    return []


def verdict(
    table: Table, answers: Sequence[Answer], fallback: Callable[[Table, Sequence[Answer]], list[str]] = by_shape
) -> Verdict:
    """passed, or what is wrong, most certain first. fallback: names for numbers that no variant gives."""
    right = [is_right(table, index, answer) for index, answer in enumerate(answers)]
    if all(right):
        return Verdict(True, f"Right: all {len(right)} probes agree with the definition.")
    numbers = _numbers(table, answers)
    if numbers is None:
        values = [answer.numbers["value"] for answer in answers if "value" in answer.numbers]
        numbers = fallback(table, answers) or few_digits(values, FEWEST)
    names = list(dict.fromkeys([*_as_such(table, answers), *numbers, *_gradients(table, answers)]))[:3]
    wrong = right.index(False)
    expected, answer = expected_value(table, wrong), answers[wrong]
    if answer.outcome == "error":
        shown = f"It stops with {answer.note[:150]}" + (f" in your {answer.line}" if answer.line else "") + "."
    elif answer.numbers.get("value", expected).shape != expected.shape:
        shown = f"Your answer has shape {answer.numbers['value'].shape}; it should be {expected.shape}."
    else:
        shown = _first_difference(answer.numbers.get("value"), expected)
    listed = f"Not yet: {'; '.join(names)}." if names else "Not yet."
    return Verdict(False, f"{listed} {shown} {hint(names[0] if names else '', table.name)}"[:600], names)


def _first_difference(found: np.ndarray | None, expected: np.ndarray) -> str:
    if found is None:
        return f"There is no number in the answer; the first one should be {expected.reshape(-1)[0]:.4g}."
    if agrees(found, expected):
        return f"The value {expected.reshape(-1)[0]:.4g} is right, but not everything else is."
    return "One entry is {:.4g}; it should be {:.4g}.".format(*furthest(found, expected))


def _as_such(table: Table, answers: Sequence[Answer]) -> list[str]:
    names = []
    if table.texts.get("returns") == "other":  # a list of whole numbers
        if answers[0].note.endswith("floats"):
            names.append("floats instead of whole numbers")
        elif answers[0].note not in ("list", "tuple"):
            names.append(f"a {answers[0].note} instead of a list")
    elif answers[0].outcome == "float":
        names.append("a Python number instead of a tensor: no gradient can flow")
    elif answers[0].outcome == "other":
        names.append(f"a {answers[0].note} instead of a tensor")
    names += went_backward(answers)
    names += changed_in_place(answers)
    again = [answer.numbers.get("value") for answer in answers[:2]]  # the first probe is asked twice
    if all(value is not None and np.isfinite(value).all() for value in again) and not np.array_equal(*again):
        names.append("random: the same input gives different answers")
    raised = next((answer.note.split(":")[0] for answer in answers if answer.outcome == "error"), "")
    return [*names, *([f"an exception on some inputs: {raised}"[:99]] if raised else [])]


def _gradients(table: Table, answers: Sequence[Answer]) -> list[str]:
    """Gradients that arrive where none should, and that do not where one should."""
    names = []
    if answers[0].outcome == "float":  # said already
        return names
    for index, (probe, answer) in enumerate(zip(table.probes, answers, strict=True)):
        expected = expected_gradients(table, index)
        for name in probe.gradients:
            found = answer.gradient(name)
            if name not in expected and leaks(found):
                names.append(f"gradient flows into {name}")
            if name in expected and not leaks(found):
                names.append(f"no gradient reaches {name}")
    return names


def _numbers(table: Table, answers: Sequence[Answer]) -> list[str] | None:
    """The names of the cheapest variant and scale that fit on all ordinary probes; None where nothing fits."""
    ordinary = [i for i, probe in enumerate(table.probes) if not probe.name.startswith("extreme")]
    names = _cheapest(table, answers, ordinary)
    if names is None:
        return None
    for index, probe in enumerate(table.probes):
        value = answers[index].numbers.get("value")
        extreme = index not in ordinary and value is not None
        if extreme and (
            not np.isfinite(value).all() or (not names and not agrees(value, expected_value(table, index)))
        ):
            finite = np.isfinite(value).all()
            names = [*names, table.texts["finite extremes" if finite else "extremes"][probe.name]]
    return names


def _cheapest(table: Table, answers: Sequence[Answer], ordinary: list[int]) -> list[str] | None:
    values = [answers[index].numbers.get("value") for index in ordinary]
    if not all(value is not None and np.isfinite(value).all() for value in values):
        return None
    found = []
    for place, group in enumerate(table.texts["groups"]):
        if all(list(value.shape) == group["shapes"][index] for value, index in zip(values, ordinary, strict=True)):
            stored = [np.float64(table.numbers[f"group/{place}/{index}"]) for index in ordinary]
            factors = _factors(stored, [value.reshape(-1) for value in values])
            for entry, names, cost in _scaled(table, factors, ordinary):
                wrong, more = group["entries"][entry]
                found.append((cost + more, [*wrong, *names]))
    return merged(min(found)[1]) if found else None


def _factors(stored: list[np.ndarray], values: list[np.ndarray]) -> np.ndarray:
    """(probes, variants): what each variant is multiplied with to give the answer.

    NaN where the answer and the variant are zero alike, so that any number does it; infinite where none does.
    """
    rows = []
    for variants, value in zip(stored, values, strict=True):
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            factor = variants @ value / np.einsum("nv,nv->n", variants, variants)
            size = np.abs(value).max(initial=0.0)
            apart = np.abs(factor[:, None] * variants - value).max(1, initial=0.0)
        zero = ~np.any(variants, axis=1)
        fits = np.where(zero, size == 0, apart <= RELATIVE * size + 2e-6)
        rows.append(np.where(fits, np.where(zero, np.nan, factor), np.inf))
    return np.stack(rows)


def _scaled(table: Table, factors: np.ndarray, ordinary: list[int]) -> list[tuple[int, tuple[str, ...], float]]:
    """(variant, names, cost) of every factor that is known: a constant, times one of the table's own."""
    found = []
    possible = np.flatnonzero(~np.isinf(factors).any(0) & ~np.isnan(factors).all(0))
    for (names, cost), known in zip(table.texts["scales"], table.numbers["scales"], strict=True):
        constants = factors[:, possible] / known[ordinary][:, None]
        middle = np.nanmean(constants, axis=0)
        spread = np.nanmax(constants, axis=0) - np.nanmin(constants, axis=0)
        for place in np.flatnonzero((spread <= TOLERANCE * np.abs(middle)) & (middle != 0)):
            value = float(middle[place])
            constant, more = named_constant(value) if table.texts["constants"] else _one(value)
            if constant is not None:
                said = (*names, *(name.format("") for name in constant))
                found.append((int(possible[place]), said, cost + more))
    return found


def _one(value: float) -> tuple[tuple[str, ...] | None, float]:
    return (() if abs(value - 1) < TOLERANCE else None), 0.0
