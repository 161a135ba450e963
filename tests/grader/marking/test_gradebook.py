"""One gradebook serves `course.py grade` and nbgrader's own autograde, in either order; others are left alone."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.preprocessors import OverwriteCells
from sqlalchemy import create_engine, text

from grader.marking import assignment, gradebook, publish
from grader.marking.judge import Result
from grader.marking.matching import Release, read_release
from grader.notebook.labs import Lab
from tests.grader.fixture_lab import NAME, released, save_release
from utils.errors import CourseError
from utils.machine.workspace import ROOT

CHECK = "check_distillation_loss"
HIDDEN = "### BEGIN HIDDEN TESTS\nassert distillation_loss\n10.0\n### END HIDDEN TESTS"


@pytest.fixture
def course(tmp_path) -> Lab:
    """The small lab as released, and its solution with a hidden test, in a course of their own."""
    save_release(tmp_path / "labs")
    lab = Lab(tmp_path, NAME)
    solution = nbformat.from_dict(released())
    for cell in solution.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == CHECK:
            cell.source += f"\n{HIDDEN}"
    lab.solution.parent.mkdir(parents=True)
    nbformat.write(solution, lab.solution)
    nbformat.write(publish.learners_notebook(solution, lab), lab.released)
    return lab


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path / 'gradebook.db'}"


def prepared(course: Lab, url: str, solution: bool = True, student: str = "anna") -> Release:
    """What `course.py grade` writes about a lab, and one student's scores."""
    lab = read_release(course.released)
    with gradebook.opened(url) as book:
        assignment.enter(book, lab, course.solution if solution else None)
        gradebook.record(book, lab, student, [Result(task.name, 1.0, task.points, "partial", "") for task in lab.tasks])
    return lab


def generated(course: Lab, url: str) -> None:
    """What `nbgrader generate_assignment` writes about a lab."""
    with gradebook.opened(url) as book:
        book.update_or_create_assignment(NAME)
    publish.learners_notebook(nbformat.read(course.solution, 4), course, url)


def autograded_check(course: Lab, url: str) -> str:
    """The check that nbgrader's autograde would run for somebody who has rewritten it."""
    submission = nbformat.read(course.released, 4)
    for cell in submission.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == CHECK:
            cell.source = "10.0"
    resources = {"nbgrader": {"assignment": NAME, "notebook": NAME, "db_url": url}}
    made, _ = OverwriteCells().preprocess(submission, resources)
    return next(cell.source for cell in made.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == CHECK)


def test_autograde_finds_its_hidden_tests_after_grade(course, url):
    generated(course, url)
    prepared(course, url)
    assert HIDDEN in autograded_check(course, url)


def test_autograde_finds_its_hidden_tests_where_grade_came_first(course, url):
    prepared(course, url)
    assert HIDDEN in autograded_check(course, url)
    generated(course, url)
    assert HIDDEN in autograded_check(course, url)


def test_an_exam_s_hidden_tests_in_the_gradebook_stay(course, url):
    generated(course, url)
    course.solution.write_text(course.solution.read_text().replace("10.0", "5.0"))
    prepared(course, url)
    assert HIDDEN in autograded_check(course, url)


def test_autograde_refuses_a_check_whose_hidden_tests_nobody_knows(course, url):
    prepared(course, url, solution=False)
    with pytest.raises(RuntimeError, match=CHECK):
        autograded_check(course, url)
    generated(course, url)
    assert HIDDEN in autograded_check(course, url)


def test_a_changed_lab_s_texts_replace_the_old_ones(course, url):
    prepared(course, url)
    for path in (course.solution, course.released):
        path.write_text(path.read_text().replace("check('distillation_loss'", "check('the_loss'"))
    prepared(course, url)
    assert "the_loss" in autograded_check(course, url)


