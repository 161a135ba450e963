"""A batch may be stopped at any moment, run again, changed and marked by hand, and its results stay true."""

import contextlib
import csv
import functools
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from nbgrader.api import Gradebook

from cli.__main__ import main
from grader.marking import batch, judge
from grader.marking.journal import Journal
from grader.marking.matching import Task, read_release
from grader.sandbox import importable
from grader.sandbox.client import ServerGone
from grader.sandbox.limits import Limits
from grader.sandbox.process import ServerProcess
from tests.grader.fixture_lab import NAME, POINTS, RIGHT, WRITTEN, cell, honest, notebook, released, save, save_release
from utils.errors import CourseError
from utils.machine.workspace import ROOT

CONFINED = sys.platform == "linux" and (shutil.which("bwrap") is not None or bool(os.environ.get("CI")))
LIMITS = Limits(cell_seconds=20.0, ask_seconds=20.0)
WRONG = "def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):\n    return 1 / 0"
MARKUP = WRONG.replace("return 1 / 0", "raise ValueError('<script>alert(1)</script>')")


SHARED: list[ServerProcess] = []


@pytest.fixture(scope="module", autouse=True)
def shared():
    """One server for all gradings of this module, and one table of an exercise for each seed: both take seconds."""

    @functools.cache
    def drawn(tasks: tuple[Task, ...], seed: int) -> tuple:
        return judge.questions(SimpleNamespace(name=NAME, tasks=tasks), seed)

    with ServerProcess(CONFINED) as started, pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "questions", lambda lab, seed, texts: drawn(lab.tasks, seed))
        SHARED.append(started)
        yield
        SHARED.clear()


@pytest.fixture
def home(tmp_path):
    return furnished(tmp_path)


def furnished(home: Path) -> Path:
    """A course folder with a released lab and five submissions."""
    save_release(home / "labs")
    folder = home / "submissions"
    save(folder, "anna", honest())
    save(folder, "bob", released(RIGHT | {"distillation_loss": WRONG}))
    save(folder, "carl", released())
    save(folder, "dora", b"not a notebook")
    save(folder, "emil", released({"distillation_loss": MARKUP, "train_step": RIGHT["train_step"]}))
    return home


def settings_of(home: Path, **changes: object) -> batch.Settings:
    lab = read_release(home / "labs" / NAME / f"{NAME}.ipynb")
    options = {"db": str(home / "out" / "gradebook.db"), "confined": CONFINED, "limits": LIMITS, "seed": 7} | changes
    return batch.Settings(lab, home / "submissions", home / "out", **options)


def grade(home: Path, **changes: object) -> tuple[dict[tuple[str, str], dict], list[str]]:
    """(rows of results.csv, students that were graded anew)."""
    anew = []

    def tell(progress: batch.Progress) -> None:
        if not progress.again:
            anew.append(progress.entry.student)

    batch.run(settings_of(home, **changes), tell, SHARED[0])
    with open(home / "out" / "results.csv", newline="", encoding="utf-8") as file:
        rows = {(row["student"], row["exercise"]): row for row in csv.DictReader(file)}
    return rows, sorted(anew)


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


@contextlib.contextmanager
def gradebook(home):
    with Gradebook(f"sqlite:///{home / 'out' / 'gradebook.db'}") as book:
        yield book
        book.db.commit()


def mark(home, student: str, **marks: float) -> None:
    """What formgrader keeps when somebody gives points."""
    with gradebook(home) as book:
        for cell_of_it, score in marks.items():
            given = book.find_grade(cell_of_it, NAME, NAME, student)
            given.manual_score, given.needs_manual_grade = score, False


def hand_in(home, student: str, content: dict) -> None:
    (home / "submissions" / student / f"{NAME}.ipynb").write_text(json.dumps(content))


def seen(row: dict) -> tuple[str, str]:
    return row["score"], row["status"]


def test_a_mark_counts_for_the_answer_it_was_given_for_alone(home, capsys):
    """A later answer waits for another look; until then the machine's score counts, or none."""
    only = {"students": ("bob",)}
    hand_in(home, "bob", released({"perplexity": RIGHT["perplexity"], "distillation_loss": WRONG}, "Old essay."))
    grade(home, **only)
    mark(home, "bob", check_distillation_loss=2.0, **{WRITTEN: 4.0})
    rows, _ = grade(home, **only)
    assert seen(rows["bob", "distillation_loss"]) == ("2", "partial") and seen(rows["bob", WRITTEN]) == ("4", "partial")

    hand_in(home, "bob", released(RIGHT, "New essay."))
    rows, _ = grade(home, **only)
    assert seen(rows["bob", "distillation_loss"]) == ("4", "stale")
    assert "marked 2 of 4 by hand, before the last change" in rows["bob", "distillation_loss"]["message"]
    assert seen(rows["bob", WRITTEN]) == ("", "stale")
    assert "By hand: 2 were marked before the last change" in page_of(home, "bob")
    rows, anew = grade(home, **only)
    assert not anew and seen(rows["bob", WRITTEN]) == ("", "stale")

    mark(home, "bob", check_distillation_loss=4.0, **{WRITTEN: 5.0})
    rows, _ = grade(home, **only)
    assert seen(rows["bob", "distillation_loss"]) == ("4", "ok") and seen(rows["bob", WRITTEN]) == ("5", "ok")


def page_of(home, student: str) -> str:
    return (home / "out" / "feedback" / student / f"{NAME}.html").read_text().replace("; by hand,", " By hand:")


