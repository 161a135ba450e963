"""A notebook on its own finds or fetches the course, and installs what is missing without touching the host's torch."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from utils.machine import bootstrap
from utils.machine.bootstrap import CannotStartError
from utils.machine.workspace import ROOT

CELL = (ROOT / "grader" / "notebook" / "set_up.py").read_text(encoding="utf-8")
posix = pytest.mark.skipif(os.name == "nt", reason="uses a shell script and signals")


@pytest.fixture
def pip(monkeypatch):
    """pip that installs nothing and notes what it was asked.

    `pip.answers` are its exit codes and words, the last one stays; `pip.does` is called when it succeeds.
    """

    noted = SimpleNamespace(calls=[], held=[], answers=[(0, "")], does=lambda: None)

    def run(command, **settings):
        noted.calls.append(command)
        noted.held.append(Path(command[command.index("--constraint") + 1]).read_text(encoding="utf-8"))
        code, words = noted.answers.pop(0) if len(noted.answers) > 1 else noted.answers[0]
        if code == 0:
            noted.does()
        return subprocess.CompletedProcess(command, code, "", words)

    monkeypatch.setattr(subprocess, "run", run)
    return noted


@pytest.fixture
def host(monkeypatch):
    """Which versions are installed; nothing is imported yet."""
    versions = {"torch": "2.9.0+cu126", "numpy": "1.26.4", "transformers": "5.1.0", "tqdm": "4.67", "pandas": "2.2.2"}
    monkeypatch.setattr(bootstrap, "installed_version", lambda name: versions.get(name, ""))
    monkeypatch.setattr(bootstrap, "distributions_in_use", set)
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


def test_a_missing_numpy_is_nobodys_and_is_installed(requirements, host, pip):
    del host["numpy"]
    bootstrap.install_missing(requirements, lambda words: None)
    assert pip.calls[0][-1] == "numpy>=1.26"


def test_a_missing_torch_is_the_readers_to_choose_and_nothing_is_downloaded(requirements, host, pip):
    del host["torch"], host["tqdm"]
    with pytest.raises(CannotStartError, match=r"torch is not installed here.*pytorch\.org.*course\.py lab"):
        bootstrap.install_missing(requirements, lambda words: None)
    assert pip.calls == []


def test_what_opens_and_builds_notebooks_is_not_asked_for(requirements, host, pip):
    requirements.write_text("jupyterlab>=4\nipykernel>=6.29\nnbgrader>=0.9\nruff>=0.9\n")
    bootstrap.install_missing(requirements)
    assert pip.calls == []


def test_what_this_session_has_imported_is_held_too(requirements, host, pip, monkeypatch):
    del host["tqdm"]
    monkeypatch.setattr(bootstrap, "distributions_in_use", lambda: {"pandas"})
    bootstrap.install_missing(requirements, lambda words: None)
    assert "pandas==2.2.2\n" in pip.held[0] and "transformers" not in pip.held[0]


def test_what_is_imported_is_known_by_its_packages_name():
    in_use = bootstrap.distributions_in_use()
    assert {"pytest", "packaging"} <= in_use and "ruff" not in in_use


def test_where_holding_what_is_in_use_cannot_be_the_restart_is_announced_and_asked_for(
    requirements, host, pip, monkeypatch
):
    del host["tqdm"]
    monkeypatch.setattr(bootstrap, "distributions_in_use", lambda: {"pandas"})
    pip.answers = [(1, "ERROR: Cannot install tqdm\nERROR: ResolutionImpossible: for help"), (0, "")]
    pip.does = lambda: host.update(pandas="3.0.0")
    said = []
    with pytest.raises(CannotStartError, match=r"Restart the session now.*pandas"):
        bootstrap.install_missing(requirements, said.append)
    assert "must be restarted afterwards" in said[1]
    assert "pandas" not in pip.held[1] and "torch==" in pip.held[1]


def test_a_package_in_use_is_announced_first_and_asks_for_a_restart(requirements, host, pip, monkeypatch):
    host["transformers"] = "4.40.0"
    monkeypatch.setattr(bootstrap, "distributions_in_use", lambda: {"transformers"})
    pip.does = lambda: host.update(transformers="5.1.0")
    said = []
    with pytest.raises(CannotStartError, match=r"Restart the session now and run this cell again .*transformers"):
        bootstrap.install_missing(requirements, said.append)
    assert "Then restart the session, for transformers is in use" in said[0]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("ERROR: No matching distribution found for tqdm>=4.66", "No matching distribution found for tqdm>=4.66"),
        ("error: externally-managed-environment\n\nhint: See PEP 668", "externally-managed-environment"),
        ("/usr/bin/python3: No module named pip", "No module named pip"),
    ],
)
def test_a_failed_install_is_a_sentence_with_the_reason(requirements, host, pip, words, reason):
    del host["tqdm"]
    pip.answers = [(1, words)]
    with pytest.raises(CannotStartError) as caught:
        bootstrap.install_missing(requirements, lambda words: None)
    assert str(caught.value).startswith("tqdm could not be installed (") and reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        (
            "connection error: [Errno 111] Connection refused",
            "no package index answers (https://index: connection refused",
        ),
        (
            "connection error: OSError('Tunnel connection failed: 407 Proxy X')",
            "the proxy asks for a name and a password",
        ),
    ],
)
def test_pip_is_asked_again_why_it_found_nothing(requirements, host, pip, why, reason):
    del host["tqdm"]
    first = "ERROR: No matching distribution found for tqdm>=4.66"
    pip.answers = [(1, first), (1, f"Could not fetch URL https://index/simple/tqdm/: {why} - skipping\n{first}")]
    with pytest.raises(CannotStartError) as caught:
        bootstrap.install_missing(requirements, lambda words: None)
    assert str(caught.value).startswith(f"tqdm could not be installed (tqdm>=4.66 is missing: {reason}")


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
    (folder / "utils" / "machine").mkdir(parents=True)
    needed = ("__init__", "errors", "machine/__init__", "machine/bootstrap", "machine/own_names", "machine/pip_reasons")
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
