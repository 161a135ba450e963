"""What is handed out holds no answer, and an exam's hidden tests are new. Nbgrader's own stages run on the course."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from grader.marking.gradebook import opened
from grader.notebook.build import build, prepare
from grader.notebook.release import release

SECRETS = ("SOLUTION", "HIDDEN", "x * x", "secret sketch", "record =", "hush")
RIGHT = "def squares(x):\n    return (x * x).sum()"
WARNING_SLOW_AND_LOUD = """
import logging, sys, time, warnings
from tqdm import tqdm
logging.basicConfig(stream=sys.stderr)
def squares(x):
    warnings.warn("careful")
    logging.warning("old handle")
    for _ in tqdm(range(3)):
        time.sleep(0.05)
    print("debug", file=sys.stderr)
    return (x ** 2).sum()
"""
OPEN = "def squares(x):\n    raise NotImplementedError"
SMALL_ONLY = "def squares(x):\n    return (x * x).sum() if x.abs().max() < 6 else x.sum() * 0"


def everything_in(folder: Path) -> str:
    return "\n".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())


def test_what_a_learner_gets_holds_no_answer(tiny_lab):
    (tiny_lab.source.parent / "words.txt").write_text("for everybody")
    folder = release(tiny_lab, seed=3)
    assert folder == tiny_lab.root / "release" / "09_squares"
    assert sorted(path.name for path in folder.rglob("*")) == ["09_squares.ipynb", "words.txt"]
    assert not any(secret in everything_in(folder) for secret in SECRETS)


def test_a_release_touches_neither_labs_nor_solutions(tiny_lab):
    before = sorted(tiny_lab.root.glob("solutions/**/*"))
    release(tiny_lab)
    assert sorted(tiny_lab.root.glob("solutions/**/*")) == before and not (tiny_lab.root / "labs").exists()


def test_a_release_replaces_an_older_one_whole(tiny_lab):
    stray = release(tiny_lab) / "stray.txt"
    stray.write_text("old")
    release(tiny_lab)
    assert not stray.exists()


def test_a_seed_draws_hidden_tests_that_only_the_gradebook_knows(tiny_lab):
    kept = {}
    for seed in (None, 3, 4):
        release(tiny_lab, seed, str(tiny_lab.root / f"{seed}.db"))
        with opened(str(tiny_lab.root / f"{seed}.db")) as book:
            kept[seed] = book.find_source_cell("check_squares", "09_squares", "09_squares").source
    assert len(set(kept.values())) == 3 and all("points(squares, record" in source for source in kept.values())
    usual = next(cell.source for cell in prepare(tiny_lab).solution.cells if cell.id == "check_squares")
    assert kept[None] == usual


def nbgrader(lab, *arguments: str) -> str:
    """Run nbgrader in the course's folder; returns what it says."""
    program = Path(sys.executable).with_name("nbgrader")
    search = os.pathsep.join([str(program.parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": search, "COURSE_PROFILE": "", "JUPYTER_PATH": f"{sys.prefix}/share/jupyter"}
    command = [str(program), *arguments]
    done = subprocess.run(command, cwd=lab.root, env=environment, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def course(tiny_lab):
    """The tiny course, built."""
    build(tiny_lab, "smoke", say=lambda words: None)
    return tiny_lab


def hand_in(lab, student: str, answer: str) -> None:
    notebook = nbformat.read(lab.released, as_version=4)
    next(cell for cell in notebook.cells if cell.id == "squares").source = answer
    next(cell for cell in notebook.cells if cell.id == "written_why").source = "Because."
    path = lab.root / "submitted" / student / lab.name / lab.released.name
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


def test_nbgraders_own_release_has_the_cells_of_labs(course):
    ours = nbformat.read(course.released, as_version=4)
    shutil.rmtree(course.root / "labs")
    nbgrader(course, "generate_assignment", course.name)
    theirs = nbformat.read(course.released, as_version=4)
    assert theirs.cells == ours.cells
    assert sorted(path.name for path in course.released.parent.iterdir()) == [course.released.name]


def test_nbgraders_stages_from_release_to_export(course):
    course.source.with_name("helper.py").write_text("secret = 1")
    nbgrader(course, "generate_assignment", course.name, "--force")
    answers = {"right": RIGHT, "loud": WARNING_SLOW_AND_LOUD, "part": SMALL_ONLY, "open": OPEN}
    for student, answer in answers.items():
        hand_in(course, student, answer)
    nbgrader(course, "autograde", course.name)
    nbgrader(course, "generate_feedback", course.name)
    nbgrader(course, "export", "--to", "grades.csv")
    with opened(str(course.root / "gradebook.db")) as book:
        scores = {s: book.find_grade("check_squares", course.name, course.name, s).auto_score for s in answers}
        marked = book.find_grade("written_why", course.name, course.name, "right")
        assert marked.needs_manual_grade and marked.max_score == 2
    assert scores == {"right": 10.0, "loud": 10.0, "part": 2.5, "open": 0.0}
    assert {path.suffix for path in (course.root / "autograded").rglob("*") if path.is_file()} == {".ipynb"}
    graded = json.loads((course.root / "autograded" / "right" / course.name / course.released.name).read_text())
    assert "smoke" in json.dumps(graded), "grading runs in the smoke profile"
    assert "right" in (course.root / "grades.csv").read_text()
    feedback = (course.root / "feedback" / "part" / course.name / "09_squares.html").read_text()
    assert "2.5" in feedback and "hidden_tests" not in feedback and "points(squares" not in feedback


def test_nbgrader_validates_the_solution(course):
    said = nbgrader(course, "validate", str(course.solution))
    assert "Success" in said
