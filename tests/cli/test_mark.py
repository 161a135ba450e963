"""Marking starts where `grade` has written: nbgrader lists the lab and its students, and formgrader opens there."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import PyFileConfigLoader

from cli import mark
from cli.__main__ import main
from tests.cli.served import answer
from tests.grader.fixture_lab import NAME, honest, released, save, save_release
from utils.errors import CourseError
from utils.machine.workspace import ROOT

STUDENTS = ["anna", "Müller, Anna-Lena (12)"]
ODD = "[a-z]*"


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> Path:
    """Three submissions, graded; one is of a student whose name is a pattern to nbgrader. said.txt: what grade said."""
    home = tmp_path_factory.mktemp("marking")
    save_release(home / "labs")
    for student in (*STUDENTS, ODD):
        save(home / "submissions", student, honest() if student == STUDENTS[0] else released())
    line = ["grade", "02", "--submissions", str(home / "submissions"), "--out", str(home / "graded")]
    with (home / "said.txt").open("w", encoding="utf-8") as said, contextlib.redirect_stdout(said):
        assert main([*line, "--labs", str(home / "labs"), "--no-sandbox"]) == 0
    return home


def test_nbgrader_lists_the_lab_and_every_student_that_it_can_show(graded):
    folder = mark.write_settings(graded / "graded", None, graded / "labs")
    config = PyFileConfigLoader("nbgrader_config.py", str(folder)).load_config()
    nbgrader = NbGraderAPI(CourseDirectory(config=config))
    assert nbgrader.get_source_assignments() == {NAME}
    assert [one["name"] for one in nbgrader.get_assignments()] == [NAME]
    shown = {one["student"] for one in nbgrader.get_notebook_submissions(NAME, NAME)}
    assert shown == set(STUDENTS)


def test_grade_says_whom_formgrader_cannot_show(graded):
    said = (graded / "said.txt").read_text(encoding="utf-8")
    assert f"Formgrader cannot show 1 of them, for their folders' names: {ODD!r}." in said


def test_another_gradebook_is_the_one_that_is_marked(graded):
    folder = mark.write_settings(graded / "graded", str(graded / "other.db"), graded / "labs")
    config = PyFileConfigLoader("nbgrader_config.py", str(folder)).load_config()
    assert config.CourseDirectory.db_url == f"sqlite:///{graded / 'other.db'}"


def test_what_is_no_gradebook_is_said_before_anything_starts(graded, tmp_path):
    (tmp_path / "results.csv").touch()
    (tmp_path / "notes.txt").write_text("no database " * 100)
    with pytest.raises(CourseError, match=r"The gradebook .*notes\.txt' cannot be used .* Another one: --db"):
        mark.write_settings(tmp_path, str(tmp_path / "notes.txt"), graded / "labs")
    assert not (tmp_path / "nbgrader_config.py").exists()


def test_a_folder_without_a_grading_is_said(tmp_path):
    with pytest.raises(CourseError, match="holds no grading"):
        mark.write_settings(tmp_path, None, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("argument", "said"), [("02", "'02' is neither an option"), ("--prot", "an option --prot;")])
def test_what_nobody_knows_is_a_sentence_before_anything_is_written(tmp_path, capsys, argument, said):
    (tmp_path / "results.csv").touch()
    assert main(["mark", "--out", str(tmp_path), argument]) == 1
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["results.csv"]


def test_formgrader_opens_on_the_grading_and_lists_it(graded):
    command = [sys.executable, "-m", "cli", "mark", "--out", str(graded / "graded"), "--labs", str(graded / "labs")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JUPYTER_CONFIG_DIR": str(graded / "config")}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process = subprocess.Popen([*command, "--no-browser"], env=environment, cwd=ROOT, **streams)
    page = re.compile(r"(http://127\.0\.0\.1:\d+)/formgrader/gradebook\S*token=(\w+)")
    try:
        base, token = next(found.groups() for line in process.stdout if (found := page.search(line)))
        shown = answer(f"{base}/formgrader/api/submitted_notebooks/{NAME}/{NAME}?token={token}")
        assert {one["student"] for one in shown} == set(STUDENTS)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[0]
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0 and "Run `course.py grade` again" in said
