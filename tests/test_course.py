"""The one command: what it makes, what it repairs, and what it says when it cannot. A tiny course with wheels made here
stands in for the real one, so that no network is needed."""

import ast
import json
import os
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import course

ROOT = Path(course.__file__).parent
PROGRAM = "import sys, torch, pkg; print(torch.__version__, pkg.VALUE, sys.argv[1:]); sys.exit(len(sys.argv) - 1)"
linux = pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's namespaces and file locks")


def make_wheel(folder: Path, name: str, version: str, code: str) -> None:
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", code)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/entry_points.txt", f"[console_scripts]\nsay-{name} = {name}:main\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    make_wheel(folder, "torch", "2.13.0+cpu", "__version__ = 'cpu build'\n")
    make_wheel(folder, "pkg", "1.0", "VALUE = 'first'\ndef main(): print('first')\n")
    make_wheel(folder, "pkg", "2.0", "VALUE = 'second'\ndef main(): print('second')\n")
    return folder


def make_course(folder: Path) -> Path:
    needed = ("cli/__init__.py", "cli/_packages.py", "utils/__init__.py", "utils/moved.py", "utils/machine/__init__.py")
    for name in ("course.py", *needed, "utils/machine/pip_reasons.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "cli/__main__.py").write_text(PROGRAM)
    (folder / "requirements.txt").write_text("torch>=2.8\npkg\n")
    (folder / "constraints.txt").write_text("torch==2.13.0\npkg==1.0\n")
    return folder


def surroundings(**settings: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "PYTHON"))}
    return kept | {"PIP_CONFIG_FILE": os.devnull} | settings


