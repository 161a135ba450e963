"""The set-up cell finds the course or fetches it, once and whole, and says in a sentence what cannot be done."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from utils.machine.workspace import ROOT

CELL = (ROOT / "grader" / "notebook" / "set_up.py").read_text(encoding="utf-8")
posix = pytest.mark.skipif(os.name == "nt", reason="uses a shell script and signals")


@pytest.fixture
def repository(tmp_path) -> Path:
    """A git repository with as much of the course as the set-up cell needs."""
    folder = tmp_path / "repository"
    (folder / "utils" / "machine").mkdir(parents=True)
    needed = (
        "__init__",
        "errors",
        "moved",
        "machine/__init__",
        "machine/bootstrap",
        "machine/own_names",
        "machine/pip_reasons",
    )
    needed += ("machine/waiting",)
    for name in ("course.py", "requirements.txt", *(f"utils/{module}.py" for module in needed)):
        shutil.copy(ROOT / name, folder / name)
    identity = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "A course"]):
        subprocess.run(["git", *identity, *command], cwd=folder, check=True)
    return folder


@pytest.fixture
def empty(tmp_path) -> Path:
    """A folder as a reader has it, with spaces and other letters in its name."""
    folder = tmp_path / "Für Łucja, 学"
    folder.mkdir()
    return folder


def start_cell(folder: Path, address: str = "", **settings: str) -> subprocess.Popen:
    """Start the set-up cell in a folder as a Python that knows nothing of the course."""
    code = CELL.replace('or "ADDRESS"', f"or {address!r}") + "\nprint('root', sys.path[0])"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COURSE_")}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment | {"PYTHONUTF8": "1"} | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def end_cell(process: subprocess.Popen) -> subprocess.CompletedProcess:
    out, errors = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


def run_cell(folder: Path, address: str = "", **settings: str) -> subprocess.CompletedProcess:
    return end_cell(start_cell(folder, address, **settings))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fake_git(folder: Path, script: str) -> str:
    """A PATH on which git is a shell script."""
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "git").chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_a_notebook_in_an_empty_folder_fetches_the_course_once(empty, repository):
    first, second = (run_cell(empty, repository.as_uri()) for _ in range(2))
    assert first.returncode == second.returncode == 0, first.stderr
    assert first.stdout.startswith("Fetching the course (about ")
    assert first.stdout.splitlines()[-1] == second.stdout.strip() == f"root {empty / 'distillation-course'}"
    assert names(empty) == ["distillation-course"]


def test_an_environment_variable_overrides_the_address(empty, repository):
    done = run_cell(empty, "file:///nowhere", COURSE_ADDRESS=repository.as_uri())
    assert done.returncode == 0, done.stderr


def test_a_notebook_inside_the_course_finds_it_from_any_depth(repository):
    deep = repository / "my_labs" / "02"
    deep.mkdir(parents=True)
    assert run_cell(deep).stdout == f"root {repository}\n"
    assert run_cell(deep.parents[3], COURSE_ROOT=str(repository)).stdout == f"root {repository}\n"


def test_a_course_that_was_unpacked_beside_the_notebook_is_found_under_any_name(empty, repository):
    unpacked = shutil.move(repository, empty / "course-main")
    shutil.rmtree(unpacked / ".git")
    assert run_cell(empty).stdout == f"root {unpacked}\n"


def test_two_notebooks_that_start_at_once_share_one_course(empty, repository):
    both = [end_cell(process) for process in [start_cell(empty, repository.as_uri()) for _ in range(2)]]
    assert [done.returncode for done in both] == [0, 0], both
    assert names(empty) == ["distillation-course"]


@posix
def test_a_fetch_that_was_killed_leaves_nothing_in_the_way(empty, repository, tmp_path):
    hanging = fake_git(
        tmp_path / "bin", 'for last; do :; done; mkdir -p "$last/utils"; touch "$last/course.py"; sleep 5'
    )
    process = start_cell(empty, repository.as_uri(), PATH=hanging)
    while not list(empty.glob(".fetching-*/course/course.py")):
        assert process.poll() is None, end_cell(process)
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert run_cell(empty, repository.as_uri()).returncode == 0
    assert names(empty) == ["distillation-course"]


@pytest.mark.parametrize("left", ["README.md", ".git/config", "utils/machine/bootstrap.py"])
def test_half_a_course_is_put_aside_and_fetched_anew(empty, repository, left):
    clone = empty / "distillation-course"
    if left == "utils/machine/bootstrap.py":  # killed while git wrote the files: it writes its index last
        shutil.copytree(repository, clone)
        (clone / ".git" / "index").unlink()
    else:
        (clone / left).parent.mkdir(parents=True)
        (clone / left).write_text("mine")
    done = run_cell(empty, repository.as_uri())
    assert done.returncode == 0, done.stderr
    aside = [name for name in names(empty) if name.startswith("distillation-course.unfinished-")]
    assert len(aside) == 1 and (empty / aside[0] / left).is_file()


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    folder = tmp_path / "read_only"
    folder.mkdir(mode=0o555)
    if os.access(folder, os.W_OK):  # root may write everywhere but to the kernel's own folders
        folder = Path("/sys")
    if not folder.is_dir():
        pytest.skip("every folder can be written here")
    done = run_cell(folder, "file:///nowhere")
    assert f"Nothing can be written to {folder}" in done.stderr.splitlines()[-1]


@posix
def test_a_password_is_never_waited_for_and_gits_own_reason_is_told(empty, tmp_path):
    answer = 'echo "fatal: prompts $GIT_TERMINAL_PROMPT" >&2; echo "Please make sure." >&2; exit 128'
    done = run_cell(empty, "https://example.org/course", PATH=fake_git(tmp_path / "bin", answer))
    assert "could not be fetched from https://example.org/course (fatal: prompts 0). Check" in done.stderr
    assert names(empty) == []


def test_an_address_that_holds_another_repository_is_said(empty, repository):
    subprocess.run(["git", "rm", "--quiet", "utils/machine/bootstrap.py"], cwd=repository, check=True)
    identity = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    subprocess.run(["git", *identity, "commit", "--quiet", "-m", "Another"], cwd=repository, check=True)
    assert "(it holds no course)" in run_cell(empty, repository.as_uri()).stderr
    assert names(empty) == []


@pytest.mark.parametrize(
    ("address", "settings", "sentence"),
    [
        ("", {}, "this notebook knows no address to fetch it from. Move the notebook into the course's folder; or"),
        ("file:///nowhere", {}, "The course could not be fetched from file:///nowhere (fatal: "),
        ("file:///nowhere", {"PATH": ""}, "there is no git here. Install git"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(empty, address, settings, sentence):
    done = run_cell(empty, address, **settings)
    assert done.returncode == 1 and sentence in done.stderr.splitlines()[-1]
    assert names(empty) == []


def test_jupyter_shows_the_sentence_and_no_trace(empty):
    code = f"import os; os.chdir({str(empty)!r})\n" + CELL.replace('or "ADDRESS"', 'or ""')
    program = "import sys; from IPython.core.interactiveshell import InteractiveShell as Shell;"
    program += "print('success', Shell.instance().run_cell(sys.stdin.read()).success)"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COURSE_")}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, input=code, env=environment, capture_output=True, encoding="utf-8")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("The course is not in ") and lines[1:] == ["success False"]


def put_beside(folder: Path, kind: str) -> Path:
    path = folder / ("utils.py" if kind == "module" else "utils/__init__.py")
    path.parent.mkdir(exist_ok=True)
    path.write_text("def mine(): ...\n")
    return path


@pytest.mark.parametrize("kind", ["module", "package"])
@pytest.mark.parametrize("before", ["", "import utils; utils.mine()", "sys.path.append(os.environ['COURSE_ROOT'])"])
def test_a_utils_beside_the_notebook_is_set_aside_and_named(empty, repository, kind, before):
    """A kernel's path begins with the notebook's folder, and in the course's .venv it ends with the course."""
    mine = put_beside(empty, kind)
    code = (
        f"import os, sys; sys.path.insert(0, '')\n{before}\n{CELL}\nimport utils.errors; print(utils.errors.__file__)"
    )
    environment = {**os.environ, "COURSE_ROOT": str(repository)}
    done = subprocess.run([sys.executable, "-c", code], cwd=empty, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said, found = done.stdout.splitlines()
    assert said == f"Here `import utils` means the course's. Rename {mine} if you want to import it in this notebook."
    assert found == str(repository / "utils" / "errors.py")


def test_a_second_run_of_the_cell_keeps_the_course_s_own_modules(empty, repository):
    code = (
        f"{CELL}\nimport utils.errors as first\n{CELL}\nimport utils.errors; print(utils.errors is first, sys.path[0])"
    )
    environment = {**os.environ, "COURSE_ROOT": str(repository)}
    done = subprocess.run([sys.executable, "-c", code], cwd=empty, env=environment, capture_output=True, text=True)
    assert done.stdout == f"True {repository}\n", done.stderr