def test_scores_that_autograde_wrote_since_are_told_from_one_s_own(course, url):
    lab = prepared(course, url)
    results = [Result(task.name, 1.0, task.points, "partial", "") for task in lab.tasks if not task.written]
    with gradebook.opened(url) as book:
        assert gradebook.holds(gradebook.scores(book, lab), "anna", results, lab)
        book.find_grade(CHECK, NAME, NAME, "anna").auto_score = 4.0
        book.db.commit()
        assert not gradebook.holds(gradebook.scores(book, lab), "anna", results, lab)
        assert not gradebook.holds(gradebook.scores(book, lab), "bob", results, lab)


def test_a_new_gradebook_is_nbgrader_s_own(tmp_path, url, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)  # nbgrader calls alembic by name
    with gradebook.opened(url):
        pass
    other = tmp_path / "nbgraders.db"
    with Gradebook(f"sqlite:///{other}"):
        pass
    made, expected = (_schema(path) for path in (tmp_path / "gradebook.db", other))
    assert made == expected
    assert not list(tmp_path.glob(".*draft*"))


def _schema(path: Path) -> tuple:
    with sqlite3.connect(path) as connection:
        tables = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        version = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    return [(name, "".join(sql.lower().split()).replace('"', "")) for name, sql in tables], version


def test_a_gradebook_whose_making_was_cut_short_is_completed(url):
    with gradebook.opened(url):
        pass
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    with gradebook.opened(url) as book:
        assert book.db.execute(text("SELECT version_num FROM alembic_version")).scalar()


def test_a_gradebook_of_another_version_is_said_and_left_alone(url, tmp_path):
    with gradebook.opened(url) as book:
        book.db.execute(text("UPDATE alembic_version SET version_num = 'older'"))
        book.db.commit()
    content = (tmp_path / "gradebook.db").read_bytes()
    with pytest.raises(CourseError, match="db upgrade"), gradebook.opened(url):
        pass
    assert (tmp_path / "gradebook.db").read_bytes() == content


def test_a_read_only_gradebook_is_said(course, tmp_path, url):
    prepared(course, url)
    read_only = f"sqlite:///file:{tmp_path / 'gradebook.db'}?mode=ro&uri=true"
    with pytest.raises(CourseError, match="readonly"):
        prepared(course, read_only, student="bob")


def test_a_locked_gradebook_is_said(course, tmp_path, url, monkeypatch):
    prepared(course, url)
    monkeypatch.setattr(gradebook, "PATIENCE", 0.1)
    with sqlite3.connect(tmp_path / "gradebook.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(CourseError, match="Another program"):
            prepared(course, url)
        other.execute("ROLLBACK")


def test_a_password_is_not_in_a_message():
    with pytest.raises(CourseError) as error, gradebook.opened("nosuch://anna:secret@host/grades"):
        pass
    assert "secret" not in str(error.value)


@pytest.mark.skipif(sys.platform == "win32", reason="a file's size can be limited on POSIX alone")
@pytest.mark.parametrize("kilobytes", [2, 64])
def test_a_full_disk_is_a_sentence_and_leaves_no_half_of_a_gradebook(tmp_path, kilobytes):
    """A bound on the size of a file stands for the disk's."""
    save_release(tmp_path / "labs")
    (tmp_path / "in" / "anna").mkdir(parents=True)
    line = [sys.executable, "-m", "cli", "grade", "02", "--submissions", str(tmp_path / "in"), "--no-sandbox"]
    line += ["--out", str(tmp_path / "out"), "--labs", str(tmp_path / "labs")]
    bound = kilobytes << 10

    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (bound, bound))

    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, preexec_fn=limit)
    said = done.stderr.strip().splitlines()[-1]
    assert (done.returncode, said[:11]) == (1, "course.py: "), done.stderr
    assert "Traceback" not in done.stderr and "gradebook" in said
    assert not list((tmp_path / "out").glob("*.db")) and not list((tmp_path / "out").rglob("*draft*"))