def start(folder: Path, *arguments: str, wheels: Path | None = None, before: tuple[str, ...] = (), **settings: str):
    links = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)} if wheels else {}
    command = [*before, sys.executable, str(folder / "course.py"), *(arguments or ["verb"])]
    return subprocess.run(command, capture_output=True, text=True, env=surroundings(**links, **settings), check=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Path:
    """A course that was set up once; tests that change it take a copy."""
    folder = make_course(tmp_path_factory.mktemp("finished") / "course")
    result = start(folder, "a", "b", wheels=wheels)
    assert result.stdout == "cpu build first ['a', 'b']\n", result.stderr
    assert result.returncode == 2, "the program's exit code is the command's"
    assert "GB to download" in result.stderr
    return folder


def copy_course(finished: Path, folder: Path) -> Path:
    return Path(shutil.copytree(finished, folder, symlinks=True))


def test_a_later_start_does_no_work(finished):
    stamp = finished / ".venv/course-stamp.json"
    before = stamp.stat().st_mtime_ns
    result = start(finished, PIP_INDEX_URL="http://127.0.0.1:1")
    assert (result.returncode, result.stderr) == (1, "")
    assert stamp.stat().st_mtime_ns == before


def test_it_starts_from_any_folder(finished, tmp_path):
    command = [sys.executable, str(finished / "course.py"), "verb"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.stdout == "cpu build first ['verb']\n"


def test_a_moved_environment_learns_its_new_place_without_a_network(finished, tmp_path):
    folder = copy_course(finished, tmp_path / "elsewhere")
    result = start(folder, PIP_INDEX_URL="http://127.0.0.1:1")
    assert result.stdout == "cpu build first ['verb']\n"
    assert "moved" in result.stderr
    script = folder / ".venv" / ("Scripts" if os.name == "nt" else "bin") / "say-pkg"
    assert subprocess.run([script], capture_output=True, text=True, check=False).stdout == "first\n"
    assert str(finished) not in script.read_text()
    assert start(folder).stderr == ""


def test_changed_requirements_are_installed_and_nothing_else(finished, tmp_path, wheels):
    folder = copy_course(finished, tmp_path / "course")
    start(folder)
    mark = folder / ".venv/mark"
    mark.touch()
    (folder / "constraints.txt").write_text("torch==2.13.0\npkg==2.0\n")
    assert start(folder, wheels=wheels).stdout == "cpu build second ['verb']\n"
    assert mark.exists(), "an update keeps the environment"


def test_an_update_that_changes_no_version_needs_no_network(finished, tmp_path):
    folder = copy_course(finished, tmp_path / "course")
    (folder / "constraints.txt").write_text("torch==2.13.0\npkg==1.0\nnever-asked-for==1.0\n")
    assert start(folder, PIP_INDEX_URL="http://127.0.0.1:1").stdout == "cpu build first ['verb']\n"


def test_a_half_finished_environment_is_made_again(finished, tmp_path, wheels):
    folder = copy_course(finished, tmp_path / "course")
    (folder / ".venv/course-stamp.json").unlink()
    package = next((folder / ".venv").glob("[lL]ib/**/site-packages/pkg/__init__.py"))
    package.write_text("VALUE = ")  # its dist-info says that it is installed
    result = start(folder, wheels=wheels)
    assert result.stdout == "cpu build first ['verb']\n"
    assert "unfinished" in result.stderr


@pytest.mark.parametrize("loss", ["site-packages/pkg", "bin/python", "course-stamp.json"])
@linux
def test_a_damaged_environment_counts_as_unfinished(finished, tmp_path, monkeypatch, loss):
    folder = copy_course(finished, tmp_path / "course")
    victim = next((folder / ".venv").glob(f"**/{loss}"))
    shutil.rmtree(victim) if victim.is_dir() else victim.unlink()
    monkeypatch.setattr(course, "ROOT", folder)
    monkeypatch.setattr(course, "VENV", folder / ".venv")
    monkeypatch.setattr(course, "STAMP", folder / ".venv/course-stamp.json")
    monkeypatch.setattr(course, "PYTHON", folder / ".venv/bin/python")
    assert course.read_stamp() == {}


@linux
def test_an_interrupt_while_installing_is_one_sentence_and_the_next_start_repairs(tmp_path, wheels):
    folder = make_course(tmp_path / "course")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # an index that takes the call and says nothing
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, folder / "course.py", "verb"], env=surroundings(PIP_INDEX_URL=address),
            start_new_session=True, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        silent.settimeout(300)
        silent.accept()
        os.killpg(process.pid, signal.SIGINT)
        words = process.communicate(timeout=300)[1]
    assert process.returncode == 130
    assert "stopped while setting up" in words
    assert "Traceback" not in words
    assert start(folder, wheels=wheels).stdout == "cpu build first ['verb']\n"


@linux
def test_a_second_start_waits_for_the_first_and_then_does_its_work_not_again(finished, tmp_path):
    import fcntl

    folder = copy_course(finished, tmp_path / "course")
    start(folder)  # it is at home here now
    stamp = folder / ".venv/course-stamp.json"
    content = stamp.read_text()
    stamp.unlink()
    with open(folder / ".venv.lock", "a+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = subprocess.Popen(
            [sys.executable, folder / "course.py", "verb"], env=surroundings(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert "waiting" in process.stderr.readline()
        stamp.write_text(content)
    answer, words = process.communicate(timeout=300)
    assert (answer, words) == ("cpu build first ['verb']\n", "")


@linux
def test_a_read_only_folder_is_said_in_a_sentence_and_a_finished_one_still_works(finished, tmp_path):
    sandbox = shutil.which("bwrap")
    if not sandbox:
        assert not os.environ.get("CI"), "CI must have bubblewrap"
        pytest.skip("bubblewrap is not installed")
    read_only = (sandbox, "--ro-bind", "/", "/", "--dev", "/dev")
    result = start(make_course(tmp_path / "course"), "doctor", before=read_only)
    assert result.returncode == 1
    assert "cannot be written to" in result.stderr
    assert "Traceback" not in result.stderr
    assert start(finished, before=read_only).stdout == "cpu build first ['verb']\n"


def test_help_needs_no_set_up(tmp_path):
    folder = make_course(tmp_path / "course")
    result = start(folder, "--help")
    assert "python3 course.py run 02" in result.stdout
    assert not (folder / ".venv").exists()


def test_the_file_parses_on_the_oldest_python_that_shall_read_its_message():
    ast.parse((ROOT / "course.py").read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("version", [(3, 8, 0), (3, 10, 13), (3, 15, 0)])
def test_a_wrong_python_is_told_the_range_and_the_right_ones_on_path(monkeypatch, version):
    monkeypatch.setattr(sys, "version_info", version)
    monkeypatch.setattr(shutil, "which", lambda name: sys.executable if name == "python3.12" else None)
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(ROOT / "course.py"))
    assert "3.11 to 3.14" in stopped.value.code
    assert ".".join(map(str, version)) in stopped.value.code
    assert "python3.12 course.py" in stopped.value.code


def test_the_last_supported_python_is_the_one_that_ci_tests():
    newest = ".".join(map(str, course.NEWEST))
    assert newest in (ROOT / ".github/workflows/ci.yml").read_text()


def test_a_python_without_venv_is_told_the_system_package(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    package = f"python3.{sys.version_info[1]}-venv"
    with pytest.raises(course.SetupError, match=f"ensurepip.*apt install {package}"):
        course.check_modules()


def test_the_stamp_is_complete_or_absent(finished):
    stamp = json.loads((finished / ".venv/course-stamp.json").read_text())
    assert stamp["root"] == str(finished)
    assert {"torch", "pkg"} <= set(stamp["installed"])


def test_on_windows_a_wrong_python_is_told_of_the_launcher(monkeypatch):
    monkeypatch.setattr(os, "name", "nt")
    words = course.wrong_python()
    assert "py --list" in words and "py -3.14 course.py" in words


def test_what_is_started_reads_and_prints_utf_8_on_every_system(finished):
    main = finished / "cli/__main__.py"
    before = main.read_text(encoding="utf-8")
    try:
        main.write_text("import sys; print(sys.flags.utf8_mode)", encoding="utf-8")
        assert start(finished, LC_ALL="en_US.ISO-8859-1").stdout == "1\n"
    finally:
        main.write_text(before, encoding="utf-8")


@pytest.mark.parametrize("verb", sorted(path.stem for path in (ROOT / "cli").glob("[!_]*.py")))
def test_no_verb_s_help_needs_a_set_up(tmp_path, verb):
    folder = tmp_path / "course"
    shutil.copytree(ROOT / "cli", folder / "cli", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("utils", "grader"):
        ignored = shutil.ignore_patterns("__pycache__", "*.safetensors", "*.npz")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("course.py", "requirements.txt", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    command = [sys.executable, "-S", str(folder / "course.py"), verb, "--help"]
    result = subprocess.run(command, capture_output=True, text=True, env=surroundings(), check=False)
    assert result.returncode == 0, result.stderr
    assert f"usage: course.py {verb}" in result.stdout
    assert not (folder / ".venv").exists()


FOREIGN = {"utils": "utils.py", "utils package": "utils/__init__.py", "cli package": "cli/__init__.py", "cli": "cli.py"}


@pytest.mark.parametrize("case", FOREIGN)
def test_another_module_of_a_part_s_name_on_the_path_does_not_come_first(finished, tmp_path, case):
    file = tmp_path / "other" / FOREIGN[case]
    file.parent.mkdir(parents=True)
    file.write_text("mine = 1\n")
    result = start(finished, "a", PYTHONPATH=str(tmp_path / "other"))
    assert result.stdout == "cpu build first ['a']\n", result.stderr


def test_another_package_of_a_part_s_name_that_is_installed_does_not_come_first(finished, tmp_path):
    folder = copy_course(finished, tmp_path / "course")
    package = next((folder / ".venv").glob("[lL]ib/**/site-packages")) / "cli"
    package.mkdir()
    (package / "__init__.py").touch()
    result = start(folder, "a")
    assert result.stdout == "cpu build first ['a']\n", result.stderr


def test_the_set_up_finds_its_own_parts_where_python_leaves_the_script_s_folder_out(tmp_path, wheels):
    (tmp_path / "other" / "cli").mkdir(parents=True)
    (tmp_path / "other" / "cli" / "__init__.py").touch()
    folder = make_course(tmp_path / "course")
    result = start(folder, "a", wheels=wheels, PYTHONSAFEPATH="1", PYTHONPATH=str(tmp_path / "other"))
    assert result.stdout == "cpu build first ['a']\n", result.stderr
