"""Cells are found by the released lab; what a submission says of itself neither helps nor harms."""

import copy
import json

import nbformat
import pytest

from grader.marking import autograded
from grader.marking.matching import Plan, match, plan, read_release
from grader.notebook.notebooks import UnreadableError, parse
from tests.grader.fixture_lab import NAME, POINTS, RIGHT, WRITTEN, cell, honest, notebook, released, save_release
from utils.errors import CourseError


@pytest.fixture
def lab(tmp_path):
    return read_release(save_release(tmp_path))


def planned(lab, content: dict) -> Plan:
    return plan(lab, parse(json.dumps(content).encode()))


def test_points_and_exercises_come_from_the_release(lab):
    assert {task.name: task.points for task in lab.tasks} == POINTS | {WRITTEN: 5.0}
    assert [task.name for task in lab.tasks if task.written] == [WRITTEN]


def test_several_checks_of_one_function_add_up(tmp_path):
    cells = [
        cell("code", "def f(): ...", "f", solution=True),
        cell("code", "f()", "check_f", grade=True, points=2),
        cell("code", "f(1)", "more_of_f", grade=True, points=1),
    ]
    path = tmp_path / "lab.ipynb"
    path.write_text(json.dumps(notebook(cells)))
    (task,) = read_release(path).tasks
    assert (task.name, task.points, len(task.grade_cells)) == ("f", 3.0, 2)


def test_checks_and_long_training_are_not_run(lab):
    steps = planned(lab, honest()).steps
    assert not any("while True" in step.source or "check(" in step.source for step in steps)
    assert [name for step in steps for name in step.asks] == list(POINTS)


def test_an_exercise_is_asked_where_its_check_stands(lab):
    content = honest()
    content["cells"].append(cell("code", "def distillation_loss(): later"))
    steps = planned(lab, content).steps
    asked = next(index for index, step in enumerate(steps) if step.asks == ("distillation_loss",))
    assert "def distillation_loss" in steps[asked - 1].source
    assert "later" in steps[-1].source


def test_of_a_changed_training_cell_the_definitions_are_kept(lab):
    content = honest()
    content["cells"][-2]["source"] = "def helper(): return 1\nwhile True: pass"
    (step,) = [step for step in planned(lab, content).steps if "helper" in step.source]
    assert step.part == "definitions"


def test_a_tag_of_the_learner_s_own_leaves_nothing_out(lab):
    content = honest()
    for each in content["cells"]:
        each["metadata"]["tags"] = ["train"]
    whole = "".join(step.source for step in planned(lab, content).steps if step.part == "all")
    assert all(f"def {name}" in whole for name in RIGHT)


@pytest.mark.parametrize("what", ["grade_id", "id", "text"])
def test_a_cell_is_found_by_grade_id_by_id_or_by_text(lab, what):
    content = released()
    for each in content["cells"]:
        if what != "grade_id":
            each["metadata"] = {}
        if what != "id":
            each.pop("id")
        if what in ("grade_id", "id") and each["cell_type"] == "code":
            each["source"] += "\n# changed"
    pairs = match(lab.cells, parse(json.dumps(content).encode()))
    assert all(pairs.get(index) == index for index in range(len(lab.cells)) if lab.cells[index].grade_id)


def test_an_answer_is_found_by_the_name_it_defines(lab):
    cells = [cell("code", RIGHT["perplexity"]), cell("code", RIGHT["distillation_loss"])]
    for each in cells:
        each.pop("id")
    pairs = match(lab.cells, parse(json.dumps(notebook(cells)).encode()))
    assert [lab.cells[pairs[index]].grade_id for index in (0, 1)] == ["perplexity", "distillation_loss"]


def test_what_formgrader_shows_is_valid_complete_and_has_no_markup_of_the_learner_s(lab):
    content = honest()
    content["cells"] = [each for each in content["cells"] if each["id"] != "check_perplexity"]
    content["cells"][-1]["source"] = "<script>alert(1)</script> because"
    content["cells"].append(copy.deepcopy(content["cells"][2]))
    made = nbformat.from_dict(autograded.notebook(lab, parse(json.dumps(content).encode())))
    nbformat.validate(made)
    ids = [each.metadata["nbgrader"]["grade_id"] for each in made.cells if "nbgrader" in each.metadata]
    assert sorted(ids) == sorted(each.grade_id for each in lab.cells if each.grade_id)
    assert "<script>" not in json.dumps(made) and "because" in json.dumps(made)


def test_what_is_unusual_is_said(lab):
    content = honest()
    cells = content["cells"]
    cells.insert(3, copy.deepcopy(cells[2]))
    cells[:] = [each for each in cells if each["id"] != "check_perplexity"]
    cells[4]["source"] += "\npass"
    remarks = " ".join(planned(lab, content).remarks)
    assert "distillation_loss is there 2 times" in remarks
    assert "check_perplexity is missing" in remarks
    assert "check_distillation_loss was changed" in remarks
    assert not planned(lab, honest()).remarks


def test_the_written_answer_is_kept(lab):
    assert "target" in planned(lab, honest()).written[WRITTEN].text


def test_a_notebook_without_points_is_no_release(tmp_path):
    path = tmp_path / f"{NAME}.ipynb"
    path.write_text(json.dumps(notebook([cell("code", "x = 1")])))
    with pytest.raises(CourseError, match="no cell with points"):
        read_release(path)


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 200_000, b"\xff\xfe\x00"])
def test_what_is_no_notebook_is_said_in_a_sentence(content):
    with pytest.raises(UnreadableError, match=r"^It .*\.$"):
        parse(content)


WHOLE = json.dumps(released(), indent=1)
ODD = {
    "a zip": (b"PK\x03\x04\x14\x00", "not a notebook but a zip archive: unpack it"),
    "a gzip": (b"\x1f\x8b\x08\x00", "not a notebook but a compressed file"),
    "a PDF": (b"%PDF-1.7", "not a notebook but a PDF"),
    "git LFS": (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of git LFS: run `git lfs pull`"),
    "a page": (b"\n<!DOCTYPE html><html>Sign in</html>", "not a notebook but a web page"),
    "a merge": (WHOLE.replace("[", "[\n<<<<<<< HEAD\n", 1).encode(), "two versions that git could not merge"),
    "half": (WHOLE[: len(WHOLE) // 2].encode(), "cut short"),
    "half a text": (WHOLE[: WHOLE.index("A small lab")].encode(), "cut short"),
    "a comma": (WHOLE.replace(",", "", 1).encode(), r"cannot be read \(line 5: Expecting ',' delimiter\)"),
    "Latin 1": (b'{"cells": ["\xfc"]}', "not text in UTF-8"),
}


@pytest.mark.parametrize(("content", "words"), ODD.values(), ids=ODD)
def test_what_else_it_is_is_said(content, words):
    with pytest.raises(UnreadableError, match=rf"^It .*{words}.*\.$"):
        parse(content)


def test_a_copied_cell_of_the_lab_is_the_lab_s_own(lab):
    """A copy of the long training is not run, and one of a check asks nothing twice."""
    content = honest()
    content["cells"] = [copy.deepcopy(each) for each in content["cells"] for _ in range(2)]
    steps = planned(lab, content).steps
    assert not any("while True" in step.source for step in steps)
    assert [name for step in steps for name in step.asks] == list(POINTS)
