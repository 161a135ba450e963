"""Who is in the class?  Canvas' gradebook export, Moodle's lists, or a plain CSV with id, name and email.

Canvas (`GradebookExporter#csv_data`): ``Student,ID,[SIS User ID,]SIS Login ID,Section,…``, and above the students a row
of points and perhaps one of posting. Moodle's grading worksheet (`mod/assign/gradingtable.php`): ``Identifier`` such as
"Participant 4711", ``Full name``, ``Email address``, …, ``Last modified (submission)``, in the language of whoever
exports it. Moodle's list of participants has names and addresses only.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from grader.marking.plain_text import one_line
from grader.marking.tables import as_csv
from grader.school import spreadsheets
from grader.school.names import ascii_name, name_keys
from utils.errors import CourseError
from utils.machine.workspace import write_whole

FILE = "students.csv"
COLUMNS = ("folder", "id", "name", "login", "email", "section", "canvas", "on_roster")
IDENTIFIER = ("identifier", "id", "identificador", "identifiant", "identificativo", "id-nummer")
SUBMITTED = (
    "last modified (submission)", "submitted", "submitted_at", "zuletzt geändert (abgabe)",
    "zuletzt geändert (einreichung)", "última modificación (entrega)", "dernière modification (travail remis)",
    "ultima modifica (consegna)", "laatst gewijzigd (inzending)", "última atualização (submissão)",
)  # fmt: skip
_NAME = (
    "name",
    "full name",
    "fullname",
    "student",
    "student name",
    "vollständiger name",
    "nombre completo",
    "nom complet",
)
_FIRST = ("first name", "firstname", "given name", "vorname", "nombre", "prénom")
_LAST = ("last name", "lastname", "surname", "family name", "nachname", "apellido(s)", "nom", "nom de famille")
_EMAIL = ("email", "email address", "e-mail", "e-mail-adresse", "dirección de correo", "adresse de courriel")
_LOGIN = ("sis login id", "login", "username", "anmeldename")
_SECTION = ("section", "groups", "group", "gruppen")
_PARTICIPANT = re.compile(r"\D+?\s*(\d+)")
_ANONYMOUS = re.compile(r"student_[0-9a-f]{10}")
_NO_STUDENT = re.compile(r"\s*(points possible|manual posting.*|muted)?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Student:
    """One student. id: the school's own, or Canvas' where no list has another. canvas: Canvas' number.

    number: the participant's number in one Moodle assignment. submitted: when, as the list says it.
    """

    id: str
    name: str
    login: str = ""
    email: str = ""
    section: str = ""
    canvas: str = ""
    folder: str = ""
    on_roster: bool = True
    number: str = ""
    submitted: str = ""

    @property
    def is_anonymous(self) -> bool:
        """Whether the folder's name was made to say nothing."""
        return bool(_ANONYMOUS.fullmatch(self.folder))


def read_list(path: Path) -> list[Student]:
    """The students of one list, of whichever kind. Raises CourseError where it has no column of names or ids."""
    sheet = spreadsheets.read(path)
    canvas = _is_canvas(sheet)
    places = {
        "id": sheet.column("id") if canvas else sheet.column("id", "id number", "student id", "matrikelnummer"),
        "name": sheet.column(*_NAME), "first": sheet.column(*_FIRST), "last": sheet.column(*_LAST),
        "login": sheet.column(*_LOGIN), "email": sheet.column(*_EMAIL), "section": sheet.column(*_SECTION),
        "submitted": sheet.column(*SUBMITTED),
    }  # fmt: skip
    numbers = None if canvas else participants(sheet)
    if places["name"] is None and places["last"] is None and numbers is None:
        raise CourseError(
            f"{str(path)!r} has no column of names: it needs id, name and email, or is an export of Canvas' gradebook"
            f" or of Moodle. Its columns: {', '.join(sheet.header)[:200]}."
        )
    if numbers is not None and places["id"] == numbers:
        places["id"] = None
    found = []
    for row in sheet.rows:
        if canvas and (_NO_STUDENT.fullmatch(row[0]) or row[0].strip() == "Student, Test"):
            continue
        if student := _student(row, places, numbers, canvas):
            found.append(student)
    _refuse_twice(path, found)
    return found


def participants(sheet: spreadsheets.Sheet) -> int | None:
    """The column of a Moodle worksheet that holds "Participant 4711", in any language; None in another table."""
    place = sheet.column(*IDENTIFIER)
    if place is None:
        return None
    filled = [row[place] for row in sheet.rows if row[place]]
    return place if filled and all(_PARTICIPANT.fullmatch(cell.strip()) for cell in filled) else None


def number_of(cell: str) -> str:
    """4711 of "Participant 4711"; "" where there is none."""
    found = _PARTICIPANT.fullmatch(cell.strip())
    return found[1] if found else ""


def _is_canvas(sheet: spreadsheets.Sheet) -> bool:
    names = sheet.column("student") == 0 or sheet.column("lastname") == 0
    return names and sheet.column("id") is not None and sheet.column("section") is not None


def _student(row: list[str], places: dict[str, int | None], numbers: int | None, canvas: bool) -> Student | None:
    """The student of a row; None where it says nothing of anybody."""
    values = {key: one_line(row[place], 200) if place is not None else "" for key, place in places.items()}
    parts = [values["last"], values["first"]]
    name = values["name"] or ", ".join(part for part in parts if part)
    number = number_of(row[numbers]) if numbers is not None else ""
    submitted = "" if values["submitted"] in ("-", "") else values["submitted"]
    if not (name or number or values["id"] or values["login"] or values["email"]):
        return None
    return Student(
        values["id"], name, values["login"], values["email"], values["section"],
        values["id"] if canvas else "", number=number, submitted=submitted,
    )  # fmt: skip


