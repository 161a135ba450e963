"""From answers to a verdict, for any exercise: pure, nothing of the learner's is called.

What is wrong with the function itself (the wrong arguments, not written yet, an error, no end) has its own sentence
here. What is wrong with its answers is told by the judge that the exercise's table names: a module of this package with
``judge_answers(table, answers)``, ``is_right(table, index, answer)`` and ``after_error(table, answers)``.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from types import ModuleType

import numpy as np

from utils.checks import forms
from utils.checks.hints import question
from utils.checks.judgement import expected_form
from utils.checks.records import Answer, Table
from utils.checks.verdict import Verdict, not_yet


def judge_of(table: Table) -> ModuleType:
    """The module that reads the answers to this exercise."""
    return importlib.import_module(f"utils.checks.{table.texts['judge']}")


def verdict_on(table: Table, answers: Sequence[Answer]) -> Verdict:
    """The verdict on answers given to ``table.probes``, in the same order."""
    if len(answers) != len(table.probes):
        return Verdict(False, f"There are {len(answers)} answers to {len(table.probes)} questions.")
    return _about_the_function(table, answers) or judge_of(table).judge_answers(table, answers)


def _about_the_function(table: Table, answers: Sequence[Answer]) -> Verdict | None:
    first = answers[0]
    if first.outcome == "unwritten":
        return Verdict(False, f"Not written yet: {table.name} raises NotImplementedError. Replace it by your solution.")
    if first.outcome == "signature":
        text = f"{table.name} was called by position as the task says, but {first.note}."
        return not_yet(["the arguments are not the task's"], text)
    if any(answer.outcome == "timeout" for answer in answers):
        text = f"{table.name} did not come to an end in time. Is there a loop whose condition never becomes false?"
        return not_yet(["no end within the time limit"], text)
    return (
        _returns_nothing(table, answers)
        or _stops(table, answers)
        or _wrong_type(table, answers)
        or _nan(table, answers)
    )


def _returns_nothing(table: Table, answers: Sequence[Answer]) -> Verdict | None:
    owed = [form for form in map(lambda index: expected_form(table, index), range(len(answers))) if form != "None"]
    if not owed or any(answer.outcome != "none" for answer in answers):
        return None
    return not_yet(["nothing returned"], f"{table.name} returns None. Is there a return at its end?")


def _stops(table: Table, answers: Sequence[Answer]) -> Verdict | None:
    """An exception at once, or on most probes."""
    failed = [answer for answer in answers if answer.outcome == "error"]
    if not failed or (answers[0].outcome != "error" and len(failed) <= len(answers) // 2):
        return None
    names = judge_of(table).after_error(table, answers) or [f"an exception: {failed[0].note.split(':')[0]}"[:99]]
    where = f"It happens in your {failed[0].line}." if failed[0].line else ""
    return not_yet(names, f"{table.name} stops with {failed[0].note}.", where, question(table, names))


def _wrong_type(table: Table, answers: Sequence[Answer]) -> Verdict | None:
    """Something that has no numbers at all, such as a module or a generator."""
    if answers[0].outcome != "other" or answers[0].numbers.get("value") is not None:
        return None
    found, owed = forms.read(answers[0].form), forms.said(expected_form(table, 0))
    if not forms.complaint(found, expected_form(table, 0)):
        return None
    kind = forms.said(found, forms.FOUND)
    names = [f"{kind} instead of {owed}"[:99]]
    return not_yet(names, f"{table.name} returns {kind}; {owed} is asked.", question(table, names))


def _nan(table: Table, answers: Sequence[Answer]) -> Verdict | None:
    values = [answer.numbers["value"] for answer in answers if "value" in answer.numbers]
    gradients = [array for answer in answers for key, array in answer.numbers.items() if key.startswith("gradient/")]
    if not values or any(np.isfinite(array).all() for array in (*values, *gradients)):
        return None
    names = judge_of(table).after_error(table, answers) or ["NaN or infinite"]
    strange = next(number for value in values for number in value.reshape(-1) if not np.isfinite(number))
    found = f"{table.name} gives {strange} on every one of {len(values)} probes."
    return not_yet(names, found, question(table, names))
