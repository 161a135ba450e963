"""An implementation in, a verdict out; answers in, points out.

``scores`` is a pure function of a table and of answers: at grading the answers come over a pipe, and nothing of the
submission's is called or compared here. A part earns its points where value and gradient are right on every
probe that isolates it, or where a named mistake explains every number and belongs to another part; that a constant
cannot earn one is tried when an exercise's table is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from grader.exercise import Exercise, judged_by_probes
from utils.checks import diagnosis
from utils.checks.ask import ask
from utils.checks.records import Answer, Table
from utils.checks.verdict import Verdict


def diagnose(exercise: Exercise, fn: Callable, seed: int | None = None, seconds: float = 10.0) -> Verdict:
    """Call ``fn`` in this process and return the verdict. For trusted code only: a submission belongs in a sandbox."""
    table = exercise.table(seed)
    return diagnosis.verdict_on(table, ask(table.probes, fn, seconds))


def scores(exercise: Exercise, table: Table, answers: Sequence[Answer]) -> dict[str, float]:
    """Points earned, by part."""
    if len(answers) != len(table.probes):
        return {part.name: 0.0 for part in exercise.parts}
    if exercise.scores:
        return exercise.scores(table, answers)
    return judged_by_probes(exercise.parts, table, answers)
