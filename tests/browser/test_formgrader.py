"""Marking as an instructor does it: nbgrader's formgrader in JupyterLab, a mark and a comment, and who keeps them.

The course is a copy with Lab 2 in it, so that nothing of the repository is touched. Both ways of grading meet in one
gradebook here: `nbgrader autograde` fills it, a person marks in the browser, `course.py grade` comes last.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.browser.conftest import ROOT

LAB = "02_distill_a_student"
WRITTEN = "written_training_loop"
COMMENT = "You say why the teacher is frozen, but T < 2 & T > 2 differ: which number shows it?"
NO_SQUARE = ("alpha * temperature**2 * soft", "alpha * soft")
KEPT_TAGS = {"set-up"}


@dataclass
class Course:
    """A course in a folder of its own, with the environment its commands run in."""

    root: Path
    environment: dict[str, str]

    def nbgrader(self, *arguments: str) -> None:
        """Run one of nbgrader's stages in the course's folder."""
        command = [str(Path(sys.executable).with_name("nbgrader")), *arguments]
        done = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr

    def recorded(self) -> dict[str, tuple[dict, dict]]:
        """student -> what the gradebook holds: {grade_id: (automatic score, manual score)}, and the manual comments."""
        from grader.marking.gradebook import opened

        found = {}
        with opened(str(self.root / "gradebook.db")) as book:
            for submission in book.assignment_submissions(LAB):
                (notebook,) = submission.notebooks
                scores = {grade.name: (grade.auto_score, grade.manual_score) for grade in notebook.grades}
                found[submission.student_id] = scores, {c.name: c.manual_comment for c in notebook.comments}
        return found


def grade_id(cell: dict) -> str:
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "")


def hand_in(course: Path, student: str, written: str, change: tuple[str, str] = ("", "")) -> None:
    """Lab 2 as a learner hands it in who deleted the experiments. change: what to replace in the right answers."""
    released = json.loads((course / "labs" / LAB / f"{LAB}.ipynb").read_text(encoding="utf-8"))
    solved = json.loads((course / "solutions" / LAB / f"{LAB}.ipynb").read_text(encoding="utf-8"))
    answers = {grade_id(cell): "".join(cell["source"]) for cell in solved["cells"] if cell["cell_type"] == "code"}
    kept = [
        cell
        for cell in released["cells"]
        if cell["cell_type"] == "markdown" or grade_id(cell) or KEPT_TAGS & set(cell["metadata"].get("tags", ()))
    ]
    for cell in kept:
        if grade_id(cell) == WRITTEN:
            cell["source"] = written
        elif cell["metadata"].get("nbgrader", {}).get("solution"):
            cell["source"] = answers[grade_id(cell)].replace(*change)
    path = course / "submitted" / student / LAB / f"{LAB}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(released | {"cells": kept}), encoding="utf-8")


@pytest.fixture(scope="module")
def course(tools, tmp_path_factory) -> Course:
    """Released, handed in by two, and graded by nbgrader itself."""
    root = tmp_path_factory.mktemp("formgrader") / "course"
    (root / "grader").mkdir(parents=True)
    for name in ("nbgrader_config.py", "grader/nbgrader_config.py"):
        shutil.copy(ROOT / name, root / name)
    shutil.copytree(ROOT / "solutions" / LAB, root / "solutions" / LAB)
    programs = str(Path(sys.executable).parent)
    changes = {
        "PATH": os.pathsep.join([programs, os.environ["PATH"]]),
        "COURSE_ROOT": str(ROOT),
        "COURSE_PROFILE": "",
        "COURSE_OUT": str(root.parent / "outputs"),
        "JUPYTER_PATH": os.path.join(sys.prefix, "share", "jupyter"),
        "HF_HUB_OFFLINE": "1",
    }
    made = Course(root, os.environ | changes)
    made.nbgrader("generate_assignment", LAB)
    hand_in(root, "ada", "The teacher is a fixed function: <b>no gradient</b> reaches it.")
    hand_in(root, "bob", "It trains.", NO_SQUARE)
    made.nbgrader("autograde", LAB)
    return made


@pytest.fixture(scope="module")
def server(course, tmp_path_factory):
    """JupyterLab started in the course's folder, as docs/grading.md says."""
    from tests.browser.jupyter import JupyterServer

    server = JupyterServer(tmp_path_factory.mktemp("formgrader-jupyter"), course.root)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def marked(course, server, page, artefacts) -> Course:
    """The course after ada's written answer got 3 of 4 points and a comment, both typed into the page."""
    page.goto(f"{server.address}/lab?token={server.token}")
    page.get_by_role("menuitem", name="Nbgrader").click()
    page.get_by_role("menuitem", name="Formgrader", exact=True).first.click()
    page.frame_locator("iframe").get_by_text(LAB).first.wait_for()
    page.screenshot(path=artefacts / "formgrader-jupyterlab.png")
    open_submission(page, server, "ada")
    page.locator(f"#{WRITTEN}").scroll_into_view_if_needed()
    page.screenshot(path=artefacts / "formgrader-submission.png")
    for field, words in ((f"#{WRITTEN}", "3"), (f"#{WRITTEN}-comment", COMMENT)):
        with page.expect_response(lambda answer: "/formgrader/api/" in answer.url and answer.request.method == "PUT"):
            page.locator(field).fill(words)
            page.locator(field).blur()
    page.screenshot(path=artefacts / "formgrader-marked.png")
    return course


