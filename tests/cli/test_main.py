"""Verbs are found by their files, and a user's mistake is one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli import __main__ as dispatcher
from utils.errors import CourseError

ROOT = Path(dispatcher.__file__).resolve().parent.parent


def test_a_module_that_appears_is_a_verb_and_a_private_one_is_not(tmp_path):
    (tmp_path / "shout.py").write_text('"""Say it louder.\n\nMuch louder.\n"""\nraise RuntimeError("imported")\n')
    (tmp_path / "_helper.py").write_text("")
    assert dispatcher.find_verbs(tmp_path) == {"shout": "Say it louder."}


def test_every_verb_has_a_line_of_help():
    assert {"run", "test", "doctor"} <= dispatcher.find_verbs().keys()
    assert all(dispatcher.find_verbs().values())


@pytest.mark.parametrize("verb", ["run", "test", "doctor"])
def test_help_waits_for_no_heavy_import(verb):
    program = (
        f"import sys, runpy; sys.argv = ['cli', '{verb}', '--help']\n"
        "try: runpy.run_module('cli', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print([name for name in ('torch', 'pytest', 'jupytext', 'rich') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"usage: course.py {verb}" in result.stdout
    assert result.stdout.endswith("\n[]\n")


def test_an_unknown_verb_lists_those_there_are(capsys):
    assert dispatcher.main(["dance"]) == 2
    assert "no verb 'dance'. There are: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "code", "words"), [(CourseError("alpha is 2."), 1, "alpha is 2."), (KeyboardInterrupt(), 130, "stopped")]
)
def test_a_users_mistake_and_an_interrupt_are_a_sentence_and_an_exit_code(monkeypatch, capsys, raised, code, words):
    def call(verb: str, arguments: list[str]) -> int:
        raise raised

    monkeypatch.setattr(dispatcher, "call", call)
    assert dispatcher.main(["doctor"]) == code
    assert words in capsys.readouterr().err


def test_pytest_gets_its_arguments_in_their_order(monkeypatch):
    received: list[str] = []
    monkeypatch.setattr("pytest.main", lambda arguments: received.extend(arguments) or 5)
    monkeypatch.chdir(ROOT)
    assert dispatcher.main(["test", "-k", "loss and not slow", "--nightly", "tests/utils", "-x"]) == 5
    assert received == ["--nightly", "-k", "loss and not slow", "tests/utils", "-x"]


@pytest.mark.parametrize(("option", "expected"), [([], 1), (["--nightly"], 2), (["-m", "nightly"], 1)])
def test_slow_tests_run_only_when_asked_for(tmp_path, option, expected):
    source = "import pytest\ndef test_quick(): pass\n@pytest.mark.nightly\ndef test_slow(): pass\n"
    (tmp_path / "test_two.py").write_text(source)
    (tmp_path / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = nightly: slow\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *option]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert f"{expected} passed" in result.stdout


def test_a_letter_that_an_old_encoding_lacks_ends_nothing(tmp_path):
    program = "import sys; from cli import __main__ as cli; cli.main([]); print('│ Łucja')"
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    assert result.stdout.rstrip().endswith(b"? ?ucja")
