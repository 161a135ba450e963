"""Grades as Canvas and Moodle take them: their own export, with the lab's column filled in.

Both find a student by the id in their own file, so that file is the template: nothing in it but grades is changed.
Canvas (`GradebookImporter` in instructure/canvas-lms) reads ``Student, ID, …, Section`` and a column called
"Title (id)"; the row "Points Possible" would change an assignment's points and is kept as it is. It knows ``;`` and the
decimal comma by itself. Moodle's worksheet (`assignfeedback_offline_grade_importer` in moodle/moodle) needs Identifier,
Grade and Last modified (grade), and skips a grade that is empty, below 0 or above the maximum.
A grade with parts that still wait to be marked is not one yet: its cell stays as it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.marking.tables import as_csv
from grader.school import spreadsheets
from grader.school.grades import ABSENT, Grade, LabGrade, number
from grader.school.intake import Row
from grader.school.names import CANVAS, MOODLE
from grader.school.people import Person, owners_of
from grader.school.roster import IDENTIFIER, number_of
from utils.errors import CourseError
from utils.machine.workspace import write_whole

_GRADE = ("grade", "bewertung", "calificación", "note", "valutazione", "cijfer", "nota")
_MAXIMUM = (
    "maximum grade", "maximum mark", "bestwertung", "maximale bewertung", "calificación máxima", "note maximale",
    "valutazione massima", "maximumcijfer", "nota máxima",
)  # fmt: skip
_MODIFIED = (
    "last modified (grade)", "zuletzt geändert (bewertung)", "última modificación (calificación)",
    "dernière modification (note)", "ultima modifica (valutazione)", "laatst gewijzigd (beoordeling)",
)  # fmt: skip
_CANVAS_OWN = (
    "student",
    "lastname",
    "firstname",
    "id",
    "sis user id",
    "sis login id",
    "integration id",
    "root account",
)


@dataclass(frozen=True)
class Made:
    """What an export came to. waiting: whose grade is not one yet. unknown: rows of whom no grade is known."""

    path: Path
    filled: int
    waiting: tuple[str, ...]
    unknown: tuple[str, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    """decimal: the mark before fractions. absent_zero: nothing handed in is a 0, and not an empty cell."""

    decimal: str = "."
    absent_zero: bool = False


def canvas(
    template: Path,
    out: Path,
    grades: Sequence[Grade],
    titles: Mapping[str, Sequence[str]],
    rows: Sequence[Row],
    settings: Settings,
) -> Made:
    """Fill Canvas' gradebook export. titles: lab -> what its assignment may be called. Raises CourseError."""
    sheet = spreadsheets.read(template)
    place, section, name = sheet.column("id"), sheet.column("section"), sheet.column("student", "lastname")
    if place is None or section is None or name is None:
        raise CourseError(f"{str(template)!r} is not Canvas' gradebook export: it lacks Student, ID or Section.")
    columns = {lab: section + 1 + _assignment(template, sheet.header[section + 1 :], of) for lab, of in titles.items()}
    possible = next((row for row in sheet.rows if "points possible" in row[0].casefold()), [""] * len(sheet.header))
    students = [row for row in sheet.rows if row[place].strip() and row[0].strip() != "Student, Test"]
    known = {row.id: row.folder for row in rows if row.system == CANVAS}
    known |= {grade.student.canvas: grade.student.folder for grade in grades if grade.student.canvas}
    login = sheet.column("sis login id")
    first = sheet.column("firstname")
    people = [
        Person(row[place].strip(), f"{row[name]} {row[first] if first is not None else ''}", _at(row, login))
        for row in students
    ]
    owners = owners_of(people, known, grades)
    fill = _Filling(settings)
    for row, person in zip(students, people, strict=True):
        grade = owners.get(person.key)
        for lab, column in columns.items():
            one = grade.labs.get(lab) if grade else None
            row[column] = fill.cell(row[0], one, possible[column], row[column])
    kept = [*range(section + 1), *sorted(columns.values())]
    table = [[row[index] for index in kept] for row in (sheet.header, *sheet.rows)]
    return fill.write(out, table, sheet.delimiter)


