"""The exercises of all labs, one module a lab."""

from __future__ import annotations

from grader.exercise import Exercise
from grader.exercises import lab01, lab02, lab03

EXERCISES: tuple[Exercise, ...] = (*lab01.EXERCISES, *lab02.EXERCISES, *lab03.EXERCISES)


def get(name: str) -> Exercise:
    """The exercise of this name; ValueError with the known ones otherwise."""
    found = next((exercise for exercise in EXERCISES if exercise.name == name), None)
    if found is None:
        known = ", ".join(exercise.name for exercise in EXERCISES)
        raise ValueError(f"There is no exercise named {name!r}. There are: {known}.")
    return found
