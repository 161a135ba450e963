"""Where do scores live?  In nbgrader's own gradebook, so that formgrader, feedback and export read them as usual.

A score by machine never replaces one by hand: as nbgrader does, a new automatic score leaves a manual one in place and
marks it for a second look. So grading again loses nobody's marking.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from alembic.script import ScriptDirectory
from nbgrader.api import (
    Assignment,
    Base,
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    InvalidEntry,
    MissingEntry,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.dbutil import ALEMBIC_DIR
from sqlalchemy import URL, create_engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from grader.marking.judge import Result
from grader.marking.marks import Scores
from grader.marking.matching import Release, Task
from utils.errors import CourseError

PATIENCE = 60.0  # seconds
_NBGRADERS = {"assignment", "submitted_assignment", "grade"}


@contextmanager
def opened(url: str) -> Iterator[Gradebook]:
    """nbgrader's gradebook at a database URL; a file's path will do. Raises CourseError in a sentence."""
    address = url if "://" in url else f"sqlite:///{url}"
    try:
        _make_ready(address)
        book = Gradebook(_patient(address))
    except CourseError:
        raise
    except Exception as error:  # SQLAlchemy and its drivers raise many kinds
        raise _complaint(address, error) from error
    try:
        yield book
    except (SQLAlchemyError, InvalidEntry, MissingEntry) as error:
        book.db.rollback()
        raise _complaint(address, error) from error
    finally:
        book.close()


def _patient(address: str) -> str:
    """SQLite waits longer than its five seconds while another program writes, such as the formgrader."""
    url = make_url(address)
    if url.get_backend_name() != "sqlite" or url.query:
        return address
    return str(url.set(query={"timeout": str(PATIENCE)}))


def _make_ready(address: str) -> None:
    """See that the database is a gradebook, or make it one where it holds nothing; somebody else's is left alone."""
    path = _new_file(make_url(address))
    if path is not None:
        return _make(path)
    engine = create_engine(address)
    try:
        tables = set(inspect(engine).get_table_names())
        if "alembic_version" in tables and tables >= _NBGRADERS:
            with engine.connect() as connection:
                found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            if found != _version():
                raise CourseError(
                    f"The gradebook {_shown(address)} was made by another version of nbgrader: keep a copy of it and"
                    " run `nbgrader db upgrade`, or choose another with --db."
                )
        elif tables and not tables >= _NBGRADERS:
            raise CourseError(
                f"{_shown(address)} is a database but no gradebook of nbgrader's: choose another with --db."
            )
        else:
            _fill(engine.url)
    finally:
        engine.dispose()


def _new_file(url: URL) -> Path | None:
    """The file of an SQLite gradebook that is still to be made. Merely to look into it would leave an empty one."""
    if url.get_backend_name() != "sqlite" or url.query or not url.database:
        return None
    path = Path(url.database)
    return None if path.exists() and path.stat().st_size else path


def _make(path: Path) -> None:
    """A new gradebook in a file, which gets its name when it is whole: a kill in between would leave half of one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        _fill(make_url("sqlite://").set(database=str(draft)))
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _fill(url: URL) -> None:
    """What nbgrader does for a new gradebook, without starting another program for the number of its version."""
    engine = create_engine(url)
    try:
        Base.metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": _version()})
    finally:
        engine.dispose()


@cache
def _version() -> str:
    """The version of nbgrader's tables."""
    return str(ScriptDirectory(ALEMBIC_DIR).get_current_head())


def _shown(address: str) -> str:
    """The address for a message, without its password."""
    try:
        return repr(make_url(address).render_as_string(hide_password=True))
    except ArgumentError:
        return "of --db"


def _complaint(address: str, error: Exception) -> CourseError:
    reason = str(getattr(error, "orig", None) or error).splitlines()[0][:200]
    advice = "Is it nbgrader's, writable, and is there space?"
    if "locked" in reason:
        advice = "Another program writes to it: end that, and start again. What is graded is kept."
    return CourseError(f"The gradebook {_shown(address)} cannot be used ({reason}). {advice} Another one: --db URL.")


def record(
    book: Gradebook, lab: Release, student: str, results: Sequence[Result], seen: Mapping[str, str] | None = None
) -> None:
    """Write one submission's automatic scores, all of them or none.

    seen: exercise -> basis of what this gradebook held before. A mark by hand whose answer is another now is flagged;
    where nothing is known of before, such as after nbgrader's own autograde, the mark counts.
    """
    book.update_or_create_student(student)
    with warnings.catch_warnings(), book.db.no_autoflush:
        warnings.simplefilter("ignore")  # SQLAlchemy remarks on the order in which nbgrader adds parts
        submission = book.update_or_create_submission(lab.name, student)
    notebook = submission.notebooks[0]
    tasks = {task.name: task for task in lab.tasks}
    for result in results:
        task = tasks[result.exercise]
        earned = {name: points for name, _, points in result.parts} if task.asserted else {}
        for grade_id, points in task.grade_cells:
            grade = _grade(book, notebook, grade_id)
            share = points / task.points if task.points else 0.0
            if task.written:
                grade.auto_score = result.score
            else:
                grade.auto_score = earned.get(grade_id, (result.score or 0.0) * share)
            if grade.manual_score is None:
                grade.needs_manual_grade = grade.auto_score is None
            elif (seen or {}).get(task.name, result.basis) != result.basis:
                grade.needs_manual_grade = True
        _comment(notebook, task, result)
    book.db.commit()


