"""Where do scores live?  In nbgrader's own gradebook, so that formgrader, feedback and export read them as usual.

A score by machine never replaces one by hand: as nbgrader does, a new automatic score leaves a manual one in place and
marks it for a second look. The mistake this prevents: grading again, and losing an afternoon of marking.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from nbgrader.api import Grade, Gradebook, MissingEntry, SubmittedNotebook
from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import SQLAlchemyError

from grader.judge import Result
from grader.matching import Release, Task
from utils.errors import CourseError


@contextmanager
def opened(url: str) -> Iterator[Gradebook]:
    """nbgrader's gradebook at a database URL; a file's path will do. Raises CourseError in a sentence."""
    address = url if "://" in url else f"sqlite:///{url}"
    programs = os.path.dirname(sys.executable)
    if programs not in os.environ.get("PATH", "").split(os.pathsep):  # nbgrader calls alembic by its name
        os.environ["PATH"] = os.pathsep.join([programs, os.environ.get("PATH", "")])
    try:
        _refuse_foreign(address)
        book = Gradebook(address)
    except CourseError:
        raise
    except Exception as error:  # SQLAlchemy and its drivers raise many kinds
        raise _complaint(url, error) from error
    try:
        yield book
    except SQLAlchemyError as error:
        book.db.rollback()
        raise _complaint(url, error) from error
    finally:
        book.close()


def _refuse_foreign(address: str) -> None:
    """nbgrader would add its tables to any database; one that holds somebody else's is left alone."""
    engine = create_engine(address)
    try:
        tables = set(inspect(engine).get_table_names())
    finally:
        engine.dispose()
    if tables and not {"alembic_version", "submitted_assignment", "grade"} <= tables:
        raise CourseError(f"{address!r} is a database but no gradebook of nbgrader's: choose another with --db.")


def _complaint(url: str, error: Exception) -> CourseError:
    reason = str(getattr(error, "orig", None) or error).splitlines()[0][:200]
    return CourseError(
        f"The gradebook {url!r} cannot be used ({reason}). Is it nbgrader's, writable, and is there space?"
        " Another one: --db URL."
    )


def prepare(book: Gradebook, lab: Release) -> None:
    """Make the assignment with its cells and maximum scores, from the released lab alone."""
    book.update_or_create_assignment(lab.name)
    book.update_or_create_notebook(lab.name, lab.name)
    for cell in lab.cells:
        where = {"notebook": lab.name, "assignment": lab.name}
        if not cell.grade_id:
            continue
        kind = "code" if cell.kind == "code" else "markdown"
        if cell.task:
            book.update_or_create_task_cell(cell.grade_id, **where, max_score=cell.points, cell_type=kind)
        elif cell.grade:
            book.update_or_create_grade_cell(cell.grade_id, **where, max_score=cell.points, cell_type=kind)
        if cell.solution:
            book.update_or_create_solution_cell(cell.grade_id, **where)
        settings = {"source": cell.source, "cell_type": kind, "locked": cell.locked}
        book.update_or_create_source_cell(cell.grade_id, **where, **settings)


def record(book: Gradebook, lab: Release, student: str, results: Sequence[Result]) -> None:
    """Write one submission's automatic scores, all of them or none."""
    book.update_or_create_student(student)
    with warnings.catch_warnings(), book.db.no_autoflush:
        warnings.simplefilter("ignore")  # SQLAlchemy remarks on the order in which nbgrader adds parts
        submission = book.update_or_create_submission(lab.name, student)
    notebook = submission.notebooks[0]
    tasks = {task.name: task for task in lab.tasks}
    for result in results:
        task = tasks[result.exercise]
        for grade_id, points in task.grade_cells:
            grade = _grade(book, notebook, grade_id)
            share = points / task.points if task.points else 0.0
            if task.written:
                grade.auto_score = None if result.status == "ok" else 0.0
            else:
                grade.auto_score = (result.score or 0.0) * share
            grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
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
            missing = "No response." if result.status == "missing" else None
            comment.auto_comment = missing if task.written else result.message


def manual_scores(book: Gradebook, lab: Release) -> dict[tuple[str, str], float]:
    """(student, exercise) -> its score now, for every one of which somebody marked a cell by hand."""
    cells = {grade_id: task.name for task in lab.tasks for grade_id, _ in task.grade_cells}
    try:
        book.find_assignment(lab.name)
    except MissingEntry:
        return {}
    found: dict[tuple[str, str], list[Grade]] = {}
    for submission in book.assignment_submissions(lab.name):
        for notebook in submission.notebooks:
            for grade in notebook.grades:
                name = cells.get(grade.name)
                if name:
                    found.setdefault((submission.student_id, name), []).append(grade)
    return {
        key: sum(grade.score or 0.0 for grade in grades)
        for key, grades in found.items()
        if any(grade.manual_score is not None for grade in grades)
    }


def recorded_students(book: Gradebook, lab: Release) -> set[str]:
    """Who has an entry for this lab."""
    try:
        return {submission.student_id for submission in book.assignment_submissions(lab.name)}
    except MissingEntry:
        return set()
