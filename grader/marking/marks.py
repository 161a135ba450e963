"""Marks by hand, and what becomes of them when a submission or the points change.

A mark was given for one answer. Where that answer is no longer the same, the mark is *stale*: it stays in the
gradebook, flagged for another look as nbgrader does, and counts in no result until somebody has looked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from grader.marking.journal import Entry
from grader.marking.judge import Result
from grader.marking.matching import Plan, Task
from grader.marking.needs import own_sources

WAITING, STALE = "waiting", "stale"


@dataclass(frozen=True)
class Scores:
    """What the gradebook says of one exercise of one student. automatic: None where a person has to mark it.

    by_hand: its score now, if somebody marked a cell of it by hand. stale: whether the answer has changed since.
    """

    automatic: float | None
    by_hand: float | None
    stale: bool = False


def with_basis(result: Result, made: Plan | None) -> Result:
    """The result with what a mark by hand is based on: a written answer's text, else all of the learner's code and the
    machine's score for it. made: None where there is no notebook."""
    answer = made.written.get(result.exercise) if made else None
    if answer is not None:
        parts = [answer.text]
    else:
        share = round((result.score or 0.0) / result.max_score, 6) if result.max_score else 0.0
        parts = [*(own_sources(made) if made else [result.message]), repr(share)]
    return replace(result, basis=hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest())


def with_marks(entry: Entry, found: Mapping[tuple[str, str], Scores]) -> Entry:
    """The entry with the scores that somebody gave by hand in place of the machine's."""
    results = tuple(_marked(result, found.get((entry.student, result.exercise))) for result in entry.results)
    return replace(entry, results=results)


def _marked(result: Result, there: Scores | None) -> Result:
    if there is None or there.by_hand is None:
        return result
    if there.stale:
        words = f"It was marked {there.by_hand:g} of {result.max_score:g} by hand, before the last change: look again."
        return replace(result, status=STALE, message=f"{result.message} {words}")
    status = "ok" if there.by_hand >= result.max_score else "partial" if there.by_hand > 0 else "wrong"
    message = "Marked by hand." if result.score is None else f"{result.message} Marked by hand."
    return replace(result, score=there.by_hand, status=status, message=message)


def counted(entries: Iterable[Entry]) -> tuple[int, int]:
    """(answers that wait to be marked, answers that were marked before the last change)."""
    results = [result for entry in entries for result in entry.results]
    stale = sum(result.status == STALE for result in results)
    return sum(result.score is None and result.status != STALE for result in results), stale


def said(waiting: int, stale: int) -> str:
    """Both numbers in words; empty where nothing waits."""
    words = [f"{waiting} wait to be marked" if waiting != 1 else "1 waits to be marked"] if waiting else []
    words += [f"{stale} {'was' if stale == 1 else 'were'} marked before the last change"] if stale else []
    return ", ".join(words)


def rescaled(entry: Entry, tasks: Sequence[Task]) -> Entry | None:
    """The entry with the points of these tasks; None where one was worth nothing, for a share of that is not known."""
    points = {task.name: dict(task.grade_cells) for task in tasks}
    made = [_rescaled(result, points[result.exercise]) for result in entry.results]
    return replace(entry, results=tuple(made)) if all(made) else None


def _rescaled(result: Result, points: dict[str, float]) -> Result | None:
    """points: by nbgrader's cell. Of an exercise of assert cells these are the parts, each with points of its own."""
    maximum = sum(points.values())
    given = [points.get(name, whole * maximum / (result.max_score or 1.0)) for name, whole, _ in result.parts]
    wholes = [
        (result.max_score, maximum),
        *((whole, new) for (_, whole, _), new in zip(result.parts, given, strict=True)),
    ]
    if all(before == now for before, now in wholes):
        return result
    if any(now and not before for before, now in wholes):
        return None
    parts = tuple(
        (name, new, earned / (whole or 1.0) * new)
        for (name, whole, earned), new in zip(result.parts, given, strict=True)
    )
    score = result.score if result.score is None else round(sum(earned for _, _, earned in parts), 6)
    return replace(result, score=score, max_score=maximum, parts=parts)
