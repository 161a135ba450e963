"""Which lab and which exercise is a test about?  Told by its parameters, by its own text, and by where it lies.

So a new lab's tests have their marks without anybody writing them: `lab_04`, and the name of each of its exercises.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from grader.notebook.labs import labs_in
from utils.machine.workspace import ROOT

LONGEST = {"browser", "notebooks"}  # folders of tests that run whole labs: they start first, so that nobody waits


@cache
def exercises() -> dict[str, str]:
    """The number of the lab of every exercise."""
    return {name: lab.number for lab in labs_in(ROOT) for name in lab.exercises}


@cache
def labs() -> dict[str, str]:
    """The number of every lab, by each name that a test may call it."""
    names = {}
    for lab in labs_in(ROOT):
        names |= dict.fromkeys(
            (lab.name, f"lab{lab.number}", f"lab_{lab.number}", f"lab_{int(lab.number)}"), lab.number
        )
    return names


def marks_of(path: Path, function: Callable, parameters: str) -> set[str]:
    """The marks of one test.  parameters: what pytest puts into brackets behind its name."""
    code, title = function.__code__, function.__name__
    places = {part.removeprefix("test_").removesuffix(".py") for part in path.parts}
    words = {*places, *parameters.split("-"), *code.co_names}
    words |= {value for value in code.co_consts if isinstance(value, str)}
    about = words & exercises().keys()
    numbers = {number for name, number in labs().items() if name in words or re.search(rf"_{name}(_|$)", title)}
    return about | {f"lab_{number}" for number in numbers | {exercises()[name] for name in about}}


def add_marks(item: pytest.Item) -> None:
    parameters = item.callspec.id if hasattr(item, "callspec") else ""
    for name in marks_of(item.path.relative_to(item.config.rootpath), item.function, parameters):
        item.add_marker(name)


def scope_of(nodeid: str) -> str:
    """What one worker takes at a time: a file of tests, and of a file that runs labs, the tests of one lab."""
    file, _, rest = nodeid.partition("::")
    of_lab = next((lab.name for lab in labs_in(ROOT) if lab.name in rest), "")
    return f"{file}@{of_lab}"


def runs_later(item: pytest.Item) -> bool:
    return LONGEST.isdisjoint(item.path.relative_to(item.config.rootpath).parts)
