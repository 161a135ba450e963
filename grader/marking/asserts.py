"""An instructor's own exercise: plain `assert` cells, run in the sandbox for their points.

The cell runs in the submission's own process, as it does under nbgrader. So its author can cheat it: by a class that
equals everything, or by a changed `assert`. Points that must not be talked into need an exercise that is judged from
outside, in ``grader/exercises``.
"""

from __future__ import annotations

from dataclasses import dataclass

from grader.marking.matching import Release, Task
from grader.sandbox.client import Attempt, Ended
from grader.sandbox.names import names

PASSED = "Every assert passed. They run inside the notebook and are not judged from outside."


@dataclass(frozen=True)
class Asserted:
    """One exercise with assert cells. sources: grade_id -> text that runs, with hidden tests where they are known."""

    task: Task
    sources: dict[str, str]

    @property
    def used(self) -> set[str]:
        """Names that the cells take from the notebook."""
        found = [names(source) for source in self.sources.values()]
        return set().union(*(each[1] for each in found if each))


@dataclass(frozen=True)
class Outcome:
    """earned: points by grade_id. status and message: as in a result. over: the attempt ended."""

    earned: dict[str, float]
    status: str
    message: str
    over: Ended | None = None


def asserted(lab: Release, task: Task, texts: dict[str, str]) -> Asserted:
    """texts: grade_id -> text with hidden tests, of the cells where somebody knows it."""
    released = {cell.grade_id: cell.source for cell in lab.cells}
    return Asserted(task, {grade_id: texts.get(grade_id, released[grade_id]) for grade_id, _ in task.grade_cells})


def run(question: Asserted, attempt: Attempt) -> Outcome:
    """Run the cells one after another; each is worth its points or nothing."""
    points, earned, faults = dict(question.task.grade_cells), {}, []
    for grade_id, source in question.sources.items():
        try:
            error = attempt.run(source)
        except Ended as ended:
            return Outcome(earned, "wrong", f"In {grade_id}, {ended.detail}.", ended)
        if error:
            faults.append(f"{grade_id} stopped with {error.rstrip('.')}.")
        else:
            earned[grade_id] = points[grade_id]
    if not faults:
        return Outcome(earned, "ok", PASSED)
    absent = (
        " stopped with NotImplementedError",
        f" stopped with NameError: name {question.task.name!r} is not defined",
    )
    unwritten = not earned and all(any(words in fault for words in absent) for fault in faults)
    return Outcome(earned, "missing" if unwritten else "partial" if earned else "wrong", " ".join(faults[:3]))
