"""A batch may be stopped at any moment, run again, changed and marked by hand, and its results stay true."""

import csv
import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from cli.__main__ import main
from grader.marking import batch
from grader.marking.journal import Journal
from grader.marking.matching import read_release
from grader.sandbox.client import ServerGone
from tests.grader.fixture_lab import NAME, POINTS, WRITTEN, cell, honest, notebook, save
from tests.grader.marking.graded import CONFINED, furnished, grade, settings_of
from utils.errors import CourseError
from utils.machine.workspace import ROOT


def test_results_feedback_and_gradebook_say_the_same_and_are_kept(home):
    rows, anew = grade(home)
    assert anew == ["anna", "bob", "carl", "dora", "emil"]
    assert {row["status"] for (student, _), row in rows.items() if student == "anna"} == {"ok", "waiting"}
    assert (rows["anna", WRITTEN]["score"], rows["anna", WRITTEN]["status"]) == ("", "waiting")
    assert rows["bob", "distillation_loss"]["status"] == "wrong"
    assert float(rows["bob", "perplexity"]["score"]) == POINTS["perplexity"]
    assert {rows["carl", name]["status"] for name in (*POINTS, WRITTEN)} == {"missing"}
    assert {rows["dora", name]["status"] for name in (*POINTS, WRITTEN)} == {"unreadable"}
    page = (home / "out" / "feedback" / "emil" / f"{NAME}.html").read_text()
    assert "&lt;script&gt;" in page and "<script>" not in page
    with Gradebook(f"sqlite:///{home / 'out' / 'gradebook.db'}") as book:
        for (student, exercise), row in rows.items():
            cell = exercise if exercise == WRITTEN else f"check_{exercise}"
            assert (book.find_grade(cell, NAME, NAME, student).score or 0.0) == float(row["score"] or 0.0)
        assert book.find_submission(NAME, "anna").max_score == sum(POINTS.values()) + 5.0
        grade_of_anna = book.find_grade(WRITTEN, NAME, NAME, "anna")
        assert grade_of_anna.needs_manual_grade
        grade_of_anna.manual_score, grade_of_anna.needs_manual_grade = 4.0, False
        book.find_comment(WRITTEN, NAME, NAME, "anna").manual_comment = "well said"
        book.db.commit()

    again, anew = grade(home, seed=None)
    assert anew == []
    assert (again["anna", WRITTEN]["score"], again["anna", WRITTEN]["status"]) == ("4", "partial")
    assert "well said" in (home / "out" / "feedback" / "anna" / f"{NAME}.html").read_text()
    assert again | {("anna", WRITTEN): None} == rows | {("anna", WRITTEN): None}

    shutil.rmtree(home / "submissions" / "bob")
    save(home / "submissions", "bob", honest())
    changed, anew = grade(home, seed=None)
    assert anew == ["bob"]
    assert changed["bob", "distillation_loss"]["status"] == "ok"
    with Gradebook(f"sqlite:///{home / 'out' / 'gradebook.db'}") as book:
        assert book.find_grade(WRITTEN, NAME, NAME, "anna").manual_score == 4.0
        assert book.find_comment(WRITTEN, NAME, NAME, "anna").manual_comment == "well said"


def test_another_lab_s_notebook_is_told_in_one_sentence(home):
    path = home / "labs" / "01_other" / "01_other.ipynb"
    path.parent.mkdir()
    answer = cell("code", "def entropy(p):\n    raise NotImplementedError", "entropy", solution=True)
    path.write_text(json.dumps(notebook([answer, cell("code", "entropy(1)", "check_entropy", grade=True, points=2)])))
    save(home / "submissions", "zoe", path.read_bytes())
    rows, _ = grade(home, others=(read_release(path),), students=("zoe",))
    said = {(row["status"], row["score"], row["message"]) for row in rows.values()}
    assert said == {("missing", "0", f"This is Lab 1's notebook, 01_other: hand in {NAME}.")}


