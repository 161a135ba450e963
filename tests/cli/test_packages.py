"""Which torch comes, and what is said when nothing can: with a stand-in for pip where no real one is needed."""

import json
import platform
import shutil
import sys
import sysconfig
import urllib.request
from collections import namedtuple
from pathlib import Path

import pytest

from cli import _packages

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has two builds of torch to choose from")
CPU = {"version": "2.13.0+cpu", "requires_dist": ["filelock", "sympy"]}
CUDA = {"version": "2.13.0", "requires_dist": ["filelock", 'nvidia-cudnn-cu13==9.20.0.48; platform_system == "Linux"']}


class FakePip:
    """Answers `pip install --dry-run` with one wheel's metadata, and `pip config list` with settings."""

    def __init__(self, metadata: dict, settings: tuple[str, ...] = ()) -> None:
        self.metadata, self.settings = metadata, list(settings)

    def __call__(self, *arguments: str) -> list[str]:
        if arguments[:2] == ("config", "list"):
            return self.settings
        assert "--dry-run" in arguments and "--no-deps" in arguments, "asking must not install"
        report = {"install": [{"metadata": self.metadata}]}
        Path(arguments[arguments.index("--report") + 1]).write_text(json.dumps(report))
        return []


@pytest.fixture
def course_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "requirements.txt").write_text("numpy\ntorch>=2.8\n")
    monkeypatch.setattr(_packages, "has_nvidia_driver", lambda: False)
    return tmp_path


def let_index(monkeypatch: pytest.MonkeyPatch, answers: bool) -> list[str]:
    asked: list[str] = []

    def urlopen(address: str, timeout: float):
        asked.append(address)
        if not answers:
            raise OSError("no route")
        return FakeAnswer()

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    return asked


class FakeAnswer:
    status = 200

    def __enter__(self) -> "FakeAnswer":
        return self

    def __exit__(self, *error: object) -> None:
        pass


@linux
def test_a_cpu_build_that_pip_is_configured_for_is_taken_without_asking_anybody_else(course_root, monkeypatch):
    asked = let_index(monkeypatch, answers=True)
    assert _packages.choose_torch(course_root, FakePip(CPU)) == ("cpu", [])
    assert asked == []


@linux
def test_pytorchs_own_index_helps_where_the_configured_one_has_cuda_only(course_root, monkeypatch):
    let_index(monkeypatch, answers=True)
    expected = ("cpu", ["--extra-index-url", "https://download.pytorch.org/whl/cpu"])
    assert _packages.choose_torch(course_root, FakePip(CUDA)) == expected


@linux
def test_cuda_is_announced_with_its_size_before_it_is_downloaded(course_root, monkeypatch):
    let_index(monkeypatch, answers=False)
    said: list[str] = []
    fake, installs = FakePip(CUDA), []

    def pip(root, python, hold, *arguments):
        if "--dry-run" in arguments or "config" in arguments:
            return fake(*arguments)
        installs.append(list(said))
        return []

    monkeypatch.setattr(_packages, "run_pip", pip)
    monkeypatch.setattr(_packages, "check_space", lambda root, kind: None)
    _packages.install_packages(course_root, Path(sys.executable), said.append, fresh=True)
    (words,) = installs
    assert "no NVIDIA driver" in words[0]
    assert "3.5 GB" in words[1]


@linux
@pytest.mark.parametrize("setting", ["global.no-index='true'", ":env:.no-index='1'"])
def test_pip_that_may_ask_no_index_is_given_none(course_root, monkeypatch, setting):
    asked = let_index(monkeypatch, answers=True)
    assert _packages.choose_torch(course_root, FakePip(CUDA, (setting,))) == ("cuda", [])
    assert asked == []


@linux
def test_a_gpu_gets_the_usual_build(course_root, monkeypatch):
    monkeypatch.setattr(_packages, "has_nvidia_driver", lambda: True)
    assert _packages.choose_torch(course_root, FakePip(CUDA)) == ("cuda", [])


def test_cuda_libraries_for_another_processor_do_not_count():
    need = "nvidia-cublas; platform_machine == 'another'"
    assert not _packages.is_cuda_build({"requires_dist": [need]})
    assert _packages.is_cuda_build(CUDA)


def test_a_full_disk_is_said_before_anything_is_downloaded(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(9e9, 8.9e9, 0.1e9))
    with pytest.raises(_packages.InstallError, match=r"needs about [12]\.\d GB in .*0\.1 GB are free"):
        _packages.check_space(tmp_path)


def test_a_disk_that_fills_while_installing_is_one_sentence():
    line = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
    words = _packages.explain([line], FakePip(CPU))
    assert words.startswith("the disk is full")


def test_no_network_names_what_is_missing_and_the_folder_that_would_do(tmp_path):
    unreachable = ("--index-url", "http://127.0.0.1:1/simple", "--retries", "0", "--isolated", "-d", str(tmp_path))
    with pytest.raises(_packages.InstallError, match=r"^absent-package is missing.*PIP_FIND_LINKS=FOLDER"):
        _packages.run_pip(tmp_path, Path(sys.executable), (), "download", "absent-package", *unreachable)


def test_a_folder_of_wheels_that_lacks_one_names_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(_packages.InstallError, match=r"^absent-package is missing"):
        _packages.run_pip(tmp_path, Path(sys.executable), (), "download", "absent-package", "-d", str(tmp_path))


def test_another_failure_keeps_pips_own_words_and_is_not_blamed_on_the_network():
    lines = ["WARNING: Retrying, connection broken by 'ReadTimeoutError'", "ERROR: Failed building wheel for thing"]
    words = _packages.explain(lines, FakePip(CPU))
    assert "Failed building wheel for thing" in words
    assert "network" not in words


@pytest.mark.parametrize(
    ("system", "machine", "macos", "here", "words"),
    [
        ("darwin", "x86_64", "15.1", "macosx-10.9-universal2", "builds for those have ended"),
        ("darwin", "arm64", "13.6.1", "macosx-11.0-arm64", "need macOS 14 or newer, and this is 13.6.1"),
        ("darwin", "arm64", "26.0", "macosx-11.0-arm64", ""),
        ("win32", "ARM64", "", "win-arm64", "this one is win-arm64"),
        ("win32", "AMD64", "", "win32", "this one is win32"),
        ("win32", "AMD64", "", "win-amd64", ""),
        ("linux", "armv7l", "", "linux-armv7l", "this processor (armv7l)"),
        ("linux", "aarch64", "", "linux-aarch64", ""),
    ],
)
def test_a_computer_that_pytorch_has_no_build_for_is_told_so_and_not_that_it_is_offline(
    monkeypatch, system, machine, macos, here, words
):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "mac_ver", lambda: (macos, ("", "", ""), machine))
    monkeypatch.setattr(sysconfig, "get_platform", lambda: here)
    lines = [
        "ERROR: Could not find a version that satisfies the requirement torch>=2.8 (from versions: none)",
        "ERROR: No matching distribution found for torch>=2.8",
    ]
    said = _packages.explain(lines, FakePip(CPU))
    assert words in said and ("no package index" in said) == (not words)
    assert "no package index" in _packages.explain([line.replace("torch", "tqdm") for line in lines], FakePip(CPU))
