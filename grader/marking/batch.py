"""Grade a folder of submissions: side by side, each for itself, and so that a kill at any moment costs nothing.

Results go into the journal first and into the gradebook next; what people read (feedback, results.csv) is derived from
both at the end. So the outcome does not depend on where a batch was interrupted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path

from nbgrader.api import Gradebook

from grader.marking import absent, assignment, autograded, feedback, gradebook, holdings, marks, results, submissions
from grader.marking.asserts import Asserted
from grader.marking.journal import Entry, Journal, environment_key, submission_key
from grader.marking.judge import Question, Result, fresh_seed, grade, questions
from grader.marking.matching import Plan, Release, plan, with_modules
from grader.marking.submissions import Submission
from grader.notebook.notebooks import Cell, UnreadableError
from grader.sandbox import importable
from grader.sandbox.client import Sandbox, ServerGone
from grader.sandbox.limits import Limits
from grader.sandbox.process import ServerProcess
from utils.errors import CourseError

_MOST_LOST = 5


@dataclass(frozen=True)
class Settings:
    """What to grade and where to. students: only these. db: gradebook's URL or path. seed: None for fresh probes.

    solution: the lab with its hidden tests, which nbgrader's own ``autograde`` reads from the gradebook.
    others: the course's other labs, whose notebooks are handed in by mistake.
    again: grade also what has not changed.
    """

    lab: Release
    folder: Path
    out: Path
    db: str
    students: tuple[str, ...] = ()
    jobs: int = 1
    confined: bool = True
    limits: Limits = field(default_factory=Limits)
    seed: int | None = None
    solution: Path | None = None
    others: tuple[Release, ...] = ()
    again: bool = False


@dataclass(frozen=True)
class Progress:
    """One submission is done. again: its result of an earlier start was kept."""

    entry: Entry
    done: int
    total: int
    again: bool


@dataclass(frozen=True)
class Summary:
    """What a batch came to. unlisted: students that nbgrader's formgrader cannot show. apart: names of what lies
    among the submissions and is none. points: what is said of points that have changed. news: packages that have."""

    entries: tuple[Entry, ...]
    seed: int
    graded: int
    seconds: float
    unlisted: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    news: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Grading:
    """What every submission of a batch is graded with."""

    settings: Settings
    asked: tuple[Question | Asserted, ...]
    environment: str
    seed: int
    sandbox: Sandbox | None = None


def run(settings: Settings, tell: Callable[[Progress], None], server: ServerProcess | None = None) -> Summary:
    """Grade what is not graded yet, then write gradebook, feedback and results.csv. Raises CourseError.

    server: one that is on its way already, as ``settings`` want it.
    """
    if server is None:
        with ServerProcess(settings.confined) as server:
            return run(settings, tell, server)
    began = time.monotonic()
    survey = submissions.find(settings.folder, settings.lab, settings.students, settings.others)
    found = survey.submissions
    journal = Journal(settings.out, settings.lab.name)
    with journal.locked(), gradebook.opened(settings.db) as book:
        seed = journal.seed(settings.seed, fresh_seed())
        asked = questions(settings.lab, seed, assignment.with_hidden_tests(settings.lab, settings.solution))
        environment = environment_key(settings.lab, asked, seed, settings.limits)
        points, news = gradebook.adopt_points(book, settings.lab), journal.news(importable.versions())
        assignment.enter(book, settings.lab, settings.solution)
        found_scores = gradebook.scores(book, settings.lab)
        entries: dict[str, Entry] = {}
        graded = 0
        grading = _Grading(settings, asked, environment, seed)
        for submission, entry, again in _graded(grading, found, journal, server):
            kept = again and entry.recorded == settings.db
            if not kept or not gradebook.holds(found_scores, entry.student, entry.results, settings.lab):
                seen = entry.seen.get(settings.db)
                gradebook.record(book, settings.lab, entry.student, entry.results, seen)
                entry = journal.mark(submission.slug, entry, settings.db)
            entries[submission.slug] = entry
            graded += not again
            tell(Progress(entry, len(entries), len(found), again))
        ordered = [entries[submission.slug] for submission in found]
        shown = _publish(settings, journal, ordered, book)
    unlisted = tuple(submission.student for submission in found if not submission.listed)
    seconds = time.monotonic() - began
    return Summary(shown, seed, graded, seconds, unlisted, survey.apart, points, news)


def _graded(
    grading: _Grading, found: Sequence[Submission], journal: Journal, server: ServerProcess
) -> Iterator[tuple[Submission, Entry, bool]]:
    """Each submission with its entry as soon as it has one, and whether that is an earlier one."""
    waiting: list[Submission] = []
    for submission in found:
        entry = _kept(grading, submission, journal)
        if entry is not None:
            yield submission, entry, True
        else:
            waiting.append(submission)
    if not waiting:
        return
    with Sandbox(server) as sandbox:
        grading = replace(grading, sandbox=sandbox)
        pool = ThreadPoolExecutor(grading.settings.jobs)
        try:
            futures = {pool.submit(_grade_one, grading, submission): submission for submission in waiting}
            lost = 0
            for future in as_completed(futures):
                entry, gone = future.result()
                lost = lost + 1 if gone else 0
                if lost > _MOST_LOST:
                    raise CourseError("The sandbox ended again and again. What is graded is kept; look at the machine.")
                slug = futures[future].slug
                before = journal.load(slug)
                entry = replace(entry, seen=before.seen) if before else entry
                journal.save(slug, entry)
                yield futures[future], entry, False
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _kept(grading: _Grading, submission: Submission, journal: Journal) -> Entry | None:
    """The entry of an earlier start, with the lab's points and the file's name of now; None where it does not hold."""
    before = journal.load(submission.slug)
    if before is None or grading.settings.again or before.key != _key(grading, submission):
        return None
    entry = marks.rescaled(before, grading.settings.lab.tasks)
    if entry is None:
        return None
    entry = replace(entry, file=submission.file, notes=submission.notes)
    if entry != before:
        journal.save(submission.slug, entry)
    return entry


def _key(grading: _Grading, submission: Submission) -> str:
    try:
        content = submission.content() + repr(submission.modules()).encode("utf-8", "replace")
    except UnreadableError as error:
        content = b"unreadable: " + str(error).encode()
    return submission_key(grading.environment, content)


def _grade_one(grading: _Grading, submission: Submission) -> tuple[Entry, bool]:
    """The entry of one submission, and whether the sandbox itself was lost over it.

    An entry that tells of a fault that is not the submission's has no key: the next start grades it again.
    """
    began = time.monotonic()
    key, remarks, gone, made = _key(grading, submission), (), False, None
    lab = grading.settings.lab
    try:
        cells = submission.cells()
        _require_this_lab(grading.settings, cells)
        made = with_modules(plan(lab, cells), submission.modules())
        if submission.listed:
            autograded.write(grading.settings.out, submission.student, lab, cells)
        rows, remarks = _rows(grading, made), made.remarks
    except _OtherLab as error:
        rows = _all_rows(grading, "missing", str(error))
    except UnreadableError as error:
        rows = _all_rows(grading, submission.status, str(error))
    except ServerGone:
        key, gone = "", True
        rows = _all_rows(grading, "crashed", "The sandbox was lost over it twice; grade it again, or by hand.")
    except CourseError:
        raise
    except Exception as error:  # a fault of the grader's own, which must not cost all the others their grade
        key, kind = "", type(error).__name__
        rows = _all_rows(grading, "crashed", f"The grader itself failed over it ({kind}): grade it by hand.")
    seconds = round(time.monotonic() - began, 3)
    rows = tuple(marks.with_basis(row, made) for row in rows)
    about = {"file": submission.file, "notes": submission.notes}
    return Entry(submission.student, lab.name, key, seconds, rows, remarks, **about), gone


class _OtherLab(Exception):
    """The notebook is another lab's; the message is one sentence for its author."""


