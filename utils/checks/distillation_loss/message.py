"""The sentences of a verdict beside the mistakes' names: the probe that shows them best, and questions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from utils.checks.distillation_loss.blend import PARTS, total
from utils.checks.distillation_loss.parts import close, places_of
from utils.checks.distillation_loss.whole import EXCEPTION
from utils.checks.hints import question
from utils.checks.judgement import expected_value, is_right, leaks
from utils.checks.records import Answer, Table


def sentences(table: Table, answers: Sequence[Answer], right: Sequence[bool], names: list[str]) -> tuple[str, ...]:
    """What a probe shows, and questions about the first names; without a name, what agrees and how far off it is."""
    index = _telling(table, answers, right, names)
    shown = _shown(table, index, answers[index])
    if names:
        return shown, question(table, names)
    return _fine(table, answers), shown, _ratio(table, index, answers[index])


def _telling(table: Table, answers: Sequence[Answer], right: Sequence[bool], names: list[str]) -> int:
    """Of the wrong probes that isolate what the first name speaks of, the one whose value is furthest off."""
    wrong = [index for index, good in enumerate(right) if not good]
    first = names[0] if names else ""
    unstable = first.startswith("unstable")
    chosen = [index for index in wrong if table.probes[index].name.startswith("huge") == unstable]
    ends = tuple(f"/{part}" for part in PARTS if f"the {part} part" in first)
    chosen = [index for index in chosen if not ends or table.probes[index].name.endswith(ends)]
    if first.startswith(EXCEPTION):
        chosen = [index for index in wrong if answers[index].outcome == "error"]
    return max(chosen or wrong, key=lambda index: _apart(table, index, answers[index]))


def _apart(table: Table, index: int, answer: Answer) -> float:
    """The relative difference of the value; none counts least, NaN least but one."""
    expected, value = float(expected_value(table, index)), total(answer)
    if close(value, expected):
        return -1.0
    return abs(value - expected) / max(abs(expected), 1e-9) if np.isfinite(value) else 0.0


def _shown(table: Table, index: int, answer: Answer) -> str:
    inputs, expected = table.texts["defaults"] | table.probes[index].inputs, float(expected_value(table, index))
    where = f"At alpha = {inputs['alpha']:g} and T = {inputs['temperature']:g}"
    if answer.outcome == "error":
        return f"{where} it raises {answer.note[:120]}" + (f" ({answer.line})" if answer.line else "") + "."
    if close(total(answer), expected):
        beyond = _beyond_value(table, index, answer)
        return f"{where} the value {expected:.4g} is right, but not everything else is: {beyond}."
    return f"{where} your loss is {total(answer):.5g} on our probe; the formula gives {expected:.5g}."


def _beyond_value(table: Table, index: int, answer: Answer) -> str:
    if any(key.startswith("changed/") for key in answer.numbers):
        return "an input was changed in place"
    if answer.outcome != "tensor":
        return "it is not a tensor"
    if leaks(answer.gradient("teacher_logits")):
        size = np.linalg.norm(answer.gradient("teacher_logits"))
        return f"a gradient of norm {size:.3g} reaches teacher_logits"
    found = answer.gradient("student_logits")
    size = 0.0 if found is None else float(np.linalg.norm(found))
    expected = np.linalg.norm(table.numbers[f"expected/{index}/gradient/student_logits"])
    if f"{size:.3g}" == f"{expected:.3g}":
        return f"the student's gradient has the right norm, {size:.3g}, and another direction or a small error"
    return f"the student's gradient has norm {size:.3g} instead of {expected:.3g}"


def _fine(table: Table, answers: Sequence[Answer]) -> str:
    """Which part agrees with the formula."""
    fine = [part for part in PARTS if all(is_right(table, i, answers[i]) for i in places_of(table, part))]
    return f"The {' and the '.join(fine)} part agree{'s' if len(fine) == 1 else ''} with the formula." if fine else ""


def _ratio(table: Table, index: int, answer: Answer) -> str:
    value, expected = total(answer), float(expected_value(table, index))
    if close(value, expected):
        return "Values agree, so what goes back must differ: look for a detach, a no_grad, a hook, or rounded numbers."
    advice = "Compare the parts at alpha = 0 and alpha = 1 by hand."
    if np.isfinite(value) and expected and abs(value) > 1e-9:
        return f"That is {value / expected:.4g} times as much. {advice}"
    return advice
