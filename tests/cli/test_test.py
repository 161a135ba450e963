"""The whole suite is shared by processes; what somebody picked runs in one, and pytest gets every other argument."""

import argparse
import os

import pytest

from cli import test as tests


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
