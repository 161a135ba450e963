"""The verdict on a function from arrays to an array: which known variant gives exactly these numbers?

For functions small enough that a wrong one is a choice among a few variants (a softmax, an entropy, a divergence). All
ordinary probes must agree with a variant before it is named; extreme probes (zeros, large logits) have their own names.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from utils.checks.hints import hint
from utils.checks.judgement import agrees, expected_gradients, expected_value, is_right, leaks
from utils.checks.records import Answer, Table
from utils.checks.verdict import Verdict


def verdict(table: Table, answers: Sequence[Answer]) -> Verdict:
    """passed, or what is wrong, most certain first."""
    right = [is_right(table, index, answer) for index, answer in enumerate(answers)]
    if all(right):
        return Verdict(True, f"Right: all {len(right)} probes agree with the definition.")
    names = list(dict.fromkeys([*_as_such(table, answers), *_numbers(table, answers), *_gradients(table, answers)]))[:3]
    wrong = right.index(False)
    expected, answer = expected_value(table, wrong), answers[wrong]
    if answer.outcome == "error":
        shown = f"It stops with {answer.note[:150]}" + (f" in your {answer.line}" if answer.line else "") + "."
    elif answer.numbers.get("value", expected).shape != expected.shape:
        shown = f"Your answer has shape {answer.numbers['value'].shape}; it should be {expected.shape}."
    else:
        shown = _first_difference(answer.numbers.get("value"), expected)
    listed = f"Not yet: {'; '.join(names)}. {shown} {hint(names[0])}" if names else f"Not yet. {shown} {hint('')}"
    return Verdict(False, listed[:600], names)


def _first_difference(found: np.ndarray | None, expected: np.ndarray) -> str:
    if found is None:
        return f"There is no number in the answer; the first one should be {expected.reshape(-1)[0]:.4g}."
    apart = np.abs(found - expected).reshape(-1)
    place = int(np.argmax(np.where(np.isnan(apart), np.inf, apart)))
    return f"One entry is {found.reshape(-1)[place]:.4g}; it should be {expected.reshape(-1)[place]:.4g}."


def _as_such(table: Table, answers: Sequence[Answer]) -> list[str]:
    names = []
    if table.texts.get("returns") == "other":  # a list of whole numbers
        if answers[0].outcome in ("tensor", "float"):
            names.append(f"a {answers[0].note} instead of a list")
        elif answers[0].note.endswith("floats"):
            names.append("floats instead of whole numbers")
    elif answers[0].outcome == "float":
        names.append("a Python number instead of a tensor: no gradient can flow")
    elif answers[0].outcome == "other":
        names.append(f"a {answers[0].note} instead of a tensor")
    changed = sorted(
        {key.removeprefix("changed/") for answer in answers for key in answer.numbers if "changed/" in key}
    )
    names += [f"{name} changed in place" for name in changed]
    again = [answer.numbers.get("value") for answer in answers[:2]]  # the first probe is asked twice
    if all(value is not None and np.isfinite(value).all() for value in again) and not np.array_equal(*again):
        names.append("random: the same input gives different answers")
    return names


def _gradients(table: Table, answers: Sequence[Answer]) -> list[str]:
    """Gradients that arrive where none should, and that do not where one should."""
    names = []
    for index, (probe, answer) in enumerate(zip(table.probes, answers, strict=True)):
        expected = expected_gradients(table, index)
        for name in probe.gradients:
            found = answer.gradient(name)
            if name not in expected and leaks(found):
                names.append(f"gradient flows into {name}")
            if name in expected and not leaks(found):
                names.append(f"no gradient reaches {name}")
    return names


def _numbers(table: Table, answers: Sequence[Answer]) -> list[str]:
    """The cheapest variant that fits on all ordinary probes; else nothing."""
    ordinary = [i for i, probe in enumerate(table.probes) if not probe.name.startswith("extreme")]
    found = []
    for variant, (names, cost, shapes) in enumerate(table.texts["variants"]):
        flat, start, fits = table.numbers[f"variant/{variant}"], 0, True
        for index in range(len(table.probes)):
            size = int(np.prod(shapes[index]))
            expected = flat[start : start + size].reshape(shapes[index])
            start += size
            if index in ordinary and fits:
                fits = agrees(answers[index].numbers.get("value"), expected)
        if fits:
            found.append((cost, list(names)))
    if not found:
        return []
    names = min(found)[1]
    for index, probe in enumerate(table.probes):
        value = answers[index].numbers.get("value")
        extreme = index not in ordinary and value is not None
        if extreme and (
            not np.isfinite(value).all() or (not names and not agrees(value, expected_value(table, index)))
        ):
            names = [*names, table.texts["extremes"][probe.name]]
    return names