def moodle(
    template: Path, out: Path, grades: Sequence[Grade], lab: str, rows: Sequence[Row], settings: Settings
) -> Made:
    """Fill Moodle's grading worksheet of one assignment. rows: of the lab's intake. Raises CourseError."""
    sheet = spreadsheets.read(template)
    found = {
        "Identifier": sheet.column(*IDENTIFIER), "Grade": sheet.column(*_GRADE),
        "Last modified (grade)": sheet.column(*_MODIFIED),
    }  # fmt: skip
    missing = [name for name, column in found.items() if column is None]
    if missing:
        raise CourseError(
            f"{str(template)!r} is not Moodle's grading worksheet: it has no column {missing[0]!r} (it has:"
            f" {', '.join(sheet.header)[:200]}). Export it with Moodle set to English."
        )
    place, column, modified = found.values()
    maximum = sheet.column(*_MAXIMUM)
    name, email = sheet.column("full name", "vollständiger name"), sheet.column("email address", "e-mail-adresse")
    people = [Person(number_of(row[place]), _at(row, name), _at(row, email)) for row in sheet.rows]
    known = {row.id: row.folder for row in rows if row.system == MOODLE}
    owners = owners_of(people, known, grades)
    fill = _Filling(settings)
    for row, person in zip(sheet.rows, people, strict=True):
        grade = owners.get(person.key)
        one = grade.labs.get(lab) if grade else None
        row[column] = fill.cell(row[place], one, row[maximum] if maximum is not None else "", row[column])
    return fill.write(out, [sheet.header, *sheet.rows], sheet.delimiter, trusted=modified + 1)


class _Filling:
    """One export while it is filled."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._filled = 0
        self._waiting: list[str] = []
        self._unknown: list[str] = []
        self._over: list[str] = []
        self._remarks: dict[str, None] = {}

    def cell(self, who: str, grade: LabGrade | None, possible: str, before: str) -> str:
        """What stands in a student's cell. possible: the points that the system counts to."""
        if grade is None:
            self._unknown.append(who)
            return before
        if grade.waiting:
            self._waiting.append(who)
            return before
        if grade.status == ABSENT and not self._settings.absent_zero:
            return before
        self._filled += 1
        points, most = self._scaled(grade, possible), _number(possible)
        if most and points > most + 1e-9:
            self._over.append(who)
        return number(points, self._settings.decimal)

    def _scaled(self, grade: LabGrade, possible: str) -> float:
        counts_to = _number(possible)
        if not counts_to or not grade.maximum or abs(counts_to - grade.maximum) < 1e-9:
            return grade.points
        self._remarks[
            f"The system counts to {counts_to:g} and {grade.lab} to {grade.maximum:g}: grades are scaled."
        ] = None
        return grade.points * counts_to / grade.maximum

    def write(self, out: Path, table: list[list[str]], delimiter: str, trusted: int | None = None) -> Made:
        """trusted: from which column on cells are the instructor's own words, which go back as they came."""
        text = as_csv(table, delimiter) if trusted is None else _with_own_words(table, delimiter, trusted)
        write_whole(out, text)
        if self._over:
            names = ", ".join(self._over[:5])
            skipped = ", which Moodle skips" if trusted is not None else ""
            self._remarks[f"{len(self._over)} are above the maximum{skipped}: {names}."] = None
        return Made(out, self._filled, tuple(self._waiting), tuple(self._unknown), tuple(self._remarks))


def _with_own_words(table: list[list[str]], delimiter: str, trusted: int) -> str:
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    safe = csv.reader(io.StringIO(as_csv([row[:trusted] for row in table], delimiter), newline=""), delimiter=delimiter)
    writer.writerows([*left, *row[trusted:]] for left, row in zip(safe, table, strict=True))
    return text.getvalue()


def _assignment(template: Path, header: list[str], wanted: Sequence[str]) -> int:
    """The place of the one assignment whose title is one of these, or holds its words."""
    titles = [re.sub(r"\s*\(\d+\)$", "", title).strip() for title in header]
    found: list[int] = []
    for words in wanted:
        holds = re.compile(rf"(?<!\w){re.escape(words)}(?!\w)", re.IGNORECASE)
        exact = [place for place, title in enumerate(titles) if title.casefold() == words.casefold()]
        found = exact or [place for place, title in enumerate(titles) if holds.search(title)]
        if len(found) == 1:
            return found[0]
    problem = "no assignment" if not found else f"{len(found)} assignments"
    raise CourseError(
        f"{str(template)!r} has {problem} with {wanted[0]!r} in the title (there are: {', '.join(titles)[:300]}). Say"
        " which it is: --title 02='its title'."
    )


def _at(row: list[str], place: int | None) -> str:
    return row[place] if place is not None else ""


def _number(text: str) -> float | None:
    """The number in a cell, with or without thousands apart, in any locale; None where it is none.

    "1,000" is a thousand: no system writes a maximum with three decimals.
    """
    found = re.fullmatch(r"([1-9]\d{0,2}(?:([.,'\s])\d{3})(?:\2\d{3})*|\d+)(?:[.,](\d+))?", text.strip())
    if not found:
        return None
    return float(f"{re.sub(r'[^0-9]', '', found[1])}.{found[3] or 0}")