def test_a_row_says_which_file_was_graded_and_what_else_lay_there(home):
    name = f"{NAME} (1).ipynb"
    (home / "submissions" / "carl" / name).write_text(json.dumps(honest()))
    rows, _ = grade(home, students=("carl",))
    row = rows["carl", "perplexity"]
    assert (row["status"], row["file"]) == ("ok", name)
    assert row["notes"].startswith(f"Graded: {name}, the fullest of 2 files")
    assert f"Not graded: {NAME}.ipynb (answers 0)." in row["notes"]
    (home / "submissions" / "carl" / "notes.txt").write_text("mine")
    rows, anew = grade(home, students=("carl",), seed=None)
    assert not anew and "Also there: notes.txt." in rows["carl", "perplexity"]["notes"]
    assert "notes.txt" in (home / "out" / "feedback" / "carl" / f"{NAME}.html").read_text()


def test_the_same_seed_gives_the_same_messages_and_another_grades_anew(home):
    first, _ = grade(home)
    shutil.rmtree(home / "out")
    second, _ = grade(home)
    assert first == second
    assert Journal(home / "out", NAME).seed(None, 99) == 7
    assert grade(home)[1] == [] and grade(home, seed=8)[1] == ["anna", "bob", "carl", "dora", "emil"]
    assert Journal(home / "out", NAME).seed(None, 99) == 8


def command(home: Path) -> list[str]:
    line = [sys.executable, "-m", "cli", "grade", "02", "--submissions", str(home / "submissions"), "--seed", "7"]
    line += ["--out", str(home / "out"), "--labs", str(home / "labs"), "--jobs", "2", "--json"]
    return line if CONFINED else [*line, "--no-sandbox"]


def start(home: Path) -> subprocess.Popen:
    return subprocess.Popen(command(home), cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)


def killed_after(home: Path, lines: int, pause: float) -> list[str]:
    """Start a grading and kill it (the parent alone) after so many lines and seconds more; who was graded."""
    process = start(home)
    students = []
    for _ in range(lines):
        students.append(json.loads(process.stdout.readline())["student"])
    time.sleep(pause)
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    return students + [json.loads(line)["student"] for line in rest.splitlines() if '"student"' in line]


def finished(home: Path) -> tuple[list[dict], str]:
    process = start(home)
    out, _ = process.communicate(timeout=600)
    assert process.returncode == 0
    lines = [json.loads(line) for line in out.splitlines()]
    return lines[:-1], (home / "out" / "results.csv").read_text()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> str:
    """results.csv of a grading that nobody killed."""
    return finished(furnished(tmp_path_factory.mktemp("undisturbed")))[1]


@pytest.mark.parametrize("moment", [0, *[pytest.param(n, marks=pytest.mark.nightly) for n in range(1, 50)]])
def test_a_killed_grading_goes_on_with_the_same_results(home, moment, undisturbed):
    chance = random.Random(moment)
    before = killed_after(home, chance.randint(0, 3), chance.random() * 0.2)
    lines, results = finished(home)
    assert {line["student"] for line in lines} == {"anna", "bob", "carl", "dora", "emil"}
    assert {line["student"] for line in lines if line["again"]} >= set(before)
    assert results == undisturbed


def test_a_gradebook_that_is_none_is_left_as_it_is(home):
    foreign = home / "foreign.db"
    foreign.write_text("this is not a database, but it is ten times as long as one would think. " * 10)
    content = foreign.read_bytes()
    with pytest.raises(CourseError, match="gradebook"):
        grade(home, db=str(foreign))
    assert foreign.read_bytes() == content
    assert not (home / "out" / "results.csv").exists()


def test_a_database_of_another_kind_is_refused(home):
    other = home / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("create table grade (mine text)")
    content = other.read_bytes()
    with pytest.raises(CourseError, match="is a database but no gradebook of nbgrader's"):
        grade(home, db=str(other))
    assert other.read_bytes() == content


def test_a_gradebook_nowhere_is_said(home):
    with pytest.raises(CourseError, match="cannot be used"):
        grade(home, db=str(home / "nowhere" / "gradebook.db"))


