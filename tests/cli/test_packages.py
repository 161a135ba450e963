"""Which torch comes, and what is said when nothing can: with a stand-in for pip where no real one is needed."""

import json
import os
import platform
import shutil
import socket
import sys
import sysconfig
import urllib.request
from collections import namedtuple
from pathlib import Path

import pytest

from cli import _packages
from utils.machine.pip_reasons import reason_in

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


def unused_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def plain(monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    """pip with these settings and none of this computer's."""
    for name in [name for name in os.environ if name.startswith("PIP_") or "proxy" in name.lower()]:
        monkeypatch.delenv(name)
    for name, value in {"PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "0", **settings}.items():
        monkeypatch.setenv(name, value)


def test_without_a_network_the_first_start_says_so_and_names_the_folder_that_would_do(tmp_path, monkeypatch):
    """With a real pip and constraints, where the failure itself speaks of conflicting versions."""
    plain(monkeypatch, PIP_INDEX_URL=f"http://127.0.0.1:{unused_port()}/simple")
    (tmp_path / "constraints.txt").write_text("absent-package==1.0\n")
    sentence = r"^absent-package==1.0 is missing: no package index answers \(.*: connection refused\).*PIP_FIND_LINKS="
    with pytest.raises(_packages.InstallError, match=sentence):
        _packages.run_pip(
            tmp_path, Path(sys.executable), (), "install", "--dry-run", "-c", "constraints.txt", "absent-package>=0.5"
        )


def test_a_folder_of_wheels_that_lacks_one_names_it(tmp_path, monkeypatch):
    plain(monkeypatch, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path))
    with pytest.raises(
        _packages.InstallError, match=r"^absent-package is missing: pip is told to ask no package index"
    ):
        _packages.run_pip(tmp_path, Path(sys.executable), (), "download", "absent-package", "-d", str(tmp_path))


SIMPLE = "simple"  # the folder of a package index; the recorded outputs call it {index}
OUTPUTS = (Path(__file__).parent / "pip_outputs.json").read_text(encoding="utf-8")
RECORDED = json.loads(OUTPUTS.replace("{index}", SIMPLE))
SENTENCES = {
    "closed_port": "torch==2.13.0 is missing: no package index answers (http://127.0.0.1:9: connection refused). C",
    "no_name": "no package index answers (https://index.invalid: its name is not known here). Connect",
    "silent": "no package index answers (http://localhost:8080: no answer in time). Connect",
    "empty_folder": "pip is told to ask no package index, and the folder that it may look into does not have it. Conn",
    "certificate": "the certificate of https://localhost:8080 is not trusted here (self-signed certificate). Where",
    "wrong_tls": "https://localhost:8080 does not speak https (wrong version number). Check the address in",
    "insecure": "pip leaves out the package index at index.invalid, because its address is not https. Give its",
    "unauthorised": "the package index http://localhost:8080 answers with 401 Unauthorized. Check its address",
    "forbidden": "the package index http://localhost:8080 answers with 403 Forbidden. Check its address",
    "server_error": "the package index http://localhost:8080 answers with 503. Try again later.",
    "not_found": "the package index answers and does not have torch. Look at its address",
    "empty_page": "the package index answers and does not have torch. Look at its address",
    "second_missing": "numpy==2.5.3 is missing: the package index answers and does not have numpy. Look at its address",
    "proxy_407": "the proxy asks for a name and a password (407). Put them into its address: HTTPS_PROXY=http://NAME",
    "proxy_403": "the proxy refuses to pass this on (403 Forbidden). Check the address in HTTPS_PROXY",
    "proxy_closed": "the proxy does not answer. Check the address in HTTPS_PROXY",
    "lags": "the package index answers and has only 2.9.0. A mirror may lag behind",
    "requires_python": "version 2.13.0 needs Python >=3.15. Start the course with such a Python",
    "intel": "there are files of version 2.13.0, and none for this computer and Python (but for cp311-none-macosx_14_0",
    "conflict": "torch 2.13.0 depends on numpy<2\n    The user requested (constraint) numpy==2.5.3",
    "cut": "",
    "hash": "DO NOT MATCH THE HASHES",
    "file_gone": "HTTP error 404",
}


@pytest.mark.parametrize("case", RECORDED)
def test_what_real_pips_say_is_told_with_its_true_reason(case, monkeypatch):
    """Recorded outputs of pip 22.3 to 26.3: of the failure, and of the second question."""
    monkeypatch.setattr(_packages, "no_build_of_torch", lambda: "")
    for recorded in RECORDED[case]:
        words = _packages.explain(recorded["first"], lambda *_, recorded=recorded: recorded["again"])
        assert SENTENCES[case] in words, recorded["pip"]
        assert ("conflict" in words) == (case == "conflict")


def test_a_download_that_broke_off_is_said(monkeypatch):
    newest = RECORDED["cut"][-1]
    assert _packages.explain(newest["first"], FakePip(CPU)).startswith("a download broke off (error: incomplete-down")


def test_an_address_with_a_password_is_told_without_it():
    answer = [
        f"Could not fetch URL https://me:secret@index.example/{SIMPLE}/torch/: 403 Client Error: Forbidden for url: "
        "https://x - skipping",
        "ERROR: No matching distribution found for torch==2.13.0",
    ]
    assert (
        reason_in(answer, "torch==2.13.0").cause == "the package index https://index.example answers with 403 Forbidden"
    )


@pytest.mark.parametrize("detail", ["certificate has expired", "certificate is not yet valid"])
def test_a_certificate_of_another_time_leads_to_the_clock(detail):
    answer = [
        f"Could not fetch URL https://index.example/{SIMPLE}/torch/: There was a problem confirming the ssl certificate"
        f": [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {detail} (_ssl.c:1006) - skipping",
        "ERROR: No matching distribution found for torch==2.13.0",
    ]
    assert reason_in(answer, "torch==2.13.0").advice == "Check this computer's date and time."


def test_another_failure_keeps_pips_own_words_and_is_not_blamed_on_the_network():
    lines = ["WARNING: Retrying, connection broken by 'ReadTimeoutError'", "ERROR: Failed building wheel for thing"]
    words = _packages.explain(lines, FakePip(CPU))
    assert "Failed building wheel for thing" in words
    assert "network" not in words and "broke off" not in words


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
    recorded = RECORDED["empty_page"][0]
    said = _packages.explain(recorded["first"], lambda *_: recorded["again"])
    assert words in said and ("the package index answers" in said) == (not words)
    of_another = [[line.replace("torch", "tqdm") for line in recorded[part]] for part in ("first", "again")]
    assert "the package index answers" in _packages.explain(of_another[0], lambda *_: of_another[1])
