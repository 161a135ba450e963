"""An instructor's own exercise: assert cells run for their points, beside exercises that are judged."""

import copy
import functools
import json
import os
import re
import shutil
import sys
from dataclasses import replace
from types import SimpleNamespace

import nbformat
import pytest

from grader import exercises
from grader.exercise import Exercise
from grader.marking import marks
from grader.marking.assignment import with_hidden_tests
from grader.marking.journal import Entry
from grader.marking.judge import Result, grade, questions
from grader.marking.matching import Task, plan, read_release
from grader.notebook.build import prepare
from grader.notebook.notebooks import parse
from grader.sandbox.client import Sandbox
from grader.sandbox.limits import Limits
from grader.sandbox.process import ServerProcess
from tests.grader.conftest import SQUARES
from tests.grader.fixture_lab import NAME, POINTS, RIGHT, cell, released
from utils.machine.workspace import ROOT

CONFINED = sys.platform == "linux" and (shutil.which("bwrap") is not None or bool(os.environ.get("CI")))
LIMITS = Limits(cell_seconds=10.0, ask_seconds=20.0)
OWN = [
    cell("code", "LN2 = 0.5", "constants", locked=True),
    cell("code", "def bits(nats):\n    raise NotImplementedError", "bits", solution=True),
    cell("code", "assert abs(bits(LN2) - 1) < 1e-3", "check_bits", grade=True, locked=True, points=2.0),
    cell(
        "code",
        "import math\nassert math.isinf(bits(math.inf)), 'no bound'",
        "more",
        grade=True,
        locked=True,
        points=1.0,
    ),
]
MORE = cell("code", "assert callable(perplexity)", "extra_perplexity", grade=True, locked=True, points=1.0)
ANSWER = "def bits(nats):\n    return nats / LN2"


def lab_of(folder, content: dict):
    path = folder / NAME / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return read_release(path)


def with_own(answer: str, answers: dict | None = None) -> dict:
    """A submission to the small lab with the instructor's own cells behind it, and one behind `perplexity`."""
    content = released(answers or {})
    place = next(place for place, each in enumerate(content["cells"]) if each["id"] == "check_perplexity")
    content["cells"].insert(place + 1, MORE)
    content["cells"] += [each | {"source": answer} if each["id"] == "bits" and answer else each for each in OWN]
    return copy.deepcopy(content)


@pytest.fixture
def lab(tmp_path):
    return lab_of(tmp_path, with_own(""))


@pytest.fixture(scope="module", autouse=True)
def drawn_once():
    """Each exercise's probes and expected numbers, which take seconds, for all tests of this module."""

    @functools.cache
    def get(name: str) -> Exercise:
        exercise = exercises.get(name)
        return replace(exercise, table=functools.cache(exercise.table))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("grader.marking.judge.exercises", SimpleNamespace(get=get))
        yield


@pytest.fixture(scope="module")
def sandbox():
    with ServerProcess(CONFINED) as server, Sandbox(server) as opened:
        yield opened


def graded(sandbox, lab, content: dict, texts: dict | None = None) -> dict[str, Result]:
    made = plan(lab, parse(json.dumps(content).encode()))
    return {result.exercise: result for result in grade(lab, questions(lab, 7, texts), made, sandbox, LIMITS, 7)}


def test_assert_cells_of_one_function_are_one_exercise_and_those_of_a_judged_one_are_apart(lab):
    asserted = {task.name: task.grade_cells for task in lab.tasks if task.asserted}
    assert asserted == {
        "bits": (("check_bits", 2.0), ("more", 1.0)),
        "extra_perplexity": (("extra_perplexity", 1.0),),
    }
    assert {task.name for task in lab.tasks if not (task.asserted or task.written)} == set(POINTS)


def test_each_cell_is_worth_its_points_and_judged_ones_are_judged(sandbox, lab):
    found = graded(sandbox, lab, with_own(ANSWER, {"perplexity": RIGHT["perplexity"]}))
    scores = {name: (each.score, each.status) for name, each in found.items()}
    assert scores["bits"] == (3.0, "ok") and scores["extra_perplexity"] == (1.0, "ok")
    assert scores["perplexity"] == (3.0, "ok") and scores["train_step"] == (0.0, "missing")
    assert "not judged from outside" in found["bits"].message