def test_a_fault_of_the_grader_s_own_costs_one_submission_and_is_tried_again(home, monkeypatch):
    def fails_for_bob(lab, asked, plan, *rest):
        if any("1 / 0" in step.source for step in plan.steps):
            raise OverflowError("somewhere deep")
        return graded(lab, asked, plan, *rest)

    graded = batch.grade
    monkeypatch.setattr(batch, "grade", fails_for_bob)
    rows, _ = grade(home)
    assert rows["bob", "perplexity"]["status"] == "crashed"
    assert "by hand" in rows["bob", "perplexity"]["message"]
    assert rows["anna", "perplexity"]["status"] == "ok"
    monkeypatch.undo()
    rows, anew = grade(home)
    assert anew == ["bob"]
    assert float(rows["bob", "perplexity"]["score"]) == POINTS["perplexity"]


@pytest.mark.skipif(not CONFINED, reason="bubblewrap is not installed")
def test_a_server_that_is_killed_all_the_time_stops_the_batch_with_a_sentence(home, monkeypatch):
    """What is graded until then is kept, and nothing that is not."""
    for number in range(8):
        save(home / "submissions", f"more_{number}", honest())

    def gone(*arguments):
        raise ServerGone("killed")

    monkeypatch.setattr(batch, "grade", gone)
    with pytest.raises(CourseError, match="ended again and again"):
        grade(home)
    monkeypatch.undo()
    rows, anew = grade(home)
    assert {row["status"] for (student, task), row in rows.items() if student == "anna" and task in POINTS} == {"ok"}
    assert "more_0" in anew and "dora" not in anew


def test_scores_that_nbgrader_wrote_since_give_way_to_those_of_the_next_grading(home):
    grade(home)
    with Gradebook(f"sqlite:///{home / 'out' / 'gradebook.db'}") as book:
        book.find_grade("check_perplexity", NAME, NAME, "anna").auto_score = 0.5
        book.db.commit()
    _, anew = grade(home)
    assert anew == []
    with Gradebook(f"sqlite:///{home / 'out' / 'gradebook.db'}") as book:
        assert book.find_grade("check_perplexity", NAME, NAME, "anna").auto_score == POINTS["perplexity"]


def test_a_page_that_cannot_be_written_keeps_no_score_back(home, monkeypatch):
    def fails(*arguments):
        raise CourseError("no page")

    monkeypatch.setattr(batch.feedback, "write", fails)
    with pytest.raises(CourseError, match="no page"):
        grade(home)
    with open(home / "out" / "results.csv", newline="", encoding="utf-8") as file:
        assert {row["student"] for row in csv.DictReader(file)} == {"anna", "bob", "carl", "dora", "emil"}


def test_two_gradings_do_not_write_to_one_folder(home):
    with Journal(home / "out", NAME).locked(), pytest.raises(CourseError, match="Another grading"):
        grade(home)


def test_an_exercise_that_nobody_knows_is_said(home):
    path = home / "labs" / NAME / f"{NAME}.ipynb"
    path.write_text(path.read_text().replace("distillation_loss", "unknown_loss"))
    with pytest.raises(CourseError, match="unknown_loss"):
        grade(home)


def test_an_unknown_student_and_an_empty_folder_are_said(home):
    with pytest.raises(CourseError, match="zoe"):
        grade(home, students=("zoe",))
    (home / "empty").mkdir()
    with pytest.raises(CourseError, match="no student"):
        batch.run(replace(settings_of(home), folder=home / "empty"), print)


@pytest.mark.parametrize("out", ["/proc/nowhere", "/dev/null/out", "FILE"])
def test_a_place_where_nothing_can_be_written_is_said(home, out, capsys):
    (home / "FILE").write_text("a file, not a folder")
    line = ["grade", "02", "--submissions", str(home / "submissions"), "--labs", str(home / "labs")]
    assert main([*line, "--out", str(home / out)]) == 1
    assert "Nothing can be written" in capsys.readouterr().err
