"""A notebook that stands alone in Colab's stead runs from top to bottom, and its host is what it was."""

import copy
import json
import os
import re
import shutil
import subprocess

import pytest

from benchmarks import bootstrap
from benchmarks.common import RESULTS
from grader.notebook.assemble import TEMPLATE
from grader.notebook.build import prepare
from grader.notebook.labs import labs_in
from utils.machine.workspace import ROOT

LABS = labs_in(ROOT)


@pytest.fixture(scope="module")
def recorded() -> dict:
    return json.loads((RESULTS / "bootstrap.json").read_text(encoding="utf-8"))


def test_the_size_that_the_first_cell_announces_was_measured(recorded):
    announced = int(re.search(r"about (\d+) MB", TEMPLATE.read_text(encoding="utf-8"))[1])
    assert 0.8 < recorded["fetched_mb"] / announced < 1.25


def test_the_host_was_left_alone(recorded):
    assert recorded["host_untouched"] and recorded["replaced"] == []
    assert [row["run"] for row in recorded["rows"]][:2] == ["first", "second"]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """An interpreter that stands for Colab's, an empty folder with a name of its own, and the course's address."""
    home = tmp_path_factory.mktemp("alone")
    try:
        python = bootstrap.make_host(home / "host")
    except subprocess.CalledProcessError:
        assert not os.environ.get("CI"), "CI must reach a package index"
        pytest.skip("there is no package index with the host's packages")
    folder = home / "Für Łucja, 学"
    folder.mkdir()
    return python, folder, bootstrap.make_repository(home / "course.git")


@pytest.mark.nightly
def test_the_first_run_adds_what_is_missing_and_replaces_nothing_and_the_second_does_nothing(alone):
    python, folder, address = alone
    before = bootstrap.versions(python)
    first = bootstrap.run_set_up(python, folder, address)
    assert first.code == 0, first.errors
    after = bootstrap.versions(python)
    changed = bootstrap.changes(before, after)
    assert any(name.startswith("transformers 5.") for name in changed["installed"]) and changed["replaced"] == []
    second = bootstrap.run_set_up(python, folder, address)
    assert second.code == 0 and "Installing" not in second.said and "Fetching" not in second.said
    assert bootstrap.versions(python) == after


@pytest.mark.nightly
@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
@pytest.mark.parametrize("solved", [True, False], ids=["solved", "open"])
def test_a_lone_notebook_runs_top_to_bottom(alone, lab, solved):
    python, folder, address = alone
    built = prepare(lab)
    notebook = copy.deepcopy(built.learner)
    answers = {cell.id: cell.source for cell in built.solution.cells}
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader", {})
        if solved and cell.cell_type == "code" and marks.get("solution") and not marks.get("grade"):
            cell.source = answers[cell.id]
    shutil.rmtree(folder / "distillation-course" / "outputs", ignore_errors=True)
    executed = bootstrap.execute_alone(python, notebook, folder, address)
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    assert not [output.ename for output in outputs if output.output_type == "error"]
    shown = "\n".join(str(output.get("text", "")) + str(output.get("data", {})) for output in outputs)
    assert ("is still open" in shown) == (not solved)
