"""What an exercise is: how it is probed, what is right, what goes wrong, and what each part is worth.

The learner's check, the hidden cells of nbgrader, the judge and the class report all read the same ``Exercise``, so
they cannot disagree about a submission. How to use one, in steps that can run in different processes::

    exercise = grader.exercises.get("distillation_loss")
    table = exercise.table(seed)                      # probes, expected numbers, fingerprints (float64)
    answers = utils.checks.ask.ask(table.probes, fn, seconds=2.0)
    verdict = utils.checks.diagnosis.verdict_on(table, answers)         # -> utils.checks.Verdict
    scores = grader.marking.diagnose.scores(exercise, table, answers)   # -> {part name: points earned}

- ``seed=None`` gives the fixed probes that ship with ``utils.checks``; an integer draws fresh ones from numpy's PCG64.
- Only ``table.probes`` go into a sandbox. ``utils.checks.ask`` calls the function and writes down plain numbers
  (``Answer``). It holds no expected value, so it may stand beside a submission.
- The table stays outside. ``verdict_on`` and ``scores`` are pure functions of (table, answers): nothing of the
  learner's is called or compared, so nothing of the learner's can lie to them.
- A part earns its points only where every probe that isolates it is right, value *and* gradient.

Most exercises are written with ``grader.exercises.ordinary``: one file, a reference, wrong and right functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from utils.checks import diagnosis
from utils.checks.records import Answer, Table


@dataclass(frozen=True)
class Misconception:
    """A mistake that somebody makes, as an implementation that runs.

    name: as a verdict says it, under 100 characters. sentence: what it does, for the class report.
    implementation: called like the learner's function.
    also: other names that are as true of this implementation (a verdict may use any of them).
    hint: a question that leads to this mistake and gives no code away.
    """

    name: str
    sentence: str
    implementation: Callable
    also: tuple[str, ...] = ()
    hint: str = ""

    @property
    def id(self) -> str:
        """Stable in results and reports: the name in small letters, words joined by hyphens."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


@dataclass(frozen=True)
class Part:
    """One thing that earns points. probes: the names of the probes that isolate it; all must be right.

    mistakes: how the names of the mistakes begin that cost this part alone, whichever other probes they spoil.
    """

    name: str
    points: float
    probes: tuple[str, ...]
    mistakes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exercise:
    """One function that a learner writes.

    name: the function's name. lab: such as ``"02"``. parameters: the names of its arguments, in order.
    parts: what earns points, see ``Part``. table: seed (None: the fixed probes) -> expected numbers and fingerprints.
    misconceptions: runnable wrong ones. right: names and implementations that must pass, whatever their style.
    scores: (table, answers) -> points earned by part, where parts are not judged by their probes alone.
    """

    name: str
    lab: str
    parameters: tuple[str, ...]
    parts: tuple[Part, ...]
    table: Callable[[int | None], Table]
    misconceptions: tuple[Misconception, ...]
    right: dict[str, Callable]
    scores: Callable[[Table, Sequence[Answer]], dict[str, float]] | None = None


def judged_by_probes(parts: Sequence[Part], table: Table, answers: Sequence[Answer]) -> dict[str, float]:
    """Points by part: all of them where every probe of the part is right, else none."""
    is_right = diagnosis.judge_of(table).is_right
    right = {probe.name: is_right(table, index, answers[index]) for index, probe in enumerate(table.probes)}
    return {part.name: part.points * all(right.get(name, False) for name in part.probes) for part in parts}
