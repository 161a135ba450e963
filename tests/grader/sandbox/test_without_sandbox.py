"""Where bubblewrap is not there: what to install is said, and who goes on without it keeps the limits and the judge."""

import sys
import time
from pathlib import Path

import pytest

from grader.sandbox import bubblewrap
from grader.sandbox.client import Sandbox
from grader.sandbox.process import ServerProcess
from tests.grader.attempts import LIMITS, PROBE, SQUARE, end_of, error_of
from utils.errors import CourseError


@pytest.fixture(scope="module")
def unconfined():
    with ServerProcess(confined=False) as server, Sandbox(server) as opened:
        yield opened


def test_without_a_sandbox_the_limits_hold(unconfined):
    assert end_of(unconfined, "while True: pass", cell_seconds=1.0) == "timeout"
    assert "MemoryError" in error_of(unconfined, "x = bytearray(2 * 10**9)")
    with unconfined.attempt(LIMITS, seed=1) as attempt:
        attempt.run(SQUARE)
        assert attempt.ask("distillation_loss", [PROBE])[0].value == 10.0


@pytest.mark.skipif(sys.platform != "linux", reason="counts processes through /proc")
def test_without_a_sandbox_what_is_left_behind_is_ended(unconfined, tmp_path):
    trace = tmp_path / "trace"
    daemon = f"""
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            open({str(trace)!r}, "a").write("x")
            time.sleep(.02)
    os._exit(0)
time.sleep(.3)
"""
    error_of(unconfined, daemon)
    size = trace.stat().st_size
    time.sleep(0.3)
    assert size and trace.stat().st_size == size


def test_a_missing_bubblewrap_is_said_with_what_to_install(monkeypatch):
    monkeypatch.setattr(bubblewrap.shutil, "which", lambda name: None)
    with pytest.raises(CourseError, match="apt install bubblewrap"):
        bubblewrap.require()


def test_a_sandbox_that_does_not_open_is_said_with_what_to_switch_on():
    text = "bwrap: No permissions to create new namespace, likely because the kernel does not allow it"
    assert "unprivileged_userns_clone" in str(bubblewrap.complaint(text))


def test_the_home_folder_is_never_mounted_as_a_whole():
    assert Path.home() not in bubblewrap.visible_folders()
    assert Path("/") not in bubblewrap.visible_folders()


def test_without_a_sandbox_a_submission_s_files_are_its_own(unconfined):
    assert error_of(unconfined, "open('my_loss.py', 'w').write('x = 1')\nimport my_loss") == ""
    assert "ModuleNotFoundError" in error_of(unconfined, "import my_loss")