def test_a_mark_stays_where_its_answer_did(home):
    """Another answer of the notebook has changed, or all is graded again."""
    grade(home, students=("anna",))
    mark(home, "anna", **{WRITTEN: 4.0})
    hand_in(home, "anna", released(RIGHT | {"perplexity": WRONG}, honest()["cells"][-1]["source"]))
    for again in (False, True):
        rows, anew = grade(home, students=("anna",), again=again)
        assert anew == ["anna"] and seen(rows["anna", WRITTEN]) == ("4", "partial")


def test_a_grading_that_was_killed_before_the_gradebook_knew_forgets_no_stale_mark(home, monkeypatch):
    grade(home, students=("anna",))
    mark(home, "anna", **{WRITTEN: 4.0})
    hand_in(home, "anna", released(RIGHT, "Another essay."))
    monkeypatch.setattr(batch.gradebook, "record", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        grade(home, students=("anna",))
    monkeypatch.undo()
    rows, anew = grade(home, students=("anna",))
    assert not anew and seen(rows["anna", WRITTEN]) == ("", "stale")


def test_other_points_run_nothing_again_and_marks_by_hand_keep_their_share(home):
    grade(home, students=("anna", "bob"))
    mark(home, "anna", **{WRITTEN: 4.0})
    path = home / "labs" / NAME / f"{NAME}.ipynb"
    path.write_text(path.read_text().replace('"points": 4.0', '"points": 8.0').replace('"points": 5.0', '"points": 10'))
    told = []
    summary = batch.run(
        settings_of(home, students=("anna", "bob")), lambda progress: told.append(progress.again), SHARED[0]
    )
    assert told == [True, True]
    assert summary.points == (
        "check_distillation_loss gives 8 points instead of 4.",
        f"{WRITTEN} gives 10 points instead of 5. 1 by hand were rescaled with it.",
    )
    rows, _ = grade(home, students=("anna", "bob"))
    assert seen(rows["anna", "distillation_loss"]) == ("8", "ok") and seen(rows["bob", "distillation_loss"]) == (
        "0",
        "wrong",
    )
    assert seen(rows["anna", WRITTEN]) == ("8", "partial") and rows["anna", WRITTEN]["max_score"] == "10"
    with gradebook(home) as book:
        assert book.find_grade("check_distillation_loss", NAME, NAME, "anna").auto_score == 8.0
        assert book.find_submission(NAME, "anna").max_score == 8.0 + 3.0 + 3.0 + 10.0


def test_points_that_were_none_cannot_be_rescaled(home):
    path = home / "labs" / NAME / f"{NAME}.ipynb"
    whole = path.read_text()
    path.write_text(whole.replace('"points": 4.0', '"points": 0').replace('"points": 5.0', '"points": 0'))
    grade(home, students=("anna",))
    mark(home, "anna", **{WRITTEN: 1.0})
    path.write_text(whole)
    rows, anew = grade(home, students=("anna",))
    assert anew == ["anna"] and seen(rows["anna", "distillation_loss"]) == ("4", "ok")
    assert seen(rows["anna", WRITTEN]) == ("", "stale")


def test_marks_of_one_lab_stay_in_the_results_when_another_is_graded(home):
    grade(home, students=("anna",))
    mark(home, "anna", **{WRITTEN: 4.0})
    first = settings_of(home).lab
    second = home / "labs" / "03_other" / "03_other.ipynb"
    second.parent.mkdir()
    second.write_text((home / "labs" / NAME / f"{NAME}.ipynb").read_text())
    save(home / "more", "anna", honest()).rename(home / "more" / "anna" / "03_other.ipynb")
    settings = replace(settings_of(home), lab=read_release(second), folder=home / "more", others=(first,))
    batch.run(settings, lambda progress: None, SHARED[0])
    with open(home / "out" / "results.csv", newline="", encoding="utf-8") as file:
        rows = {(row["lab"], row["exercise"]): row for row in csv.DictReader(file)}
    assert seen(rows[NAME, WRITTEN]) == ("4", "partial") and seen(rows["03_other", WRITTEN]) == ("", "waiting")


def test_again_grades_what_has_not_changed(home):
    both = ("anna", "carl")
    grade(home, students=both)
    assert grade(home, students=both, again=True)[1] == ["anna", "carl"]
    assert grade(home, students=("carl",), again=True)[1] == ["carl"]
    assert grade(home, students=both)[1] == []


def test_other_packages_mean_another_grading_and_are_named(home, monkeypatch):
    students = {"students": ("carl",)}
    grade(home, **students)
    found = importable.versions()
    monkeypatch.setattr(importable, "versions", lambda: (*found, "scipy-99.0"))
    summary = batch.run(settings_of(home, **students), lambda progress: None, SHARED[0])
    assert (summary.graded, summary.news) == (1, ("scipy-99.0",))
    summary = batch.run(settings_of(home, **students), lambda progress: None, SHARED[0])
    assert (summary.graded, summary.news) == (0, ())


def test_the_packages_of_this_python_are_among_what_a_result_depends_on():
    versions = importable.versions()
    assert f"numpy-{np.__version__}" in versions and any(each.startswith("Python-3") for each in versions)


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


def test_the_same_seed_gives_the_same_messages_and_another_other_probes(home):
    first, _ = grade(home)
    shutil.rmtree(home / "out")
    second, _ = grade(home)
    assert first == second
    assert Journal(home / "out", NAME).seed(None, 99) == 7


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
    with pytest.raises(CourseError, match="gradebook"):
        grade(home, db=str(other))


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
