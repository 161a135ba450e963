"""A notebook on its own finds or fetches the course, and installs what is missing without touching the host's torch."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from utils import bootstrap

ROOT = Path(__file__).resolve().parents[2]
CELL = (ROOT / "grader" / "templates" / "set_up.py").read_text(encoding="utf-8")


@pytest.fixture
def pip(monkeypatch):
    """pip that installs nothing and notes what it was asked; `pip.answer` is its exit code and its words."""

    noted = SimpleNamespace(calls=[], held=[], answer=(0, ""))

    def run(command, **settings):
        noted.calls.append(command)
        noted.held.append(Path(command[command.index("--constraint") + 1]).read_text())
        return subprocess.CompletedProcess(command, noted.answer[0], "", noted.answer[1])

    monkeypatch.setattr(subprocess, "run", run)
    return noted


@pytest.fixture
def host(monkeypatch):
    """Which versions are installed."""
    versions = {"torch": "2.9.0+cu126", "numpy": "1.26.4", "transformers": "5.1.0", "tqdm": "4.67"}
    monkeypatch.setattr(bootstrap, "installed_version", lambda name: versions.get(name, ""))
    return versions


@pytest.fixture
def requirements(tmp_path):
    path = tmp_path / "requirements.txt"
    lines = ("# a comment", "torch>=2.8", "numpy>=1.26", "transformers>=5,<6  # why", "tqdm>=4.66", "pytest>=8")
    path.write_text("\n".join(lines))
    return path


def test_where_nothing_is_missing_nothing_happens_and_nothing_is_said(requirements, host, pip):
    said = []
    bootstrap.install_missing(requirements, said.append)
    assert (said, pip.calls) == ([], [])


def test_only_what_is_missing_is_installed_within_its_range_and_the_host_is_held(requirements, host, pip):
    del host["tqdm"]
    said = []
    bootstrap.install_missing(requirements, said.append)
    assert said == ["Installing tqdm>=4.66 (a minute or two)."]
    assert pip.calls[0][-1] == "tqdm>=4.66" and pip.calls[0][-2].endswith("held.txt")
    assert "torch==2.9.0+cu126\n" in pip.held[0] and "numpy==1.26.4\n" in pip.held[0]


@pytest.mark.parametrize("name", ["torch", "numpy"])
def test_an_old_torch_or_numpy_of_the_host_is_said_and_left(requirements, host, pip, name):
    host[name] = "1.0"
    said = []
    bootstrap.install_missing(requirements, said.append)
    assert pip.calls == [] and len(said) == 1 and f"{name}>=" in said[0] and "leaves what is here" in said[0]


def test_a_package_in_use_is_announced_first_and_asks_for_a_restart(requirements, host, pip, monkeypatch):
    host["transformers"] = "4.40.0"
    monkeypatch.setitem(sys.modules, "transformers", object())
    said = []
    with pytest.raises(SystemExit, match="Restart the session now and run this cell again: transformers"):
        bootstrap.install_missing(requirements, said.append)
    assert "Then restart the session, for transformers is in use" in said[0]


def test_a_failed_install_is_one_sentence_with_the_reason(requirements, host, pip):
    del host["tqdm"]
    pip.answer = (1, "WARNING: Retrying\nERROR: No matching distribution found for tqdm>=4.66\n")
    with pytest.raises(SystemExit, match=r"tqdm could not be installed \(No matching distribution found"):
        bootstrap.install_missing(requirements, lambda words: None)


def test_this_environment_has_everything_that_a_notebook_needs(pip):
    said = []
    bootstrap.install_missing(say=said.append)
    assert (said, pip.calls) == ([], [])


def test_a_marker_for_another_system_asks_for_nothing(requirements, host, pip):
    requirements.write_text('winpty>=1; sys_platform == "none"\n')
    bootstrap.install_missing(requirements)
    assert pip.calls == []


@pytest.fixture
def repository(tmp_path) -> Path:
    """A git repository with as much of the course as the set-up cell needs."""
    folder = tmp_path / "repository"
    (folder / "utils").mkdir(parents=True)
    shutil.copy(ROOT / "utils" / "bootstrap.py", folder / "utils")
    for name in ("course.py", "requirements.txt"):
        shutil.copy(ROOT / name, folder)
    identity = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "A course"]):
        subprocess.run(["git", *identity, *command], cwd=folder, check=True)
    return folder


def run_cell(folder: Path, address: str = "", **settings: str) -> subprocess.CompletedProcess:
    """Run the set-up cell in a folder as a Python that knows nothing of the course."""
    code = CELL.replace('or "ADDRESS"', f"or {address!r}") + "\nprint('root', sys.path[0])"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COURSE_")} | settings
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_a_notebook_in_an_empty_folder_fetches_the_course_once(tmp_path, repository):
    empty = tmp_path / "empty"
    empty.mkdir()
    first, second = (run_cell(empty, repository.as_uri()) for _ in range(2))
    assert first.returncode == second.returncode == 0, first.stderr
    assert first.stdout.startswith("Fetching the course (about 30 MB) from file://")
    assert first.stdout.splitlines()[-1] == second.stdout.strip() == f"root {empty / 'distillation-course'}"


def test_an_environment_variable_overrides_the_address(tmp_path, repository):
    done = run_cell(tmp_path, "file:///nowhere", COURSE_ADDRESS=repository.as_uri())
    assert done.returncode == 0, done.stderr


def test_a_notebook_inside_the_course_finds_it_from_any_depth(repository):
    deep = repository / "my_labs" / "02"
    deep.mkdir(parents=True)
    assert run_cell(deep).stdout == f"root {repository}\n"
    assert run_cell(deep.parents[3], COURSE_ROOT=str(repository)).stdout == f"root {repository}\n"


@pytest.mark.parametrize(
    ("address", "settings", "sentence"),
    [
        ("", {}, "The course is not in this folder or above it. Set COURSE_ROOT"),
        ("file:///nowhere", {}, "Nothing could be fetched from file:///nowhere"),
        ("file:///nowhere", {"PATH": ""}, "there is no git here"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(tmp_path, address, settings, sentence):
    done = run_cell(tmp_path, address, **settings)
    assert done.returncode == 1 and sentence in done.stderr and "Traceback" not in done.stderr
