"""results.csv: one row for each exercise of each submission, also of those that could not be read."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from grader.marking.journal import Entry
from grader.marking.judge import Result
from grader.marking.marks import WAITING
from grader.marking.matching import Plan, Task
from grader.marking.tables import as_csv, from_csv, joined
from utils.errors import CourseError
from utils.machine.workspace import write_whole

COLUMNS = ("student", "lab", "exercise", "score", "max_score", "misconceptions", "message", "status")
_ABOUT = ("file", "notes")  # which file was graded, and what there is to say about it
_WAITS = "It waits to be marked by hand."


def written(task: Task, made: Plan) -> Result:
    """The row of a written question: no score until somebody marks it."""
    answer = made.written[task.name]
    if not answer.text:
        return Result(task.name, 0.0, task.points, "missing", "It was not answered.")
    if answer.beside:
        return Result(task.name, None, task.points, "partial", f"A new cell beside the question holds text. {_WAITS}")
    return Result(task.name, None, task.points, WAITING, _WAITS)


def write(path: Path, entries: list[Entry]) -> None:
    """Write all rows, by lab and student, whole or not at all."""
    ordered = sorted(entries, key=lambda entry: (entry.lab, entry.student))
    write_whole(
        path, as_csv([COLUMNS + _ABOUT, *(_row(entry, result) for entry in ordered for result in entry.results)])
    )


def _row(entry: Entry, result: Result) -> list[str]:
    score = "" if result.score is None else f"{result.score:g}"
    names, message = joined(result.misconceptions), " ".join(result.message.split())
    row = [entry.student, entry.lab, result.exercise, score, f"{result.max_score:g}", names, message, result.status]
    return [*row, entry.file, " ".join([*entry.notes, *entry.remarks])]


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a results.csv, by column. Raises CourseError where it is not one, or not whole."""
    try:
        header, *rows = from_csv(path.read_bytes().decode("utf-8")) or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise CourseError(f"{str(path)!r} cannot be read ({why}): grade first, or say where with --out.") from None
    if not set(COLUMNS) <= set(header):
        raise CourseError(f"{str(path)!r} is not a results.csv of this grader: its columns differ.")
    return [_checked(path, number, header, row) for number, row in enumerate(rows, start=2) if row]


def _checked(path: Path, number: int, header: list[str], row: list[str]) -> dict[str, str]:
    values = dict(zip(header, row, strict=False))
    advice = "`course.py grade` writes the file anew, from what it keeps in .grading."
    if len(row) != len(header):
        raise CourseError(f"{str(path)!r}, row {number}: it has {len(row)} cells of {len(header)}. {advice}")
    for column in ("score", "max_score"):
        if not _is_points(values[column], may_be_empty=column == "score"):
            raise CourseError(f"{str(path)!r}, row {number}: {column} is {values[column][:40]!r}, no number. {advice}")
    return values


def _is_points(text: str, may_be_empty: bool) -> bool:
    try:
        return math.isfinite(float(text)) if text else may_be_empty
    except ValueError:
        return False
