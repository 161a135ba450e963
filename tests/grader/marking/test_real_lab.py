"""The labs as they are released, through the whole grader: right answers earn all points, open ones none."""

import csv
import json
import shutil

import pytest

from cli.__main__ import main
from grader.notebook.labs import Lab, labs_in
from utils.machine.workspace import ROOT

OPTIONS = [] if shutil.which("bwrap") else ["--no-sandbox"]


def _with_solutions(lab: Lab) -> dict:
    """The released notebook with the solution's code in its answer cells."""
    released, solved = (json.loads(path.read_text(encoding="utf-8")) for path in (lab.released, lab.solution))
    answers = {_grade_id(cell): cell["source"] for cell in solved["cells"] if _is_answer(cell)}
    for cell in released["cells"]:
        cell["source"] = answers.get(_grade_id(cell), cell["source"])
    return released


def _grade_id(cell: dict) -> str:
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "")


def _is_answer(cell: dict) -> bool:
    return cell["cell_type"] == "code" and cell["metadata"].get("nbgrader", {}).get("solution", False)


@pytest.mark.parametrize("lab", labs_in(ROOT), ids=lambda lab: lab.name)
def test_solutions_earn_everything_and_an_open_notebook_nothing(lab, tmp_path):
    for student, notebook in (("ada", _with_solutions(lab)), ("bob", json.loads(lab.released.read_text("utf-8")))):
        folder = tmp_path / "in" / student
        folder.mkdir(parents=True)
        (folder / f"{lab.name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    out = tmp_path / "out"
    assert main(["grade", lab.number, "--submissions", str(tmp_path / "in"), "--out", str(out), *OPTIONS]) == 0
    with open(out / "results.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if not row["exercise"].startswith("written_")]
    assert {row["student"] for row in rows} == {"ada", "bob"}
    for row in rows:
        expected = float(row["max_score"]) if row["student"] == "ada" else 0.0
        assert float(row["score"]) == expected, row
