"""The whole suite is shared by processes; what somebody picked runs in one, and pytest gets every other argument."""

import argparse
import os

import pytest

from cli import test as tests
from utils.errors import CourseError


@pytest.fixture
def started(monkeypatch):
    """`course.py test` without the tests; returns what pytest would get."""
    given = []
    monkeypatch.setattr(pytest, "main", lambda arguments: given.append(arguments) or 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(os, "chdir", lambda folder: None)
    monkeypatch.setenv("OMP_NUM_THREADS", "9")  # so that what a test sets is taken back
    monkeypatch.delenv("OMP_NUM_THREADS")

    def start(*line: str) -> list[str]:
        parser = argparse.ArgumentParser()
        tests.add_arguments(parser)
        known, rest = parser.parse_known_args(line)
        known.rest = rest
        assert tests.main(known) == 0
        return given[-1]

    return start


def test_the_whole_suite_is_shared_with_a_file_in_one_process_and_a_share_of_the_cores_each(started):
    assert started() == ["-n", "2", *tests.BY_FILE]
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert started("--nightly") == ["-n", "2", *tests.BY_FILE, "--nightly"]


@pytest.mark.parametrize("line", [["tests/cli"], ["-k", "slider"], ["--workers", "0"]])
def test_what_somebody_picked_runs_in_this_process(started, line):
    assert "-n" not in started(*line)
    assert "OMP_NUM_THREADS" not in os.environ


def test_the_number_of_processes_can_be_said_for_a_choice_too(started):
    assert started("--workers", "3", "tests/utils") == ["-n", "3", *tests.BY_FILE, "tests/utils"]


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Labs 01 and 04, the second with an exercise."""
    for name, text in (("01_first", ""), ("04_new", '"grade_id": "check_squares"')):
        source = tmp_path / "solutions" / name / f"{name}.py"
        source.parent.mkdir(parents=True)
        source.write_text(text)
    monkeypatch.setattr(tests, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("number", ["4", "04", "04_new"])
def test_the_tests_of_a_lab_are_chosen_by_its_number_or_name_and_shared(course, started, number):
    assert started("--lab", number) == ["-n", "2", *tests.BY_FILE, "--lab", "04"]


def test_the_tests_of_an_exercise_are_chosen_by_its_name(course, started):
    assert started("squares", "-x") == ["--exercise", "squares", "-x"]
    assert started("-k", "squares") == ["-k", "squares"], "there it is pytest's"


def test_a_word_that_is_neither_path_nor_exercise_and_an_unknown_lab_are_said(course, started):
    (course / "tests").mkdir()
    assert started("tests") == ["tests"]
    with pytest.raises(CourseError, match=r"'square' is neither a path nor an exercise. The exercises are: squares\."):
        started("square")
    with pytest.raises(CourseError, match=r"no lab '12'. There are: 01_first, 04_new\."):
        started("--lab", "12")