def _grade(book: Gradebook, notebook: SubmittedNotebook, grade_id: str) -> Grade:
    """The grade of a cell; made where the lab got the cell after the submission was first recorded."""
    for grade in notebook.grades:
        if grade.name == grade_id:
            return grade
    cell = book.find_graded_cell(grade_id, notebook.name, notebook.assignment.name)
    grade = Grade(cell_id=cell.id, notebook=notebook)
    book.db.add(grade)
    return grade


def _comment(notebook: SubmittedNotebook, task: Task, result: Result) -> None:
    """The verdict, where nbgrader's pages show a comment of the machine's; a person's own comment stays beside it."""
    for comment in notebook.comments:
        if comment.name == task.name:
            comment.auto_comment = _on_written(result) if task.written else result.message


def _on_written(result: Result) -> str | None:
    """What formgrader says beside a written answer; nbgrader's own words where there is none."""
    return {"missing": "No response.", "partial": result.message}.get(result.status)


def scores(book: Gradebook, lab: Release) -> dict[tuple[str, str], Scores]:
    """(student, exercise) -> what is recorded."""
    tasks = {grade_id: task.name for task in lab.tasks for grade_id, _ in task.grade_cells}
    columns = (Grade.auto_score, Grade.manual_score, Grade.score, Grade.needs_manual_grade)
    rows = (
        book.db.query(SubmittedAssignment.student_id, BaseCell.name, *columns)
        .select_from(Grade)
        .join(BaseCell, Grade.cell_id == BaseCell.id)
        .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .filter(Assignment.name == lab.name)
    )
    cells: dict[tuple[str, str], list[tuple]] = {}
    for student, grade_id, *values in rows:
        if grade_id in tasks:
            cells.setdefault((student, tasks[grade_id]), []).append(tuple(values))
    return {key: _scores(values) for key, values in cells.items()}


def _scores(cells: list[tuple]) -> Scores:
    """cells: (automatic, by hand, score now, flagged) of each of nbgrader's cells of one exercise."""
    automatic = None if any(auto is None for auto, *_ in cells) else sum(auto for auto, *_ in cells)
    marked = [flagged for _, manual, _, flagged in cells if manual is not None]
    by_hand = sum(score or 0.0 for _, _, score, _ in cells) if marked else None
    return Scores(automatic, by_hand, any(marked))


def adopt_points(book: Gradebook, lab: Release) -> tuple[str, ...]:
    """Give the lab's cells their points of now, and marks by hand the same share of them; a sentence for each cell."""
    said = []
    for cell in lab.cells:
        if not cell.grade_id or not (cell.grade or cell.task):
            continue
        try:
            known = book.find_graded_cell(cell.grade_id, lab.name, lab.name)
        except MissingEntry:
            continue
        if known.max_score != cell.points:
            said += _adopt(book, known, cell.points)
    book.db.commit()
    return tuple(said)


def _adopt(book: Gradebook, known: BaseCell, points: float) -> list[str]:
    """One cell's new points; what there is to say where it has been graded before."""
    before, known.max_score = known.max_score, points
    grades = book.db.query(Grade).filter(Grade.cell_id == known.id).all()
    by_hand = [grade for grade in grades if grade.manual_score is not None]
    for grade in by_hand:
        grade.manual_score *= points / before if before else 1.0
        grade.needs_manual_grade = grade.needs_manual_grade or not before
    if not grades:
        return []
    how = "were rescaled with it" if before else "need another look, since a share of 0 cannot be rescaled"
    marks = f" {len(by_hand)} by hand {how}." if by_hand else ""
    return [f"{known.name} gives {points:g} points instead of {before:g}.{marks}"]


def comments(book: Gradebook, lab: Release) -> dict[str, dict[str, str]]:
    """student -> exercise -> what somebody wrote about it by hand."""
    rows = (
        book.db.query(SubmittedAssignment.student_id, BaseCell.name, Comment.manual_comment)
        .select_from(Comment)
        .join(BaseCell, Comment.cell_id == BaseCell.id)
        .join(SubmittedNotebook, Comment.notebook_id == SubmittedNotebook.id)
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .filter(Assignment.name == lab.name, Comment.manual_comment.is_not(None))
    )
    found: dict[str, dict[str, str]] = {}
    for student, exercise, words in rows:
        found.setdefault(student, {})[exercise] = words
    return found


def holds(found: dict[tuple[str, str], Scores], student: str, results: Sequence[Result], lab: Release) -> bool:
    """Is just this recorded?  Not where nbgrader's ``autograde`` has graded since, or nobody has."""
    written = {task.name for task in lab.tasks if task.written}
    for result in results:
        there = found.get((student, result.exercise))
        expected = result.score if result.exercise in written else result.score or 0.0
        if there is None or (there.automatic is None) != (expected is None):
            return False
        if expected is not None and abs(there.automatic - expected) > 1e-6:
            return False
    return True
