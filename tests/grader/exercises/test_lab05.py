"""Lab 5's functions: mistakes that no entry describes are refused and get no false name; their shortest forms pass."""

from __future__ import annotations

import re

import pytest

from grader.exercises.lab05 import compact, extract_answer, is_repetitive, steps_are_consistent, trace_labels
from grader.exercises.lab05.chains import SIGNS
from grader.exercises.lab05.is_repetitive.rule import equations_in
from grader.exercises.lab05.steps_are_consistent import rule
from tests.grader.exercises.catalogues import judged


def _split_at_the_word(text):
    """Takes what stands behind the word, wherever it is, if it is a number."""
    try:
        return int(text.split("Answer:")[1].split()[0])
    except (IndexError, ValueError):
        return None


def _digits_of_the_rest(text):
    """Puts all digits of the line together."""
    found = re.search(r"(?:^|;)Answer:(.*)", text, re.MULTILINE)
    digits = re.sub(r"[^\d-]", "", found[1]) if found else ""
    return int(digits) if re.fullmatch(r"-?\d+", digits) else None


def _equations_that_cancel(trace):
    """Adds up how far the equations are off, with their signs."""
    steps, answer = rule.steps_and_answer(trace)
    off = sum(SIGNS[s.sign](s.start, s.number) - s.result for s in steps)
    return bool(steps) and off == 0 and rule.all_linked(steps) and answer == steps[-1].result


def _recomputed(trace):
    """Works the operations out anew and reads no result that was written."""
    steps, answer = rule.steps_and_answer(trace)
    value = steps[0].start if steps else None
    for step in steps:
        value = SIGNS[step.sign](value, step.number)
    return bool(steps) and value == answer


def _nearly_true(trace):
    """Lets a result be off by one."""
    steps, answer = rule.steps_and_answer(trace)
    near = all(abs(SIGNS[s.sign](s.start, s.number) - s.result) <= 1 for s in steps)
    return bool(steps) and near and rule.all_linked(steps) and answer == steps[-1].result


def _different_ones_counted(trace, longest):
    """A trace that is too long is judged by its different steps alone."""
    steps = equations_in(trace)
    return len(set(steps)) > longest or (len(steps) <= longest and len(set(steps)) < len(steps))


def _repeated_signs(trace, longest):
    """Looks for any run of six signs that comes twice in a row."""
    return bool(re.search(r"(.{6,})\1", trace)) or len(equations_in(trace)) > longest


def _empty_lists(prompt_ids, trace_ids, length, pad_id):
    return trace_labels.trace_labels(prompt_ids, trace_ids, length, pad_id) or ([], [])


def _ones(prompt_ids, trace_ids, length, pad_id):
    """Masks with -1."""
    found = trace_labels.trace_labels(prompt_ids, trace_ids, length, pad_id)
    return found and (found[0], [max(label, -1) for label in found[1]])


def _capitals_only(trace):
    """Takes letters, spaces and full stops out of everything, the answer too."""
    return re.sub(r"[A-Za-z ,.]", "", trace).replace("\n", ";")


@pytest.mark.parametrize("seed", [None, 7])
@pytest.mark.parametrize(
    ("exercise", "function"),
    [
        (extract_answer.EXERCISE, _split_at_the_word),
        (extract_answer.EXERCISE, _digits_of_the_rest),
        (steps_are_consistent.EXERCISE, _equations_that_cancel),
        (steps_are_consistent.EXERCISE, _recomputed),
        (steps_are_consistent.EXERCISE, _nearly_true),
        (is_repetitive.EXERCISE, _different_ones_counted),
        (is_repetitive.EXERCISE, _repeated_signs),
        (trace_labels.EXERCISE, _empty_lists),
        (trace_labels.EXERCISE, _ones),
        (compact.EXERCISE, _capitals_only),
    ],
)
def test_what_no_entry_describes_is_refused_and_gets_no_false_name(exercise, function, seed):
    verdict = judged(exercise.table(seed), function)
    catalogued = {wrong.name for wrong in exercise.misconceptions}
    assert not verdict.passed and not catalogued & set(verdict.misconceptions)
