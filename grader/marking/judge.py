"""How many points are right answers worth?  The judge asks fresh questions and compares numbers, and believes nothing.

It stands outside of the sandbox. What comes back is plain numbers (``sandbox.wire``), what is right stays here
(``Exercise.table``), and ``grader.marking.diagnose`` compares them without touching an object
of the submission's: the code that is judged takes no part in the judging.

A submission that hangs or crashes is started again without the cell, or after the exercise, that ended it: what else
is right in it keeps its points.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from grader import exercises
from grader.exercise import Exercise
from grader.marking import asserts, diagnose, needs
from grader.marking.asserts import Asserted
from grader.marking.matching import Plan, Release, Task
from grader.sandbox.client import Attempt, Ended, Sandbox
from grader.sandbox.limits import Limits
from utils.checks import TABLES, diagnosis
from utils.checks.records import Answer, Table
from utils.checks.verdict import Verdict
from utils.errors import CourseError
from utils.machine.threads import one_thread

_MOST_SKIPPED = 3
_MOST_NAME = 120  # characters of a misconception: a type's name may be in it, as long as a learner likes
_NO_MEMORY = ("MemoryError", "can't allocate memory", "Cannot allocate memory")
_MESSAGES = {
    "ok": "Right: every number agrees with the reference.",
    "partial": "A part of it is right.",
    "timeout": "It took too long to answer.",
    "memory": "It needed more memory than it may use.",
}
_OUTCOMES = {"tensor", "float", "none", "other", "error", "unwritten", "signature", "timeout"}


@dataclass(frozen=True)
class Result:
    """One row of results. score is None for a written question until somebody marks it.

    status: ok, partial, wrong, missing, timeout, memory, crashed or unreadable; waiting or stale: see ``marks``.
    parts: (name, points, earned) of each part, scaled to the released maximum.
    basis: a hash of what a person judges who marks this by hand; empty where nobody can.
    """

    exercise: str
    score: float | None
    max_score: float
    status: str
    message: str
    misconceptions: tuple[str, ...] = ()
    parts: tuple[tuple[str, float, float], ...] = ()
    basis: str = ""


@dataclass(frozen=True)
class Question:
    """An exercise as this grading asks it. table: fresh probes, which earn points. shown: those of the learner's check,
    which earn nothing and explain: a number of theirs is one that the learner can see again."""

    task: Task
    exercise: Exercise
    table: Table
    shown: Table


@dataclass
class _State:
    """What is known of one submission so far, over all attempts. needed: numbers of the steps that run."""

    needed: set[int]
    read: bool = False
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    skipped: dict[int, str] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)


def fresh_seed() -> int:
    return int.from_bytes(os.urandom(6), "little")


def questions(lab: Release, seed: int, texts: dict[str, str] | None = None) -> tuple[Question | Asserted, ...]:
    """Fresh probes and their expected numbers for each exercise of the lab, the same for the same seed.

    texts: grade_id -> text with hidden tests, for the lab's assert cells.
    """
    found: list[Question | Asserted] = []
    for task in lab.tasks:
        if task.written:
            continue
        if task.asserted:
            found.append(asserts.asserted(lab, task, texts or {}))
            continue
        try:
            exercise = exercises.get(task.name)
        except CourseError:
            raise CourseError(
                f"{lab.name} gives points for {task.name!r}, and no module of grader/exercises knows it:"
                " add it there, or write the check in plain asserts (docs/grading.md)."
            ) from None
        with one_thread():
            found.append(Question(task, exercise, exercise.table(seed), _shown(exercise)))
    return tuple(found)


def _shown(exercise: Exercise) -> Table:
    """The table of the learner's check, as it is shipped."""
    path = TABLES / f"{exercise.name}.npz"
    return Table.load(path) if path.exists() else exercise.table(None)


def grade(
    lab: Release, asked: Sequence[Question | Asserted], plan: Plan, sandbox: Sandbox, limits: Limits, seed: int
) -> tuple[Result, ...]:
    """One result for each question, in order."""
    used = set().union(*(question.used for question in asked if isinstance(question, Asserted)))
    state = _State(needs.needed(lab, plan, used))
    for _ in range(_MOST_SKIPPED + len(asked) + 1):
        with sandbox.attempt(limits, seed) as attempt:
            if not state.read:
                state.read = True
                _read_names(lab, plan, attempt, state, used)
            if _run_and_ask(asked, plan, attempt, state):
                break
    return tuple(state.results.get(question.task.name) or _never_asked(question, state) for question in asked)


def _read_names(lab: Release, plan: Plan, attempt: Attempt, state: _State, used: set[str]) -> None:
    """Find out which of the lab's own cells this submission needs; where its text ends the attempt, none."""
    with contextlib.suppress(Ended):
        state.needed = needs.needed(lab, plan, used | attempt.names(needs.own_sources(plan)))


def _run_and_ask(asked: Sequence[Question | Asserted], plan: Plan, attempt: Attempt, state: _State) -> bool:
    """One attempt. False where it ended early and another one, without what ended it, can bring more."""
    by_name = {question.task.name: question for question in asked}
    for step in plan.steps:
        for name in step.asks:
            if name not in state.results and not _ask(by_name[name], attempt, state):
                return False
        if not step.source.strip() or step.number in state.skipped or step.number not in state.needed:
            continue
        try:
            error = attempt.run(step.source, step.part)
        except Ended as ended:
            state.skipped[step.number] = ended.reason
            state.errors[step.number] = ended.detail
            return len(state.skipped) > _MOST_SKIPPED
        if error:
            state.errors[step.number] = error
    # Asked before: its cell may have come later in the notebook, or have been mended by a later one.
    return all(name in state.settled or _ask(question, attempt, state, last=True) for name, question in by_name.items())