def _require_this_lab(settings: Settings, cells: tuple[Cell, ...]) -> None:
    other = holdings.other_lab(settings.lab, settings.others, cells)
    if other is not None:
        raise _OtherLab(f"This is {holdings.called(other)}'s notebook, {other.name}: hand in {settings.lab.name}.")


def _rows(grading: _Grading, made: Plan) -> tuple[Result, ...]:
    arguments = (grading.settings.lab, grading.asked, made, grading.sandbox, grading.settings.limits, grading.seed)
    try:
        graded = grade(*arguments)
    except ServerGone:
        graded = grade(*arguments)
    sources = [step.source for step in made.steps]
    by_name = {result.exercise: absent.explained(result, sources) for result in graded}
    lab = grading.settings.lab
    return tuple(by_name.get(task.name) or results.written(task, made) for task in lab.tasks)


def _all_rows(grading: _Grading, status: str, message: str) -> tuple[Result, ...]:
    tasks = grading.settings.lab.tasks
    return tuple(Result(task.name, 0.0, task.points, status, message) for task in tasks)


def _publish(settings: Settings, journal: Journal, entries: list[Entry], book: Gradebook) -> tuple[Entry, ...]:
    """Write what people read, and return it. A score by hand stands in place of the machine's."""
    found = {lab.name: gradebook.scores(book, lab) for lab in (settings.lab, *settings.others)}
    comments = gradebook.comments(book, settings.lab)
    shown = tuple(marks.with_marks(entry, found[entry.lab]) for entry in entries)
    rest = [marks.with_marks(entry, found.get(entry.lab, {})) for entry in journal.others(bool(settings.students))]
    fresh = {(entry.lab, entry.student) for entry in shown}
    others = [entry for entry in rest if (entry.lab, entry.student) not in fresh]
    results.write(settings.out / "results.csv", [*others, *shown])  # first: no page can keep the scores back
    for entry in shown:
        slug = Submission(entry.student, None).slug
        path = settings.out / "feedback" / slug / f"{settings.lab.name}.html"
        feedback.write(path, settings.lab, entry, comments.get(entry.student, {}))
    return shown
