"""What is tried of every exercise whose mistakes are choices: its catalogue, its thoughts, its parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from grader.exercise import Exercise
from grader.exercises.ordinary import require_telling
from grader.marking.diagnose import scores
from utils.checks import arrays, hints
from utils.checks.ask import ask
from utils.checks.diagnosis import verdict_on
from utils.checks.records import Table
from utils.checks.scale import CONSTANTS
from utils.checks.verdict import MOST_SIGNS, Verdict

FEW, MANY = (None, 5, 101, 102), tuple(range(1, 61))


def judged(table: Table, function: Callable) -> Verdict:
    return verdict_on(table, ask(table.probes, function))


def points_of_every_wrong_one(exercise: Exercise, seed: int | None) -> list[dict[str, float]]:
    """Every wrong one fails, is named and costs its own part alone, every right one passes with all points.

    Returned is what the wrong ones earn.
    """
    table = exercise.table(seed)
    for name, right in exercise.right.items():
        answers = ask(table.probes, right)
        found = verdict_on(table, answers)
        assert found.passed and not found.misconceptions, (seed, name, found)
        assert scores(exercise, table, answers) == {part.name: part.points for part in exercise.parts}, (seed, name)
    earned = []
    for number, wrong in enumerate(exercise.misconceptions):
        answers = ask(table.probes, wrong.implementation)
        found = verdict_on(table, answers)
        assert not found.passed, (seed, number, wrong.name)
        assert set(found.misconceptions) & {wrong.name, *wrong.also}, (seed, number, wrong.name, found)
        assert len(found.message) <= MOST_SIGNS and len(found.misconceptions) <= arrays.MOST_NAMES
        earned.append(scores(exercise, table, answers))
        own = [part.name for part in exercise.parts if wrong.name.startswith(part.mistakes)]
        lost = [part.name for part in exercise.parts if earned[-1][part.name] < part.points]
        assert not own or lost == own, (seed, number, wrong.name, lost)
    return earned


def names_without_a_thought(exercise: Exercise) -> set[str]:
    """Of all names that a verdict can give, those for which there is no thought."""
    table = exercise.table(None)
    texts = table.texts
    names = {wrong.name for wrong in exercise.misconceptions} | {name for _, name in texts["errors"]}
    if texts["judge"] != "kinds":
        entries = [entry for group in (*texts["groups"], *texts["broken"]) for entry in group["entries"]]
        names |= {name for listed, _ in (*entries, *texts["scales"]) for name in listed}
        names |= {*texts["extremes"].values(), *texts["finite extremes"].values()}
    if texts.get("constants"):
        names |= {name.format("") for listed, _ in CONSTANTS.values() for name in listed}
    return {name for name in names if not hints.hint(table, name)}


def require_telling_parts(exercise: Exercise) -> None:
    table = exercise.table(None)
    require_telling(replace(table, texts=table.texts | {"mistakes": []}), exercise.parts)