def _ask(question: Question | Asserted, attempt: Attempt, state: _State, last: bool = False) -> bool:
    """Ask one exercise and keep the better result. False where the attempt ended over it."""
    name = question.task.name
    result, over = _run(question, attempt) if isinstance(question, Asserted) else _probe(question, attempt, state)
    before = state.results.get(name)
    if before is None or (result.score or 0.0) > (before.score or 0.0) or (last and before.status == "missing"):
        state.results[name] = result
    if over or last or result.status == "ok":
        state.settled.add(name)
    return not over


def _run(question: Asserted, attempt: Attempt) -> tuple[Result, bool]:
    """The result of the lab's assert cells, and whether the attempt is over."""
    outcome = asserts.run(question, attempt)
    status = outcome.status if outcome.over is None else _status(outcome.over.reason)
    score, parts = sum(outcome.earned.values()), _scaled(question, outcome.earned)
    message = outcome.message
    return Result(question.task.name, score, question.task.points, status, message, (), parts), outcome.over is not None


def _probe(question: Question, attempt: Attempt, state: _State) -> tuple[Result, bool]:
    """The result of fresh probes, and whether the attempt is over."""
    name = question.task.name
    try:
        answers = attempt.ask(name, question.table.probes)
    except Ended as ended:
        return _without_answer(question, _status(ended.reason), f"When `{name}` was called, {ended.detail}."), True
    if not isinstance(answers, list):
        return _unasked(question, answers, state), False
    result = judge(question, answers)
    return _explained(question, attempt, result) if result.status in ("partial", "wrong") else (result, False)


def judge(question: Question, answers: Sequence[Answer]) -> Result:
    """Compare answers with the reference. A pure function: the same answers always give the same result."""
    answers = [answer if answer.outcome in _OUTCOMES else Answer("other", "no known outcome") for answer in answers]
    try:
        verdict = diagnosis.verdict_on(question.table, answers)
        earned = diagnose.scores(question.exercise, question.table, answers)
    except Exception:  # the numbers are a stranger's, and a batch must not end over them
        return _without_answer(question, "wrong", "Its answers cannot be compared with anything expected.")
    parts = _scaled(question, earned)
    score = round(sum(points for _, _, points in parts), 6)
    maximum = question.task.points
    outcomes = {answer.outcome for answer in answers}
    status = "ok" if score >= maximum else "partial" if score > 0 else _failure(answers)
    names = () if status == "ok" else _names(verdict)
    message = verdict.message if outcomes == {"unwritten"} else _MESSAGES.get(status, "It is not right yet.")
    return Result(question.task.name, score, maximum, status, message, names, parts)


def _explained(question: Question, attempt: Attempt, result: Result) -> tuple[Result, bool]:
    """The result with a message from the shown check, whose numbers are no secret; and whether the attempt is over."""
    try:
        answers = attempt.ask(question.task.name, question.shown.probes)
        if not isinstance(answers, list):  # it answered once, and will not again
            return result, False
        verdict = diagnosis.verdict_on(question.shown, answers)
    except Ended:
        return result, True
    except Exception:  # as in judge
        return result, False
    names = result.misconceptions or _names(verdict)
    if verdict.passed:
        found = f" What is wrong there: {'; '.join(names)}." if names else ""
        return replace(result, message=f"It passes the shown check, and not all of the fresh probes.{found}"), False
    return replace(result, message=verdict.message, misconceptions=names), False


def _names(verdict: Verdict) -> tuple[str, ...]:
    return tuple(name[:_MOST_NAME] for name in verdict.misconceptions)


def _scaled(question: Question | Asserted, earned: dict[str, float]) -> tuple[tuple[str, float, float], ...]:
    """The exercise's parts in the points that the release gives for it."""
    if isinstance(question, Asserted):
        return tuple((name, points, earned.get(name, 0.0)) for name, points in question.task.grade_cells)
    whole = sum(part.points for part in question.exercise.parts)
    factor = question.task.points / whole
    return tuple(
        (part.name, part.points * factor, min(max(earned.get(part.name, 0.0), 0.0), part.points) * factor)
        for part in question.exercise.parts
    )


def _failure(answers: Sequence[Answer]) -> str:
    outcomes = {answer.outcome for answer in answers}
    if any(sign in answer.note for answer in answers if answer.outcome == "error" for sign in _NO_MEMORY):
        return "memory"
    if outcomes == {"unwritten"}:
        return "missing"
    return "timeout" if "timeout" in outcomes else "wrong"


def _status(reason: str) -> str:
    """The status for the reason that an attempt ended."""
    return {"timeout": "timeout", "memory": "memory", "garbled": "wrong"}.get(reason, "crashed")


def _without_answer(question: Question | Asserted, status: str, message: str) -> Result:
    parts = tuple((name, points, 0.0) for name, points, _ in _scaled(question, {}))
    return Result(question.task.name, 0.0, question.task.points, status, message, (), parts)


def _unasked(question: Question, error: str, state: _State) -> Result:
    if error:
        return _without_answer(question, "wrong", f"`{question.task.name}` could not be asked: {error}.")
    return _never_asked(question, state)


def _never_asked(question: Question | Asserted, state: _State) -> Result:
    """The function is not there: say so, and which cells stopped early, for one of them may hold it."""
    message = f"`{question.task.name}` is not defined after the notebook's cells have run."
    stopped = [f"cell {number} stopped ({error[:160]})" for number, error in sorted(state.errors.items())[:3]]
    if stopped:
        message += f" Before that, {'; '.join(stopped)}."
    fatal = next(iter(state.skipped.values()), "")
    return _without_answer(question, _status(fatal) if fatal else "missing", message)
