"""The exercises of all labs: of every module labNN in this folder, in order.

The mistake this prevents is a list to maintain: a new lab's module that nobody entered would leave its checks without
hidden tests, and nothing would say so.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from grader.exercise import Exercise
from utils.errors import CourseError


def find_modules(folder: Path) -> tuple[str, ...]:
    """The names of a folder's modules that hold a lab's exercises: lab04 is one, lab04_cases is not."""
    return tuple(sorted(path.stem for path in folder.glob("lab[0-9][0-9].py")))


EXERCISES: tuple[Exercise, ...] = tuple(
    exercise
    for name in find_modules(Path(__file__).parent)
    for exercise in importlib.import_module(f"{__name__}.{name}").EXERCISES
)


def get(name: str) -> Exercise:
    """The exercise of this name.  Raises CourseError that lists the known ones."""
    found = next((exercise for exercise in EXERCISES if exercise.name == name), None)
    if found is None:
        known = ", ".join(exercise.name for exercise in EXERCISES)
        raise CourseError(f"There is no exercise named {name!r}. There are: {known}.")
    return found
