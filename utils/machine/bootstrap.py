"""Is everything that a notebook needs installed here?  For notebooks that run in a Python that is not the course's own.

Reinstalling torch or numpy under a running session would break everything that was imported. So what the host brought
stays as it is, and so does whatever this session has imported already; only what is missing is installed, within the
ranges of requirements.txt, because Colab's versions move. This module needs nothing but the standard library.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from utils.errors import CourseError
from utils.machine.pip_reasons import missing_in, question, reason_in
from utils.machine.waiting import wait_briefly

ROOT = Path(__file__).resolve().parents[2]
# Replacing these breaks the host; so they stay, whatever their version.
HOST = ("torch", "numpy", "triton", "nvidia-", "jupyter", "notebook", "ipykernel", "ipython", "ipywidgets")
HOST += ("widgetsnbextension", "traitlets", "tornado", "pyzmq", "comm", "nbclient", "nbconvert", "nbformat")
# What opens, builds, grades or tests notebooks; a notebook that is open already needs none of it.
NOT_IN_NOTEBOOKS = {"jupyterlab", "ipykernel", "jupytext", "nbformat", "nbclient", "nbconvert", "nbgrader"}
NOT_IN_NOTEBOOKS |= {"pytest", "pytest-xdist", "hypothesis", "ruff"}
ADVICE = "Mend that and run this cell again, or start the lab with: python3 course.py lab (in {root})."


class CannotStartError(CourseError):
    """Why the notebook cannot go on here; Jupyter shows the sentence and no trace."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


@dataclass(frozen=True)
class Need:
    """One line of requirements.txt and what is here. found: the installed version, "" where there is none."""

    name: str
    text: str
    found: str
    fits: bool


def install_missing(requirements: Path = ROOT / "requirements.txt", say: Callable[[str], None] = print) -> None:
    """Install what a notebook needs and this Python lacks; says so first, and does nothing where nothing is missing.

    Raises CannotStartError, one or two sentences, where that is not possible or where the session must be restarted.
    """
    wait_briefly()
    needs = [need for need in read_needs(requirements) if not need.fits]
    if not needs:
        return
    if any(need.name == "torch" and not need.found for need in needs):
        size = "it is large, and which build of it is right depends on this computer"
        how = "Install it first (pytorch.org/get-started)"
        raise CannotStartError(f"torch is not installed here: {size}. {how}. {ADVICE.format(root=ROOT)}")
    kept = [need for need in needs if need.found and is_of_host(need.name)]
    if kept:
        listed = ", ".join(f"{need.text} (here: {need.found})" for need in kept)
        say(f"The course asks for {listed} and leaves what is here as it is: if a cell fails, choose a newer runtime.")
    missing = [need for need in needs if need not in kept]
    if missing:
        replace_or_add(missing, say)


def replace_or_add(missing: list[Need], say: Callable[[str], None]) -> None:
    """Install them and touch nothing that is in use, unless that cannot be; then ask for a restart."""
    before = {name: installed_version(name) for name in distributions_in_use()}
    loaded = [need.name for need in missing if need.name in before]
    later = f" Then restart the session, for {' and '.join(loaded)} is in use already." if loaded else ""
    say(f"Installing {', '.join(need.text for need in missing)} (a minute or two).{later}")
    problem = install(missing, held(set() if loaded else set(before)))
    if "ResolutionImpossible" in problem and not loaded:
        say("They ask for other versions of packages that are in use: the session must be restarted afterwards.")
        problem = install(missing, held(set()))
    if problem:
        names = ", ".join(need.name for need in missing)
        raise CannotStartError(f"{names} could not be installed ({problem}). {ADVICE.format(root=ROOT)}")
    importlib.invalidate_caches()
    replaced = sorted(name for name, version in before.items() if installed_version(name) != version)
    if replaced:
        reason = f"replaced while in use: {', '.join(replaced)}"
        raise CannotStartError(f"Restart the session now and run this cell again ({reason}).")


def read_needs(requirements: Path) -> list[Need]:
    """What requirements.txt asks for and a notebook may import, compared with what is installed here."""
    needs = []
    for line in requirements.read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if text:
            need = compare(text)
            needs += [need] if need.name not in NOT_IN_NOTEBOOKS else []
    return needs


def compare(text: str) -> Need:
    """One requirement, such as "transformers>=5,<6", and whether the installed version meets it."""
    try:
        from packaging.requirements import Requirement
    except ImportError:
        from pip._vendor.packaging.requirements import Requirement
    wanted = Requirement(text)
    name = normalised(wanted.name)
    if wanted.marker is not None and not wanted.marker.evaluate():
        return Need(name, text, "", fits=True)
    found = installed_version(name)
    return Need(name, text, found, bool(found) and wanted.specifier.contains(found, prereleases=True))


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def is_of_host(name: str) -> bool:
    return name.startswith(HOST)


def installed_version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def distributions_in_use() -> set[str]:
    """The installed packages of which this session has imported something."""
    owners = importlib.metadata.packages_distributions()
    return {normalised(name) for module in list(sys.modules) for name in owners.get(module, ())}


def held(in_use: set[str]) -> list[str]:
    """What pip may not touch, as constraints: the host's own packages, and those in use."""
    names = {normalised(found.name) for found in importlib.metadata.distributions() if found.name}
    versions = {name: installed_version(name) for name in sorted(names) if is_of_host(name) or name in in_use}
    return [f"{name}=={version}" for name, version in versions.items() if re.fullmatch(r"\d[\w.!+]*", version)]


def install(needs: list[Need], constraints: list[str]) -> str:
    """Let pip install them within the constraints; returns what went wrong, or ""."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "held.txt"
        path.write_text("\n".join([*constraints, ""]), encoding="utf-8")
        limits = ["--constraint", str(path)]
        done = call_pip("install", "--quiet", *limits, *(need.text for need in needs))
        return "" if done.returncode == 0 else explain(done.stderr, lambda *again: said_by(call_pip(*again, *limits)))


def call_pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")


def said_by(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


def explain(words: str, ask: Callable[..., str]) -> str:
    """pip's own reason, shortened.  `ask` gives what pip says to a second question, about a package that is missing."""
    for requirement in missing_in(words.splitlines()):
        reason = reason_in(ask(*question(requirement)).splitlines(), requirement)
        if reason:
            return f"{requirement} is missing: {reason.cause}"
    said = [line.strip() for line in words.splitlines() if line.strip()]
    errors = [line for line in said if line.upper().startswith("ERROR")] or said or ["pip failed without a word"]
    return re.sub(r"^error: ", "", errors[-1], flags=re.IGNORECASE).rstrip(".")[:300]
