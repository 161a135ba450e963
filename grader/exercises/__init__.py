"""The exercises of all labs, one specification each: found in the folders ``labNN``, in order, and listed nowhere.

Every module of a folder ``labNN`` that has an ``EXERCISE`` is one; other modules there serve it. In a lab the exercises
keep the order of the file names' numbers or, without any, of the alphabet.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from grader.exercise import Exercise
from utils.errors import CourseError

FOLDER = Path(__file__).parent


def find_modules(folder: Path) -> tuple[str, ...]:
    """The dotted names of the modules that specify an exercise, such as lab04.verify; a package may be one too."""
    return tuple(_specifying(folder))


def _specifying(folder: Path) -> Iterator[str]:
    for lab in sorted(path for path in folder.glob("lab[0-9][0-9]") if path.is_dir()):
        for path in sorted(lab.iterdir()):
            source = path / "__init__.py" if path.is_dir() else path
            if source.suffix == ".py" and source.is_file() and "\nEXERCISE = " in source.read_text(encoding="utf-8"):
                yield f"{lab.name}.{path.stem}"


@cache
def all_exercises() -> tuple[Exercise, ...]:
    """Every exercise, in the order of the labs.  Raises CourseError for a wrong folder or a name twice."""
    found = []
    for module in find_modules(FOLDER):
        exercise = importlib.import_module(f"{__name__}.{module}").EXERCISE
        if f"lab{exercise.lab}" != module.partition(".")[0]:
            raise CourseError(f"grader/exercises/{module.replace('.', '/')} says lab {exercise.lab!r}; move it there.")
        twin = next((other for other in found if other.name == exercise.name), None)
        if twin is not None:
            raise CourseError(
                f"Labs {twin.lab} and {exercise.lab} both have an exercise {exercise.name!r}: rename one."
            )
        found.append(exercise)
    return tuple(found)


def get(name: str) -> Exercise:
    """The exercise of this name.  Raises CourseError that lists the known ones."""
    found = next((exercise for exercise in all_exercises() if exercise.name == name), None)
    if found is None:
        known = ", ".join(exercise.name for exercise in all_exercises())
        raise CourseError(f"There is no exercise named {name!r}. There are: {known}.")
    return found
