"""Which student of the class does each file of a download belong to?  By the system's number, and only then by name."""

from __future__ import annotations

from dataclasses import dataclass, field

from grader.school.download import Item
from grader.school.names import ANYBODY, CANVAS, FOLDER, MOODLE, Owner, name_keys, owner
from grader.school.roster import Roster, Student


@dataclass
class Matches:
    """by_folder: a student's folder -> file, owner, remark. nobodys: files that do not say whose they are."""

    by_folder: dict[str, list[tuple[Item, Owner, str]]] = field(default_factory=dict)
    nobodys: list[Item] = field(default_factory=list)


def match_all(items: list[Item], roster: Roster) -> Matches:
    """Every file to a student; whoever is not in the class is added to it, as a stranger."""
    made = Matches()
    files: dict[tuple[str, str], list[tuple[Item, Owner]]] = {}
    for item in items:
        who = owner(item.path)
        if who is None:
            made.nobodys.append(item)
        else:
            files.setdefault((who.system, who.id), []).append((item, who))
    found = {key: match(of_one[0][1], roster) for key, of_one in files.items()}
    claimed: dict[str, list[tuple[str, str]]] = {}
    for key, (student, _) in found.items():
        if student is not None:
            claimed.setdefault(student.folder, []).append(key)
    for key, of_one in files.items():
        student, note = found[key]
        if student is not None and len(claimed[student.folder]) > 1:
            numbers = ", ".join(number for _, number in claimed[student.folder])
            student, note = None, f"{len(claimed[student.folder])} hand in as {of_one[0][1].name!r} ({numbers})."
        if student is None:
            student = roster.add(_stranger(of_one[0][1]))
            note = f"{note} Not matched to the roster: kept under {student.folder}."
        lines = made.by_folder.setdefault(student.folder, [])
        lines += [(item, who, note if place == 0 else "") for place, (item, who) in enumerate(of_one)]
    return made


def match(who: Owner, roster: Roster) -> tuple[Student | None, str]:
    """The student, or None; and a remark, "" where nothing is to be said."""
    if who.system == FOLDER:
        return _by_folder(who, roster)
    agree = name_keys(who.name)
    if who.system == CANVAS:
        for student in roster.students:
            if student.canvas == who.id:
                other = bool(agree) and not agree & name_keys(student.name)
                return student, f"Canvas calls {student.name!r} {who.name!r} here." if other else ""
    else:
        for student in roster.students:
            if student.number == who.id:
                nameless = not student.name or agree & ANYBODY
                if nameless or agree & name_keys(student.name):
                    return student, ""
                return None, f"Number {who.id} is {student.name!r} on the roster, and the file says {who.name!r}."
    return _by_name(who, roster)


def _by_name(who: Owner, roster: Roster) -> tuple[Student | None, str]:
    called = [student for student in roster.called(who.name) if not _is_another(student, who)]
    if len(called) > 1:
        called = [student for student in called if student.id == who.id] or called
    if len(called) == 1:
        return called[0], ""
    if called:
        return None, f"{len(called)} students of the class are called {who.name!r}."
    return None, f"Nobody on the roster is called {who.name!r} or has the number {who.id}."


def _is_another(student: Student, who: Owner) -> bool:
    """Whether the system knows this student under another number."""
    if who.system == CANVAS:
        return bool(student.canvas)
    return bool(student.number) and who.system == MOODLE


def _by_folder(who: Owner, roster: Roster) -> tuple[Student | None, str]:
    for student in roster.students:
        address = student.email.casefold()
        names = {student.folder, student.id, student.login.casefold(), address, address.partition("@")[0]} - {""}
        if {who.name, who.name.casefold()} & names:
            return student, ""
    return _by_name(who, roster)


def _stranger(who: Owner) -> Student:
    """Somebody who is known from a download alone. Moodle's number means nothing in another lab."""
    if who.system == MOODLE:
        return Student("", who.name, on_roster=False, number=who.id)
    if who.system == CANVAS:
        return Student(who.id, who.name, canvas=who.id, on_roster=False)
    return Student("", who.name, on_roster=False)
