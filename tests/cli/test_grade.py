"""`grade` and `report` find the lab they are asked for, and say in a sentence what is missing."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from cli.__main__ import main
from cli.grade import Bar, find_release
from grader.marking.batch import Summary
from grader.marking.journal import Entry
from grader.marking.judge import Result
from tests.grader.fixture_lab import NAME, save_release
from utils.errors import CourseError


@pytest.mark.parametrize("asked", ["02", "2", NAME])
def test_a_lab_is_found_by_number_or_name(tmp_path, asked):
    path = save_release(tmp_path / "labs")
    assert find_release(asked, tmp_path / "labs") == path
    assert find_release(asked, tmp_path / "labs" / NAME) == path


def test_a_lab_that_is_not_there_is_said_with_those_that_are(tmp_path):
    save_release(tmp_path / "labs")
    with pytest.raises(CourseError, match=f"no released lab 07 .*{NAME}"):
        find_release("07", tmp_path / "labs")


@pytest.mark.parametrize("jobs", ["0", "-1"])
def test_impossible_settings_are_refused(tmp_path, capsys, jobs):
    line = ["grade", "02", "--submissions", str(tmp_path), "--out", str(tmp_path / "out"), "--jobs", jobs]
    assert main(line) == 1
    assert "must be positive" in capsys.readouterr().err


def test_submissions_that_are_not_there_are_said(tmp_path, capsys):
    save_release(tmp_path / "labs")
    line = ["grade", "02", "--submissions", str(tmp_path / "none"), "--out", str(tmp_path / "out")]
    assert main([*line, "--labs", str(tmp_path / "labs")]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_going_on_without_a_sandbox_is_loud(tmp_path, capsys):
    save_release(tmp_path / "labs")
    line = ["grade", "02", "--submissions", str(tmp_path / "none"), "--out", str(tmp_path / "out"), "--no-sandbox"]
    assert main([*line, "--labs", str(tmp_path / "labs")]) == 1
    assert "NO SANDBOX" in capsys.readouterr().err


def test_a_report_without_results_says_what_to_do_first(tmp_path, capsys):
    assert main(["report", "02", "--out", str(tmp_path)]) == 1
    assert "grade first" in capsys.readouterr().err


@pytest.mark.parametrize("out", ["submitted", "submitted/graded"])
def test_results_are_not_written_among_the_students(tmp_path, capsys, out):
    save_release(tmp_path / "labs")
    line = ["grade", "02", "--submissions", str(tmp_path / "submitted"), "--out", str(tmp_path / out)]
    assert main([*line, "--labs", str(tmp_path / "labs")]) == 1
    assert "where every folder is a student" in capsys.readouterr().err
    assert not (tmp_path / out).exists()


def concluded(capsys, *entries: Entry, **summary: object) -> str:
    """What `grade` says at the end."""
    Bar().conclude(
        Summary(entries, seed=1, graded=len(entries), seconds=1.0, **summary),
        SimpleNamespace(out=Path("graded"), db="book"),
    )
    return capsys.readouterr().out


def entry(student: str, status: str = "ok", score: float | None = 1.0, **about: object) -> Entry:
    return Entry(student, NAME, "key", 0.1, (Result("squares", score, 1.0, status, ""),) * 2, (), **about)


def test_the_summary_names_whose_submission_could_not_be_read(capsys):
    said = concluded(capsys, entry("ann"), entry("bob", "unreadable", 0.0))
    assert "1 could not be read; why is in results.csv: 'bob'." in said


def test_the_summary_names_who_handed_in_other_files_and_what_is_no_student_s(capsys):
    said = concluded(capsys, entry("ann", notes=("Also there: x.py.",)), entry("bob"), apart=("__MACOSX", "x.zip"))
    assert "1 handed in not just the notebook; notes in results.csv say what: 'ann'." in said
    assert "No student's, and not graded: '__MACOSX', 'x.zip'." in said
    assert "No student's" not in concluded(capsys, entry("bob"))