def _refuse_twice(path: Path, students: Iterable[Student]) -> None:
    for kind in ("id", "email", "number"):
        seen: dict[str, Student] = {}
        for student in students:
            value = getattr(student, kind).casefold()
            other = seen.setdefault(value, student) if value else student
            if other is not student:
                raise CourseError(
                    f"{str(path)!r} has two students with the same {kind}, {value!r}: {other.name} and"
                    f" {student.name}. Mend the list; nothing was changed."
                )


class Roster:
    """The class: every student once, each with a folder. Lists are added one after the other.

    known: the class as it was. Strangers of it are no students that a list can mean; whoever is one again, or is on a
    list now, gets the folder back.
    """

    def __init__(self, known: Iterable[Student] = (), anonymous: bool = False):
        everybody = list(known)
        self.students = [student for student in everybody if student.on_roster]
        self.strangers = [student for student in everybody if not student.on_roster]
        self._anonymous = anonymous

    def add_list(self, path: Path) -> None:
        """Add what a list knows. Raises CourseError where two on it could be the same student of the class."""
        known = list(self.students)
        for student in read_list(path):
            same = _same(student, known)
            if len(same) > 1 or (same and same[0] not in self.students):
                raise CourseError(
                    f"Several students are called {student.name!r}, and {str(path)!r} has no id or e-mail address that"
                    " tells which of the class it means: export it with one of them."
                )
            if same:
                self._replace(same[0], student)
            else:
                self.add(student)

    def add(self, student: Student) -> Student:
        """A new student, who gets the folder of an earlier time, or one of a name that nobody has."""
        earlier = self._earlier(student)
        if earlier:
            self.strangers.remove(earlier)
        added = replace(student, folder=earlier.folder if earlier else self._unused(_folder(student)))
        self.students.append(added)
        return added

    def _earlier(self, student: Student) -> Student | None:
        """The stranger that this student was: by Canvas' number, by the folder's name, or as the only one called so."""
        if student.canvas:
            return next((other for other in self.strangers if other.canvas == student.canvas), None)
        keys = name_keys(student.name)
        called = [other for other in self.strangers if keys & name_keys(other.name) and not other.canvas]
        exact = [other for other in called if other.folder == _folder(student)]
        return next(iter(exact or called), None) if exact or len(called) == 1 else None

    def called(self, name: str) -> list[Student]:
        """Everybody who may be called so, however it is spelled."""
        keys = name_keys(name)
        return [student for student in self.students if keys & name_keys(student.name)]

    def _replace(self, old: Student, new: Student) -> None:
        fields = ("name", "login", "email", "section", "canvas", "number", "submitted")
        known = {field: getattr(new, field) or getattr(old, field) for field in fields}
        own = next((each.id for each in (new, old) if each.id and each.id != each.canvas), old.id or new.id)
        self.students[self.students.index(old)] = replace(old, **known, id=own, on_roster=True)

    def _unused(self, wanted: str) -> str:
        if self._anonymous:
            return f"student_{secrets.token_hex(5)}"
        taken = {other.folder.casefold() for other in (*self.students, *self.strangers)}
        count, folder = 1, wanted
        while folder.casefold() in taken:
            count += 1
            folder = f"{wanted}_{count}"
        return folder


def _folder(student: Student) -> str:
    """A name for a student's folder that is plain letters: the name, and whichever number there is."""
    words = (ascii_name(student.name)[:60], ascii_name(student.id or student.number)[:30])
    return "_".join(word for word in words if word) or "student"


def _same(student: Student, known: list[Student]) -> list[Student]:
    """Who of those that are known is this student: by id, by address, by login, and only then by name."""
    for kind in (_own_id, _canvas, _email, _login):
        value = kind(student)
        found = [other for other in known if value and kind(other) == value]
        if found:
            return found[:1]
    keys = name_keys(student.name)
    return [other for other in known if keys & name_keys(other.name) and not _differ(student, other)]


def _differ(one: Student, other: Student) -> bool:
    """Whether both have an id of the same kind, an address or a login, which then is not the same."""
    return any(kind(one) and kind(other) for kind in (_own_id, _canvas, _email, _login))


def _own_id(student: Student) -> str:
    return "" if student.id == student.canvas else student.id.casefold()


def _canvas(student: Student) -> str:
    return student.canvas


def _email(student: Student) -> str:
    return student.email.casefold()


def _login(student: Student) -> str:
    return student.login.casefold()


def load(folder: Path, anonymous: bool = False) -> Roster:
    """The class as an earlier intake kept it, or an empty one. Raises CourseError."""
    path = folder / FILE
    if not path.exists():
        return Roster(anonymous=anonymous)
    sheet = spreadsheets.read(path)
    if tuple(sheet.header) != COLUMNS:
        raise CourseError(f"{str(path)!r} is not a list that intake wrote: its columns differ from {COLUMNS}.")
    rows = [[cell.removeprefix("'") for cell in row] for row in sheet.rows]
    students = [
        Student(row[1], row[2], row[3], row[4], row[5], row[6], row[0], on_roster=row[7] == "yes") for row in rows
    ]
    return Roster(students, anonymous)


def save(folder: Path, roster: Roster) -> None:
    """Write the class: the map from a folder to a student, for the way back."""
    rows = [
        (s.folder, s.id, s.name, s.login, s.email, s.section, s.canvas, "yes" if s.on_roster else "no")
        for s in sorted((*roster.students, *roster.strangers), key=lambda student: student.folder.casefold())
    ]
    write_whole(folder / FILE, as_csv([COLUMNS, *rows]))
