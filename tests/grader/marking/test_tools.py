"""However a notebook comes back from a learner's tool, every kind of exercise is found in it. Nothing runs here."""

import json

import pytest

from grader.marking import holdings
from grader.marking.matching import Plan, Release, plan, read_release
from grader.notebook.labs import labs_in
from grader.notebook.notebooks import parse
from tests.grader.fixture_lab import cell
from tests.grader.tools import TOOLS
from utils.machine.workspace import ROOT

ESSAY = "The teacher is frozen here, since it is the target that the student has to learn."
OWN = [
    cell("code", "def own_exercise(x):\n    raise NotImplementedError", "own_exercise", solution=True),
    cell("code", "assert own_exercise(1) == 2\nassert own_exercise(2) == 4", "test_own", grade=True, points=2),
]


@pytest.fixture(scope="module", params=labs_in(ROOT), ids=lambda lab: lab.name)
def lab_and_solved(request, tmp_path_factory) -> tuple[Release, dict]:
    """A real lab with an exercise of the instructor's own behind it, and a whole answer to it."""
    content, solved = (json.loads(path.read_text("utf-8")) for path in (request.param.released, request.param.solution))
    path = tmp_path_factory.mktemp("labs") / f"{request.param.name}.ipynb"
    path.write_text(json.dumps(content | {"cells": [*content["cells"], *OWN]}), encoding="utf-8")
    answers = {_marks(each).get("grade_id"): "".join(each["source"]) for each in solved["cells"]}
    answers["own_exercise"] = "def own_exercise(x):\n    return 2 * x"
    for each in (cells := [*content["cells"], *(dict(each) for each in OWN)]):
        if _marks(each).get("solution"):
            each["source"] = ESSAY if each["cell_type"] == "markdown" else answers[_marks(each)["grade_id"]]
    return read_release(path), content | {"cells": cells}


def _marks(each: dict) -> dict:
    return each["metadata"].get("nbgrader", {})


@pytest.mark.parametrize("name", TOOLS)
def test_every_exercise_is_found_asked_after_its_answer_and_every_essay_read(lab_and_solved, name):
    lab, solved = lab_and_solved
    cells = parse(json.dumps(TOOLS[name](solved)).encode())
    made = plan(lab, cells)
    assert holdings.other_lab(lab, [], cells) is None and holdings.held(lab, cells)
    for task in lab.tasks:
        if task.written:
            assert ESSAY.split()[0] in made.written[task.name].text and "learn." in made.written[task.name].text
        else:
            assert is_defined_when_asked(made, task.name), task.name


def is_defined_when_asked(made: Plan, name: str) -> bool:
    """Whether the answer's cell runs, the scaffold does not run behind it, and the exercise is not asked before."""
    defining = [number for number, step in enumerate(made.steps) if f"def {name}(" in step.source]
    asked = [number for number, step in enumerate(made.steps) if name in step.asks]
    answered = [number for number in defining if "raise NotImplementedError" not in made.steps[number].source]
    return bool(answered) and answered[-1] == defining[-1] and all(number > answered[-1] for number in asked)


@pytest.mark.parametrize("name", TOOLS)
def test_an_open_notebook_stays_open(lab_and_solved, name):
    lab, _ = lab_and_solved
    cells = parse(json.dumps(TOOLS[name](json.loads(lab.content))).encode())
    assert holdings.answered(lab, cells) == 0