def open_submission(page, server, student: str) -> None:
    """From the list of a student's notebooks to the page where one is marked."""
    page.goto(f"{server.address}/formgrader/manage_students/{student}/{LAB}")
    page.locator("#main-table").get_by_role("link", name=LAB).click()
    page.locator(f"#{WRITTEN}.needs_manual_grade").wait_for()
    page.locator(f"#{WRITTEN}-comment[placeholder]").wait_for()


def test_the_lists_show_the_lab_and_its_submissions_with_their_scores(course, server, page, artefacts):
    page.goto(f"{server.address}/formgrader/manage_assignments?token={server.token}")
    page.locator("#main-table").get_by_text(LAB).wait_for()
    assert page.locator("#main-table tr").count() == 1
    page.screenshot(path=artefacts / "formgrader-assignments.png")
    page.goto(f"{server.address}/formgrader/manage_submissions/{LAB}")
    rows = page.locator("#main-table tr")
    rows.nth(1).wait_for()
    page.screenshot(path=artefacts / "formgrader-submissions.png")
    ada, bob = rows.all_inner_texts()
    assert "ada" in ada and "needs manual grading" in ada and "20 / 24" in ada
    assert "bob" in bob and "needs manual grading" in bob and "20 / 24" not in bob


def test_neither_release_nor_autograded_holds_the_source_or_an_answer(course):
    kinds = {path.suffix for name in ("labs", "autograded") for path in (course.root / name).rglob("*.*")}
    assert kinds == {".ipynb"}
    released = (course.root / "labs" / LAB / f"{LAB}.ipynb").read_text(encoding="utf-8")
    for answer in ("SOLUTION", "HIDDEN", NO_SQUARE[0], "hidden_tests"):
        assert answer not in released
    sketch = (course.root / "solutions" / LAB / f"{LAB}.ipynb").read_text(encoding="utf-8")
    assert NO_SQUARE[0] in sketch and "HIDDEN" in sketch, "the words to look for have changed"


def test_the_gradebook_has_the_mark_and_the_comment(marked):
    recorded = marked.recorded()
    scores, comments = recorded["ada"]
    assert scores[WRITTEN] == (None, 3.0) and comments[WRITTEN] == COMMENT
    assert scores["check_distillation_loss"] == (10.0, None)
    scores, comments = recorded["bob"]
    assert scores[WRITTEN] == (None, None) and not comments[WRITTEN]
    assert 0 < scores["check_distillation_loss"][0] < 10


def test_the_list_says_that_the_marked_one_is_graded(marked, server, page):
    page.goto(f"{server.address}/formgrader/manage_submissions/{LAB}")
    row = page.locator("#main-table tr", has_text="ada")
    row.get_by_text("graded", exact=True).wait_for()
    assert "23 / 24" in row.inner_text()


def test_the_feedback_page_shows_the_mark_and_the_comment(marked, page, artefacts):
    marked.nbgrader("generate_feedback", LAB, "--student", "ada")
    path = marked.root / "feedback" / "ada" / LAB / f"{LAB}.html"
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    answer = page.locator(".nbgrader_cell", has_text="no gradient")
    answer.scroll_into_view_if_needed()
    page.screenshot(path=artefacts / "formgrader-feedback.png")
    assert "3.0 / 4.0" in answer.inner_text() and COMMENT in answer.inner_text()
    assert "23.0 / 24.0" in page.locator("body").inner_text()
    text = path.read_text(encoding="utf-8")
    assert "hidden_tests" not in text and "points(" not in text, "feedback must not hold a hidden test"


def test_grading_into_the_same_gradebook_keeps_the_mark_and_the_comment(marked, tmp_path):
    from cli.__main__ import main

    confined = [] if shutil.which("bwrap") else ["--no-sandbox"]
    out = tmp_path / "graded"
    arguments = ["grade", "02", "--submissions", str(marked.root / "submitted"), "--out", str(out), "--json"]
    arguments += ["--labs", str(marked.root / "labs"), "--db", str(marked.root / "gradebook.db"), *confined]
    assert main(arguments) == 0
    scores, comments = marked.recorded()["ada"]
    assert scores[WRITTEN] == (None, 3.0) and comments[WRITTEN] == COMMENT
    assert scores["check_distillation_loss"] == (10.0, None)
    with open(out / "results.csv", encoding="utf-8", newline="") as file:
        rows = {(row["student"], row["exercise"]): row for row in csv.DictReader(file)}
    assert rows["ada", WRITTEN]["score"] == "3" and rows["bob", WRITTEN]["score"] == ""
    assert rows["bob", "distillation_loss"]["status"] == "partial"
