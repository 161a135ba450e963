"""What does a class misunderstand, and what was too hard?  One page with figures, and the same numbers as CSV.

It names exercises and mistakes, and students only when asked. A mean score would hide that half of the class made the
same slip.
"""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from grader.marking import marks, results, tables
from grader.marking.feedback import LABELS
from grader.notebook.labs import is_called
from utils.errors import CourseError

_TEMPLATES = Path(__file__).parent
_BINS = 10


@dataclass(frozen=True)
class Mistake:
    """A misconception: in which exercise, how many made it, and who."""

    exercise: str
    name: str
    count: int
    students: tuple[str, ...]


@dataclass(frozen=True)
class Item:
    """One exercise. facility: the share of its points that was earned, of those marked; 1 is easy."""

    exercise: str
    max_score: float
    marked: int
    facility: float
    statuses: dict[str, int]


@dataclass(frozen=True)
class Report:
    """students: how many submissions. shares: of each one with a mark, the points earned of those that are marked.

    unmarked, stale: how many answers wait for a mark, and how many were marked before the last change.
    empty: how many of them answer nothing, because no notebook or nothing in it is there; they count as 0.
    """

    lab: str
    students: int
    shares: tuple[float, ...]
    items: tuple[Item, ...]
    mistakes: tuple[Mistake, ...]
    unmarked: int = 0
    stale: int = 0
    empty: int = 0
    bins: tuple[int, ...] = field(default=())

    @property
    def mean(self) -> float | None:
        """Of a student, each counting alike; None where nothing is marked yet."""
        return statistics.mean(self.shares) if self.shares else None

    @property
    def waits(self) -> str:
        """What a person has to mark, in words; empty where that is nothing."""
        return marks.said(self.unmarked, self.stale)

    @property
    def median(self) -> float | None:
        return statistics.median(self.shares) if self.shares else None


def read(path: Path, number: str) -> list[dict[str, str]]:
    """The rows of one lab in a results.csv. Raises CourseError."""
    rows = results.read(path)
    found = [row for row in rows if is_called(row["lab"], number)]
    if not found:
        labs = ", ".join(sorted({row["lab"] for row in rows})) or "none"
        raise CourseError(f"{str(path)!r} holds no lab {number} (there: {labs}).")
    return found


def summarise(rows: list[dict[str, str]]) -> Report:
    """From rows of one lab, one for each student and exercise."""
    students: dict[str, list[dict[str, str]]] = {}
    exercises: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        students.setdefault(row["student"], []).append(row)
        exercises.setdefault(row["exercise"], []).append(row)
    marked = [of_one for of_one in students.values() if any(row["score"] for row in of_one)]
    shares = tuple(_share(of_one) for of_one in marked)
    bins = Counter(min(int(share * _BINS), _BINS - 1) for share in shares)
    return Report(
        lab=rows[0]["lab"],
        students=len(students),
        shares=shares,
        items=tuple(_item(name, of_one) for name, of_one in exercises.items()),
        mistakes=_mistakes(rows),
        unmarked=sum(not row["score"] and row["status"] != marks.STALE for row in rows),
        stale=sum(row["status"] == marks.STALE for row in rows),
        empty=sum(all(row["status"] == "missing" for row in of_one) for of_one in students.values()),
        bins=tuple(bins.get(number, 0) for number in range(_BINS)),
    )


def _share(rows: list[dict[str, str]]) -> float:
    marked = [row for row in rows if row["score"]]
    whole = sum(float(row["max_score"]) for row in marked)
    return sum(float(row["score"]) for row in marked) / whole if whole else 0.0


def _item(name: str, rows: list[dict[str, str]]) -> Item:
    marked = [row for row in rows if row["score"]]
    statuses = Counter(
        row["status"] if row["score"] or row["status"] == marks.STALE else "to be marked" for row in rows
    )
    return Item(name, float(rows[0]["max_score"]), len(marked), _share(marked), dict(statuses.most_common()))


def _mistakes(rows: list[dict[str, str]]) -> tuple[Mistake, ...]:
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for name in dict.fromkeys(tables.separated(row["misconceptions"])):
            found.setdefault((row["exercise"], name), []).append(row["student"])
    mistakes = [Mistake(exercise, name, len(who), tuple(sorted(who))) for (exercise, name), who in found.items()]
    return tuple(sorted(mistakes, key=lambda mistake: (-mistake.count, mistake.exercise, mistake.name)))


def as_csv(report: Report, names: bool) -> str:
    """One row for each number of the report: kind, exercise, name, value. names: with students."""
    blank = [""] if names else []
    rows: list[list[object]] = [["kind", "exercise", "name", "value", *(["students"] if names else [])]]
    for mistake in report.mistakes:
        who = [tables.joined(mistake.students)] if names else []
        rows.append(["misconception", mistake.exercise, mistake.name, mistake.count, *who])
    for item in report.items:
        earned = f"{item.facility:.4f}" if item.marked else ""
        rows.append(["share earned", item.exercise, "", earned, *blank])
        rows += [["status", item.exercise, status, count, *blank] for status, count in item.statuses.items()]
    for number, count in enumerate(report.bins):
        low, high = 100 * number // _BINS, 100 * (number + 1) // _BINS
        rows.append(["students with a score of", "", f"{low} to {high} %", count, *blank])
    return tables.as_csv(rows)


def as_html(report: Report, names: bool) -> str:
    """One page that needs nothing beside it. names: with students."""
    loader = FileSystemLoader(_TEMPLATES)
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("class_report.html").render(report=report, names=names, labels=LABELS)
