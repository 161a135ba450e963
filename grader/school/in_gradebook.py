"""What nbgrader's own gradebook knows of the school: extra credit is read from it, lateness is written into it.

So formgrader shows who was late, and `nbgrader export` lists the penalty, as nbgrader's own late plugin would have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from nbgrader.api import Assignment, Grade, Gradebook, SubmittedAssignment, SubmittedNotebook

from grader.school import grades as school
from grader.school.lateness import Lateness


def extra_credit(book: Gradebook) -> dict[tuple[str, str], float]:
    """(student, lab) -> what somebody gave beyond a part's points, where the part itself was not marked by hand.

    A mark by hand has its extra credit in the score that results.csv shows.
    """
    rows = (
        book.db.query(SubmittedAssignment.student_id, Assignment.name, Grade.extra_credit)
        .select_from(Grade)
        .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .filter(Grade.extra_credit.is_not(None), Grade.manual_score.is_(None))
    )
    found: dict[tuple[str, str], float] = {}
    for student, lab, extra in rows:
        found[student, lab] = found.get((student, lab), 0.0) + extra
    return found


def record(book: Gradebook, grades: Sequence[school.Grade]) -> None:
    """Write time and penalty of every submission in the gradebook, and the names of whoever is not anonymous."""
    students = {grade.student.folder: grade.student for grade in grades}
    for known in book.students:
        student = students.get(known.id)
        if student and not student.is_anonymous:
            last, _, first = student.name.partition(",")
            known.last_name, known.first_name, known.email = last.strip(), first.strip(), student.email
    wanted = {(grade.student.folder, lab): one.late for grade in grades for lab, one in grade.labs.items()}
    for submission in book.db.query(SubmittedAssignment).all():
        late = wanted.get((submission.student.id, submission.assignment.name))
        if late:
            _record(submission, late)
    book.db.commit()


def _record(submission: SubmittedAssignment, late: Lateness) -> None:
    submission.timestamp = _naive(late.submitted) or submission.timestamp
    usual = submission.assignment.duedate
    submission.extension = (_naive(late.due) - usual or None) if late.due and usual else None
    for notebook in submission.notebooks:
        notebook.late_submission_penalty = late.penalty or None


def set_deadlines(book: Gradebook, deadlines: Mapping[str, datetime | None]) -> None:
    """lab -> the deadline for everybody."""
    for assignment in book.assignments:
        due = deadlines.get(assignment.name)
        if due:
            assignment.duedate = _naive(due)
    book.db.commit()


def address(out: Path, db: str | None) -> str | None:
    """The gradebook that belongs to a grading, None where there is none."""
    return db or (str(out / "gradebook.db") if (out / "gradebook.db").is_file() else None)


def _naive(time: datetime | None) -> datetime | None:
    """In UTC and without saying so, as nbgrader keeps times."""
    return time.astimezone(UTC).replace(tzinfo=None) if time else None
