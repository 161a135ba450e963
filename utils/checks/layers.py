"""The verdict on a ``layer_map``: a known wrong list, or else what is true of the list that came.

A list of layers has properties (its length, its ends, its steps), and each of them can be said by itself: there are
more ways to miss the last layer than anybody writes down.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from utils.checks import arrays, judgement
from utils.checks.judgement import after_error, is_right
from utils.checks.records import Answer, Table
from utils.checks.verdict import Verdict

__all__ = ["after_error", "is_right", "judge_answers"]


def judge_answers(table: Table, answers: Sequence[Answer]) -> Verdict:
    """passed, or what is wrong, most certain first."""
    return arrays.judge_answers(table, answers, properties)


def properties(table: Table, answers: Sequence[Answer]) -> list[str]:
    """What is true of the lists, wherever it is true of any of them."""
    lists = [answer.numbers.get("value") for answer in answers]
    if any(answer.form and judgement.wrong_kind(table, index, answer) for index, answer in enumerate(answers)):
        return []  # the kind alone is said
    if not all(found is not None and found.ndim == 1 for found in lists):
        return arrays.by_shape(table, answers)
    sizes = [tuple(float(size) for size in probe.inputs.values()) for probe in table.probes]
    if all(np.array_equal(found, lists[0]) for found in lists):
        return ["a fixed list, whatever the two numbers of layers are"]
    pairs = list(zip(lists, sizes, strict=True))
    properties = (
        ("the list does not hold one teacher layer for each student layer", lambda v, s, t: len(v) != s),
        ("layers below 1: the teacher's layers count from 1", lambda v, s, t: (v < 1).any()),
        ("layers beyond the teacher's last one", lambda v, s, t: (v > t).any()),
        (
            "last layer missed: the student's last one does not follow the teacher's last",
            lambda v, s, t: t not in v[-1:],
        ),
        ("layer map: a layer is listed twice or out of order", lambda v, s, t: (np.diff(v) <= 0).any()),
        ("layer map: a layer is not beside its even place", lambda v, s, t: len(v) == s and _uneven(v, s, t)),
    )
    return [name for name, holds in properties if any(holds(found, s, t) for found, (s, t) in pairs)]


def _uneven(found: np.ndarray, student_layers: float, teacher_layers: float) -> bool:
    if found[0] < 1 or np.ptp(np.diff(found, prepend=0)) == 0:  # its steps are even; where they lead is another name
        return False
    even = np.arange(1, len(found) + 1) * teacher_layers / student_layers
    return bool((np.abs(found - even) >= 1).any())
