"""Mistakes in the answer as a whole: its type, side effects, precision, and terms beside the blend."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from utils.checks.distillation_loss.blend import total
from utils.checks.distillation_loss.parts import close, places_of
from utils.checks.judgement import (
    changed_in_place,
    expected_value,
    few_digits,
    is_right,
    leaks,
    left_torch,
    went_backward,
)
from utils.checks.records import Answer, Table

LEAK = "gradient flows into the teacher"
SWAPPED_MODELS = "student and teacher swapped: the gradient reaches the teacher's logits, none the student's"
EXP = "exp of the loss (a perplexity) is returned"
SWAPPED_SETTINGS = "temperature and alpha swapped in the list of arguments"
RANDOM = "random: the same input gives different losses"
CONSTANT = "a constant: the loss does not depend on its input"
EXCEPTION = "an exception on some inputs"
FEWEST = 100  # gradients that must all have that few digits
EXP_OF_ENTROPY = "exp of the cross-entropy, a perplexity, in the hard part"
ENTROPY_SQUARED = "the cross-entropy is squared in the hard part"
SQUARED = "the divergence is squared in the soft part"
SQUARED_WHOLE = "the divergence with its T squared is squared in the soft part"
# What a right part (its values, arrays or tensors, and T) may be turned into afterwards.
TURNED: dict[str, dict[str, Callable]] = {
    "hard": {EXP_OF_ENTROPY: lambda x, _: np.e**x, ENTROPY_SQUARED: lambda x, _: x**2},
    "soft": {SQUARED: lambda x, t: x**2 / t**2, SQUARED_WHOLE: lambda x, _: x**2},
}


def as_such(table: Table, answers: Sequence[Answer]) -> list[str]:
    """What is wrong with the answers whatever they compute."""
    places = {probe.name: index for index, probe in enumerate(table.probes)}
    names = [*_type(answers[0]), *went_backward(answers), *changed_in_place(answers)]
    again, before = total(answers[places["again"]]), total(answers[places["wide/blend"]])
    if np.isfinite([again, before]).all() and not close(again, before, 1e-5):
        return [*names, RANDOM]
    values = np.array([total(answer) for answer in answers])
    names += [CONSTANT] * bool(np.isfinite(values).all() and np.ptp(values) == 0)
    kinds = [answer.note.split(":")[0] for answer in answers if answer.outcome == "error"]
    names += [f"{EXCEPTION}: {kind}" for kind in kinds[:1]]
    expected = table.numbers["expected/value"]
    tame = np.abs(expected) < 50  # of larger ones exp is infinite
    with np.errstate(invalid="ignore", divide="ignore"):
        names += [EXP] * close(np.log(values[tame]), expected[tame])
    if any(leaks(answer.gradient("teacher_logits")) for answer in answers):
        reached = any(leaks(answer.gradient("student_logits")) for answer in answers)
        swapped = not reached and leaks(answers[places["wide/hard"]].gradient("teacher_logits"))
        names.append(SWAPPED_MODELS if swapped else LEAK)
    both = places["default/both"]  # right by its own defaults, wrong where the same numbers are given by position?
    explicit = total(answers[places["explicit"]])
    turned_round = is_right(table, both, answers[both]) and not close(explicit, total(answers[both]))
    return names + [SWAPPED_SETTINGS] * turned_round


def _type(answer: Answer) -> list[str]:
    value, left = answer.numbers.get("value"), left_torch(answer, gradient=True)
    if left:
        return [left]
    if answer.outcome == "other":
        return [f"a {answer.note} instead of one number"]
    return [f"a tensor of shape {value.shape} instead of one number"] if value is not None and value.ndim else []


def half_precision(answers: Sequence[Answer]) -> list[str]:
    """Has every number of the student's gradient so few digits that it came out of half precision?"""
    gradients = [answer.gradient("student_logits") for answer in answers]
    return few_digits([gradient for gradient in gradients if gradient is not None], FEWEST)


def turned(table: Table, answers: Sequence[Answer], part: str) -> list[str]:
    """Is a part the formula's, frame by frame, and then something was done to the number?"""
    places = places_of(table, part)
    expected = np.array([float(expected_value(table, place)) for place in places])
    found = np.array([total(answers[place]) for place in places])
    heats = np.array([float(table.probes[place].inputs["temperature"]) for place in places])
    with np.errstate(over="ignore", invalid="ignore"):
        return [name for name, turn in TURNED[part].items() if close(found, turn(expected, heats))][:1]
