"""What an exercise is: how it is probed, what is right, what goes wrong, and what each part is worth.

The mistake this prevents is a second opinion: the learner's check, the hidden cells of nbgrader, the judge and the
class report all read the same ``Exercise``, so they cannot disagree about a submission.

How to use one, in four steps that can run in different processes::

    exercise = grader.exercises.get("distillation_loss")
    table = exercise.table(seed)                      # probes, expected numbers, fingerprints (float64)
    answers = utils.checks.ask.ask(table.name, table.probes, fn, seconds=2.0)
    verdict = grader.marking.diagnose.verdict(table, answers) # -> utils.checks.Verdict
    scores = grader.marking.diagnose.scores(exercise, table, answers)   # -> {part name: points earned}

- ``seed=None`` gives the fixed probes that ship with ``utils.checks``; an integer draws fresh ones from numpy's PCG64.
- ``table.probes`` are plain arrays and scalars (``utils.checks.records.Probe``). Only they go into a sandbox.
- ``utils.checks.ask`` calls the function and writes down plain numbers (``Answer``). It holds no expected value, so it
  may stand beside a submission. Over a pipe an ``Answer`` is three short texts and a dict of float64 arrays.
- The table stays outside. ``verdict`` and ``scores`` are pure functions of (table, answers): nothing of the learner's
  is called or compared, so nothing of the learner's can lie to them.
- ``scores`` gives a part its points only where value *and*, where there is one, gradient agree with the reference on
  every probe that isolates the part, and the reference gradient there is not zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from utils.checks.records import Table


@dataclass(frozen=True)
class Misconception:
    """A mistake that somebody makes, as an implementation that runs.

    name: as a verdict says it, under 100 characters. sentence: what it does, for the class report.
    implementation: called like the learner's function.
    also: other names that are as true of this implementation (a verdict may use any of them).
    """

    name: str
    sentence: str
    implementation: Callable
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """One thing that earns points. probes: the names of the probes that isolate it; all must be right."""

    name: str
    points: float
    probes: tuple[str, ...]


@dataclass(frozen=True)
class Exercise:
    """One function that a learner writes.

    name: the function's name. lab: such as ``"02"``. parameters: the names of its arguments, in order.
    parts: what earns points, see ``Part``. table: seed (None: the fixed probes) -> expected numbers and fingerprints.
    misconceptions: runnable wrong ones. right: names and implementations that must pass, whatever their style.
    """

    name: str
    lab: str
    parameters: tuple[str, ...]
    parts: tuple[Part, ...]
    table: Callable[[int | None], Table]
    misconceptions: tuple[Misconception, ...]
    right: dict[str, Callable]
