"""results.csv: one row for each exercise of each submission, also of those that could not be read.

The mistake this prevents: a submission that is nowhere in the list because it was broken.
"""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

from grader.journal import Entry, write_whole
from grader.judge import Result
from grader.matching import Plan, Release, Task

COLUMNS = ("student", "lab", "exercise", "score", "max_score", "misconceptions", "message", "status")


def written(lab: Release, task: Task, made: Plan) -> Result:
    """The row of a written question: no score until somebody marks it."""
    text = made.written.get(task.name, "").strip()
    if not text or text == lab.cells[task.place].source.strip():
        return Result(task.name, 0.0, task.points, "missing", "It was not answered.")
    return Result(task.name, None, task.points, "ok", "It waits to be marked by hand.")


def with_manual(entry: Entry, by_hand: dict[tuple[str, str], float]) -> Entry:
    """The entry with the scores that somebody gave by hand in place of the machine's."""
    marked = [_marked(result, by_hand.get((entry.student, result.exercise))) for result in entry.results]
    return replace(entry, results=tuple(marked))


def _marked(result: Result, score: float | None) -> Result:
    if score is None:
        return result
    status = "ok" if score >= result.max_score else "partial" if score > 0 else "wrong"
    message = "Marked by hand." if result.score is None else f"{result.message} Marked by hand."
    return replace(result, score=score, status=status, message=message)


def write(path: Path, entries: list[Entry]) -> None:
    """Write all rows, by lab and student, whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entry in sorted(entries, key=lambda entry: (entry.lab, entry.student)):
        for result in entry.results:
            writer.writerow(_row(entry, result))
    write_whole(path, text.getvalue())


def _row(entry: Entry, result: Result) -> list[str]:
    score = "" if result.score is None else f"{result.score:g}"
    names = "; ".join(result.misconceptions)
    message = " ".join(result.message.split())
    return [entry.student, entry.lab, result.exercise, score, f"{result.max_score:g}", names, message, result.status]
