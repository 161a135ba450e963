"""grades.csv: one row for each student of the class, also of those who handed nothing in.

From results.csv, the class that `intake` wrote, and the policy for late work. A total counts what is marked; how many
parts still wait for a person stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.marking import results
from grader.marking.marks import STALE, WAITING
from grader.marking.tables import as_csv
from grader.school.intake import Row
from grader.school.lateness import Lateness, Policy
from grader.school.roster import Student
from utils.machine.workspace import write_whole

ABSENT, GRADED = "absent", "graded"


@dataclass(frozen=True)
class LabGrade:
    """One student's lab. earned: with extra credit, before the penalty. waiting: parts that a person has to mark."""

    lab: str
    earned: float
    maximum: float
    extra: float = 0.0
    waiting: int = 0
    late: Lateness = field(default_factory=Lateness)
    status: str = GRADED

    @property
    def points(self) -> float:
        return round(max(0.0, self.earned - self.late.penalty), 4)


@dataclass(frozen=True)
class Grade:
    """One student with a grade for each lab."""

    student: Student
    labs: Mapping[str, LabGrade]

    @property
    def total(self) -> float:
        return round(sum(grade.points for grade in self.labs.values()), 4)

    @property
    def waiting(self) -> int:
        return sum(grade.waiting for grade in self.labs.values())


def compute(
    rows: Iterable[Mapping[str, str]],
    students: Sequence[Student],
    intake: Mapping[str, Sequence[Row]],
    policy: Policy,
    extra: Mapping[tuple[str, str], float],
) -> list[Grade]:
    """A grade for everybody in the class, and for every graded folder that is not in it.

    rows: of results.csv. intake: of each lab. extra: (folder, lab) -> extra credit that the rows lack.
    """
    marks: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for row in rows:
        marks.setdefault((row["student"], row["lab"]), []).append(row)
    maxima = {lab: sum(float(row["max_score"]) for row in of_one) for (_, lab), of_one in marks.items()}
    known = {student.folder for student in students}
    others = sorted({folder for folder, _ in marks} - known)
    everybody = [*students, *(Student("", "", folder=folder, on_roster=False) for folder in others)]
    handed_in = {(row.folder, lab): row for lab, of_lab in intake.items() for row in _by_importance(of_lab, lab)}
    found = []
    for student in sorted(everybody, key=lambda student: (student.name or student.folder).casefold()):
        labs = {}
        for lab in sorted(maxima):
            key = (student.folder, lab)
            labs[lab] = _lab_grade(
                lab, student, marks.get(key), maxima[lab], handed_in.get(key), policy, extra.get(key)
            )
        found.append(Grade(student, labs))
    return found


def _by_importance(rows: Sequence[Row], lab: str) -> list[Row]:
    """The rows with the lab's notebook last, so that it is the one that counts for its student."""
    return sorted(rows, key=lambda row: row.kept_as.endswith(f"/{lab}.ipynb"))


def _lab_grade(
    lab: str,
    student: Student,
    marks: list[Mapping[str, str]] | None,
    maximum: float,
    row: Row | None,
    policy: Policy,
    extra: float | None,
) -> LabGrade:
    if marks is None:
        return LabGrade(lab, 0.0, maximum, status=ABSENT)
    extra = extra or 0.0
    earned = sum(float(mark["score"]) for mark in marks if mark["score"]) + extra
    waiting = sum(not mark["score"] or mark["status"] in (WAITING, STALE) for mark in marks)
    late = policy.judge(lab, student, row, earned, maximum)
    return LabGrade(lab, round(earned, 4), maximum, extra, waiting, late)


def write(path: Path, grades: Sequence[Grade], decimal: str = ".") -> None:
    """Write grades.csv. decimal: "," also separates the columns by semicolons, as spreadsheets of such countries do."""
    labs = list(grades[0].labs) if grades else []
    columns = [
        "student",
        "id",
        "name",
        "login",
        "email",
        "section",
        "canvas",
        "on_roster",
        "total",
        "maximum",
        "waiting",
    ]
    for lab in labs:
        parts = ("", "maximum", "earned", "extra", "submitted", "hours late", "penalty", "waiting", "status")
        columns += [f"{lab} {part}".strip() for part in parts]
    rows = [_row(grade, labs, decimal) for grade in grades]
    write_whole(path, as_csv([columns, *rows], ";" if decimal == "," else ","))


def number(value: float, decimal: str = ".") -> str:
    """A number of points with at most two digits behind the mark, as both systems keep it."""
    return f"{value:.2f}".rstrip("0").rstrip(".").replace(".", decimal)


def _row(grade: Grade, labs: Sequence[str], decimal: str) -> list[str]:
    who = grade.student
    maximum = sum(grade.labs[lab].maximum for lab in labs)
    cells = [
        who.folder,
        who.id,
        who.name,
        who.login,
        who.email,
        who.section,
        who.canvas,
        "yes" if who.on_roster else "no",
    ]
    cells += [number(grade.total, decimal), number(maximum, decimal), str(grade.waiting)]
    for lab in labs:
        one = grade.labs[lab]
        if one.status == ABSENT:
            cells += ["", number(one.maximum, decimal), "", "", "", "", "", "", ABSENT]
            continue
        when = one.late.submitted.isoformat(sep=" ", timespec="minutes") if one.late.submitted else ""
        hours = "" if one.late.seconds is None else number(one.late.seconds / 3600, decimal)
        cells += [number(value, decimal) for value in (one.points, one.maximum, one.earned, one.extra)]
        cells += [when, hours or ("late" if one.late.note else ""), number(one.late.penalty, decimal)]
        cells += [str(one.waiting), one.status]
    return cells


def read_results(out: Path) -> list[dict[str, str]]:
    """The rows that `grade` wrote. Raises CourseError."""
    return results.read(out / "results.csv")
