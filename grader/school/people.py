"""Whose grade belongs to a row of a system's list?  By the system's number, else by address or login, else by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.school.grades import Grade
from grader.school.names import name_keys


@dataclass(frozen=True)
class Person:
    """One row. key: the system's number. address: e-mail or login."""

    key: str
    name: str
    address: str = ""


def owners_of(people: Sequence[Person], known: Mapping[str, str], grades: Sequence[Grade]) -> dict[str, Grade]:
    """Number -> grade. known: number -> folder. Whoever could be two people is nobody."""
    by_folder = {grade.student.folder: grade for grade in grades}
    found = {person.key: by_folder[known[person.key]] for person in people if known.get(person.key) in by_folder}
    taken = {grade.student.folder for grade in found.values()}
    free = [grade for grade in grades if grade.student.folder not in taken]
    left = [person for person in people if person.key and person.key not in found]
    for fits in (_by_address, _by_name):
        claims = {person.key: [grade for grade in free if fits(person, grade)] for person in left}
        claimed = [grade.student.folder for of_one in claims.values() for grade in of_one]
        for key, of_one in claims.items():
            if len(of_one) == 1 and claimed.count(of_one[0].student.folder) == 1:
                found[key] = of_one[0]
        taken = {grade.student.folder for grade in found.values()}
        free = [grade for grade in free if grade.student.folder not in taken]
        left = [person for person in left if person.key not in found]
    return found


def _by_address(person: Person, grade: Grade) -> bool:
    known = {grade.student.email.casefold(), grade.student.login.casefold()} - {""}
    return person.address.casefold() in known


def _by_name(person: Person, grade: Grade) -> bool:
    return bool(name_keys(person.name) & name_keys(grade.student.name))
