"""Is everything that a notebook needs installed here?  For notebooks that run in a Python that is not the course's own.

The mistake it prevents: a set-up cell that reinstalls torch or numpy under a running session, so that everything that
was imported breaks. What the host brought stays as it is; only what is missing is installed, within the ranges of
requirements.txt, because Colab's versions move. Only the standard library is needed to get here.
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

ROOT = Path(__file__).resolve().parent.parent
HOST = {"torch", "numpy", "jupyterlab", "ipykernel", "ipywidgets", "notebook", "jupyter-server"}
NOT_IN_NOTEBOOKS = {"jupytext", "nbformat", "nbclient", "nbconvert", "nbgrader", "jinja2", "pytest", "hypothesis"}
NOT_IN_NOTEBOOKS |= {"ruff"}


@dataclass(frozen=True)
class Need:
    """One line of requirements.txt and what is here. found: the installed version, "" where there is none."""

    name: str
    text: str
    found: str
    fits: bool


def install_missing(requirements: Path = ROOT / "requirements.txt", say: Callable[[str], None] = print) -> None:
    """Install what a notebook needs and this Python lacks; says so first, and does nothing where nothing is missing.

    Ends the cell with one sentence where that was not possible, or where the session must be restarted.
    """
    needs = [need for need in read_needs(requirements) if not need.fits]
    if not needs:
        return
    kept = [need for need in needs if need.name in HOST]
    if kept:
        listed = ", ".join(f"{need.text} (here: {need.found or 'none'})" for need in kept)
        say(f"The course asks for {listed} and leaves what is here as it is: if a cell fails, choose a newer runtime.")
    missing = [need for need in needs if need.name not in HOST]
    if not missing:
        return
    loaded = [need.name for need in missing if need.found and need.name.replace("-", "_") in sys.modules]
    later = f" Then restart the session, for {' and '.join(loaded)} is in use already." if loaded else ""
    say(f"Installing {', '.join(need.text for need in missing)} (a minute or two).{later}")
    problem = install(missing)
    if problem:
        names = ", ".join(need.name for need in missing)
        sys.exit(f"{names} could not be installed ({problem}): mend that, then run this cell again.")
    importlib.invalidate_caches()
    if loaded:
        sys.exit(f"Restart the session now and run this cell again: {' and '.join(loaded)} was replaced while in use.")


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
    name = re.sub(r"[-_.]+", "-", wanted.name).lower()
    if wanted.marker is not None and not wanted.marker.evaluate():
        return Need(name, text, "", fits=True)
    found = installed_version(name)
    return Need(name, text, found, bool(found) and wanted.specifier.contains(found, prereleases=True))


def installed_version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def install(needs: list[Need]) -> str:
    """Let pip install them while it holds the host's packages at their versions; returns what went wrong, or ""."""
    held = {name: installed_version(name) for name in sorted(HOST)}
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "held.txt"
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in held.items() if version))
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        command += ["--constraint", str(constraints), *(need.text for need in needs)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode == 0:
        return ""
    said = [line for line in done.stderr.splitlines() if line.strip()]
    errors = [line for line in said if line.startswith("ERROR")] or said or ["pip failed without a word"]
    return errors[-1].removeprefix("ERROR: ").strip()[:300]
