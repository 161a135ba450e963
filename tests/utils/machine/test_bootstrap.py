"""A notebook on its own finds or fetches the course, and installs what is missing without touching the host's torch."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from utils.machine import bootstrap
from utils.machine.bootstrap import CannotStartError


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
    pip.answers = [(1, first), (1, f"Could not fetch URL https://index/{'simple'}/tqdm/: {why} - skipping\n{first}")]
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
