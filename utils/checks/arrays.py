"""The verdict on a function from arrays to an array: which known variant, and which scale, gives exactly these numbers?

For functions small enough that a wrong one is a choice among a few variants (a softmax, an entropy, a divergence),
times a factor (bits, a sign, a mean where a sum belongs). All ordinary probes must agree before anything is named;
extreme probes (zeros, large logits) have their own names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from utils.checks import forms, judgement, kinds
from utils.checks.hints import question
from utils.checks.judgement import RELATIVE, agrees, expected_value, few_digits, furthest, is_right, leaks
from utils.checks.records import Answer, Table
from utils.checks.scale import TOLERANCE, merged, named_constant
from utils.checks.verdict import Verdict, not_yet

__all__ = ["after_error", "by_shape", "is_right", "judge_answers"]

MOST_NAMES, MOST_NOTE = 3, 150  # of a verdict: names, letters of an error in it
ROUNDING = 2e-6  # below it two numbers are the same
ORDINARY, EXTREME = "ordinary", "extreme"  # how the names of probes begin that tell variants apart, and that cannot
CONSTANT = "a constant, whatever the input is"
PARTLY_CUT = "another gradient reaches {}: a part of the formula is cut off"


def after_error(table: Table, answers: Sequence[Answer]) -> list[str]:
    """The mistakes that raise just so, or that give NaN just so."""
    return judgement.after_error(table, answers) or _broken(table, answers)


def by_shape(table: Table, answers: Sequence[Answer]) -> list[str]:
    """What can be said where no variant fits: that the shape is another one."""
    for index, answer in enumerate(answers):
        value, expected = answer.numbers.get("value"), expected_value(table, index)
        if answer.outcome == "tensor" and value is not None and value.shape != expected.shape:
            belongs = f"{expected.shape}" if expected.shape else "one number"
            return [f"a tensor of shape {value.shape} instead of {belongs}"]
    return []


def judge_answers(
    table: Table, answers: Sequence[Answer], fallback: Callable[[Table, Sequence[Answer]], list[str]] = by_shape
) -> Verdict:
    """passed, or what is wrong, most certain first. fallback: names for numbers that no variant gives."""
    right = [is_right(table, index, answer) for index, answer in enumerate(answers)]
    if all(right):
        return Verdict(True, f"Right: all {len(right)} probes agree with the definition.")
    numbers = _numbers(table, answers)
    if not numbers and not _values_right(table, answers):
        numbers = fallback(table, answers) or _constant(answers) or _half_precision(table, answers)
    names = [*_as_such(table, answers), *numbers, *_gradients(table, answers)]
    names = names or _half_precision(table, answers) or _partly_cut(table, answers) or _raised(answers)
    names = list(dict.fromkeys(names))[:MOST_NAMES]
    shown = _shown(table, answers, [index for index, good in enumerate(right) if not good])
    return not_yet(names, shown, question(table, names))


def _shown(table: Table, answers: Sequence[Answer], wrong: Sequence[int]) -> str:
    """The wrong probe that is furthest off, in a sentence."""
    wrong = [index for index in wrong if table.probes[index].name.startswith((ORDINARY, EXTREME))] or wrong
    stopped = next((index for index in wrong if answers[index].outcome == "error"), None)
    if stopped is not None:
        answer = answers[stopped]
        return f"It stops with {answer.note[:MOST_NOTE]}" + (f" in your {answer.line}" if answer.line else "") + "."
    index = max(wrong, key=lambda i: judgement.apart(answers[i].numbers.get("value"), expected_value(table, i)))
    if judgement.expected_form(table, index) != "tensor":
        return kinds.difference(table, index, answers[index])
    found, expected = answers[index].numbers.get("value"), expected_value(table, index)
    if found is None:
        return f"There is no number in the answer; the first one should be {expected.reshape(-1)[0]:.4g}."
    if found.shape != expected.shape:
        if answers[index].outcome != "tensor" and forms.read(answers[index].form) != "array":
            return f"A tensor of shape {expected.shape} is asked."  # a list's parts have shapes, it has none
        return f"Your answer has shape {found.shape}; it should be {expected.shape}."
    if agrees(found, expected):
        about_gradients = any(table.probes[i].gradients for i in wrong)
        return f"Your values are right; {'the gradient is not' if about_gradients else 'something else is not'}."
    whole = "One entry of your answer" if found.size > 1 else "Your answer"
    return "{} is {:.4g}; it should be {:.4g}.".format(whole, *furthest(found, expected))


def _as_such(table: Table, answers: Sequence[Answer]) -> list[str]:
    names = []
    kind = judgement.wrong_kind(table, 0, answers[0]) if answers[0].form else ""
    if kind:
        gradient = any(probe.gradients for probe in table.probes)
        names.append((judgement.left_torch(answers[0], gradient) if "tensor" in kind else "") or kind[:99])
    names += judgement.went_backward(answers) + judgement.changed_in_place(answers)
    return names + judgement.differs_by_chance(table, answers)


def _raised(answers: Sequence[Answer]) -> list[str]:
    notes = [answer.note.split(":")[0] for answer in answers if answer.outcome == "error"]
    return [f"an exception on some inputs: {notes[0]}"[:99]] if notes else []


def _gradients(table: Table, answers: Sequence[Answer]) -> list[str]:
    """Gradients that arrive where none should, and that never do where one should; a Python number has none anyway."""
    if answers[0].outcome != "tensor":
        return []
    asked = {name for probe in table.probes for name in probe.gradients}
    some = {f"no gradient reaches {name}" for name in asked if any(leaks(answer.gradient(name)) for answer in answers)}
    return [name for name in judgement.wrong_gradients(table, answers) if name not in some]


def _partly_cut(table: Table, answers: Sequence[Answer]) -> list[str]:
    """Gradients that arrive and are not the right ones, where every value is right."""
    names = [
        name
        for index, answer in enumerate(answers)
        for name, right in judgement.expected_gradients(table, index).items()
        if not agrees(answer.gradient(name), right)
    ]
    return [PARTLY_CUT.format(name) for name in dict.fromkeys(names)] if _values_right(table, answers) else []


def _values_right(table: Table, answers: Sequence[Answer]) -> bool:
    return all(agrees(answer.numbers.get("value"), expected_value(table, i)) for i, answer in enumerate(answers))


def _half_precision(table: Table, answers: Sequence[Answer]) -> list[str]:
    """Few digits in every value, or in every gradient too where values are few; whole numbers are never meant."""
    if judgement.expected_form(table, 0) != "tensor":
        return []
    found = [item for answer in answers for item in answer.numbers.items()]
    values = [array for key, array in found if key.startswith("value")]
    gradients = [array for key, array in found if key.startswith("gradient/")]
    return few_digits(values) or few_digits([*values, *gradients])


def _constant(answers: Sequence[Answer]) -> list[str]:
    values = [answer.numbers["value"] for answer in answers if "value" in answer.numbers]
    numbers = np.concatenate([value.reshape(-1) for value in values] or [np.zeros(0)])
    return [CONSTANT] if numbers.size > 1 and np.all(numbers == numbers[0]) else []


def _numbers(table: Table, answers: Sequence[Answer]) -> list[str]:
    """The names of the cheapest variant and scale that fit on all ordinary probes, and of what extreme ones show."""
    ordinary = [i for i, probe in enumerate(table.probes) if probe.name.startswith(ORDINARY)]
    names = _cheapest(table, answers, ordinary)
    if names is None:
        return _broken(table, answers)
    for index, probe in enumerate(table.probes):
        value = answers[index].numbers.get("value")
        if index in ordinary or value is None:
            continue
        finite = np.isfinite(value).all()
        if not finite or (not names and not agrees(value, expected_value(table, index))):
            said = table.texts["finite extremes" if finite else "extremes"].get(probe.name)
            names = [*names, *([said] if said else [])]
    return names


def _broken(table: Table, answers: Sequence[Answer]) -> list[str]:
    """The names of the cheapest variant with NaN at the same places, and the same numbers and gradients elsewhere."""
    kept = [index for index, probe in enumerate(table.probes) if not probe.name.startswith(EXTREME)]
    values = [answers[index].numbers.get("value") for index in kept]
    found = []
    for place, group in enumerate(table.texts.get("broken", ())):
        if any(
            value is None or list(value.shape) != shape for value, shape in zip(values, group["shapes"], strict=True)
        ):
            continue
        fits = np.ones(len(group["entries"]), dtype=bool)
        for index in kept:
            start = f"broken/{place}/{index}/"
            for key in (key for key in table.numbers if key.startswith(start)):
                fits &= _alike(table.numbers[key], answers[index].numbers.get(key.removeprefix(start)))
        found += [(group["entries"][entry][1], group["entries"][entry][0]) for entry in np.flatnonzero(fits)]
    return list(min(found)[1]) if found else []


def _alike(rows: np.ndarray, found: np.ndarray | None) -> np.ndarray:
    """Which rows are these numbers, NaN or infinite at the same places?  A gradient that is missing is 0 everywhere."""
    numbers = np.zeros(rows.shape[1]) if found is None else found.reshape(-1)
    if numbers.shape != rows.shape[1:]:
        return np.zeros(len(rows), dtype=bool)
    known, finite = np.isfinite(rows), np.isfinite(numbers)
    size = np.abs(numbers[finite]).max(initial=0.0)
    with np.errstate(invalid="ignore"):
        near = np.abs(rows - numbers) <= RELATIVE * size + ROUNDING
    return np.all((known == finite) & (near | ~known), axis=1)


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
        fits = np.where(zero, size == 0, apart <= RELATIVE * size + ROUNDING)
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