WRONG = {
    "one assert fails": ("min(nats / LN2, 1e9)", 2.0, "partial", "more stopped with AssertionError: no bound"),
    "all fail": ("3", 0.0, "wrong", "check_bits stopped with AssertionError"),
    "not written": ("", 0.0, "missing", "NotImplementedError"),
    "it raises": ("1 / 0", 0.0, "wrong", "ZeroDivisionError"),
    "it never ends": ("[0 for _ in iter(int, 1)]", 0.0, "timeout", "it took longer"),
    "it ends the process": ("__import__('os')._exit(0)", 0.0, "crashed", "ended by itself"),
}


@pytest.mark.parametrize(("answer", "score", "status", "words"), WRONG.values(), ids=WRONG)
def test_what_fails_costs_its_cell_s_points_and_no_other(sandbox, lab, answer, score, status, words):
    own = f"def bits(nats):\n    return {answer}" if answer else ""
    found = graded(sandbox, lab, with_own(own, {"perplexity": RIGHT["perplexity"]}))
    assert (found["bits"].score, found["bits"].status) == (score, status)
    assert words in found["bits"].message
    assert found["perplexity"].score == 3.0


def test_a_function_whose_cell_is_gone_is_missing_and_not_wrong(sandbox, lab):
    content = with_own("")
    content["cells"] = [each for each in content["cells"] if each["id"] not in ("bits", "check_bits", "more")]
    found = graded(sandbox, lab, content)["bits"]
    assert (found.score, found.status) == (0.0, "missing") and "name 'bits' is not defined" in found.message


def test_the_lab_s_asserts_are_run_and_not_the_submission_s(sandbox, lab):
    content = with_own("def bits(nats):\n    return 3")
    for each in content["cells"]:
        each["source"] = each["source"].replace("assert abs", "print")
    assert graded(sandbox, lab, content)["bits"].score == 0.0


def test_a_later_cell_may_mend_the_function(sandbox, lab):
    content = with_own("")
    content["cells"].append(cell("code", ANSWER))
    assert graded(sandbox, lab, content)["bits"].score == 3.0


def test_hidden_tests_count_where_they_are_known(sandbox, lab):
    hidden = "### BEGIN HIDDEN TESTS\nassert bits(0) == 0\n### END HIDDEN TESTS"
    texts = {"check_bits": f"assert abs(bits(LN2) - 1) < 1e-3\n{hidden}"}
    constant = with_own("def bits(nats):\n    return max(nats / LN2, 1)")
    assert graded(sandbox, lab, constant)["bits"].score == 3.0
    assert graded(sandbox, lab, constant, texts)["bits"].score == 1.0


def test_other_points_of_one_cell_change_its_part_alone():
    result = Result("bits", 2.0, 3.0, "partial", "", (), (("check_bits", 2.0, 2.0), ("more", 1.0, 0.0)))
    task = Task("bits", False, (("check_bits", 4.0), ("more", 6.0)), 0, True)
    entry = marks.rescaled(Entry("ann", NAME, "key", 0.1, (result,), ()), [task])
    (found,) = entry.results
    assert (found.score, found.max_score) == (4.0, 10.0)
    assert found.parts == (("check_bits", 4.0, 4.0), ("more", 6.0, 0.0))


def test_the_example_of_the_docs_is_built_and_graded_with_its_hidden_tests(sandbox, tiny_lab, monkeypatch):
    page = (ROOT / "docs" / "grading.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.setattr("grader.marking.judge.exercises", SimpleNamespace(get=lambda name: SQUARES))
    tiny_lab.source.write_text(f"{tiny_lab.source.read_text(encoding='utf-8')}\n{example}", encoding="utf-8")
    built = prepare(tiny_lab)
    for path, content in ((tiny_lab.released, built.learner), (tiny_lab.solution, built.solution)):
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(content, path)
    lab = read_release(tiny_lab.released)
    texts = with_hidden_tests(lab, tiny_lab.solution)
    assert "BEGIN HIDDEN" in texts["check_bits_per_byte"] and "HIDDEN" not in tiny_lab.released.read_text()
    right = tiny_lab.solution.read_bytes()
    wrong = right.replace(b"return nats / math.log(2) / n_bytes", b"return max(nats / math.log(2) / n_bytes, 1)")
    scores = []
    for content in (right, wrong, tiny_lab.released.read_bytes()):
        results = grade(lab, questions(lab, 7, texts), plan(lab, parse(content)), sandbox, LIMITS, 7)
        scores.append(next(each.score for each in results if each.exercise == "bits_per_byte"))
    assert scores == [3.0, 0.0, 0.0]
