"""What does a notebook that stands alone cost until its first cell is through, and what does it change in its host?

    python -m benchmarks.bootstrap

In a folder with nothing but the first lab's notebook, and a Python that stands for Colab (torch and older Jupyter,
numpy and matplotlib are there, transformers is not), the set-up cell fetches the last commit from a local git address
and installs what is missing. Measured: the first run, a second one, and beside them what a reader would type instead,
`git clone` and `pip install -r requirements.txt`. Needs a package index and some minutes; writes
benchmarks/results/bootstrap.json. Run it with nothing else running.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from nbclient import NotebookClient
from nbformat import NotebookNode

from benchmarks.common import write_result
from grader.notebook.assemble import set_up
from grader.notebook.labs import labs_in
from utils.machine.workspace import ROOT

TORCH = "torch==2.13.0"
# Colab keeps Jupyter old; numpy and matplotlib are older ones of the ranges in requirements.txt.
OLD = ("numpy==1.26.4", "matplotlib==3.9.4", "pandas==2.2.3", "tqdm==4.66.5", "psutil==5.9.8", "ipython==7.34.0")
OLD += ("ipykernel==6.17.1", "ipywidgets==7.7.1", "jupyter-client==7.4.9", "notebook==6.5.7", "jupyter-server==2.14.0")
HOSTS_OWN = ("torch", "numpy", "ipython", "ipykernel", "ipywidgets", "jupyter-client", "notebook", "jupyter-server")


@dataclass(frozen=True)
class Run:
    """One run of the set-up cell."""

    seconds: float
    code: int
    said: str
    errors: str


def make_host(folder: Path) -> Path:
    """A virtual environment that stands for Colab's Python; returns its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = python_of(folder)
    subprocess.run([python, "-m", "pip", "install", "--quiet", TORCH, *OLD], check=True, stderr=subprocess.DEVNULL)
    return python


def python_of(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def copy_host(host: Path, folder: Path) -> Path:
    """The same environment again, without a second copy of the files; pip replaces files and never writes into one."""
    shutil.copytree(host, folder, symlinks=True, copy_function=os.link)
    return python_of(folder)


def make_repository(folder: Path) -> str:
    """The address of a git repository that holds the course's last commit, packed as a server has it."""
    subprocess.run(["git", "clone", "--quiet", "--bare", "--no-local", str(ROOT), str(folder)], check=True)
    return folder.as_uri()


def run_set_up(python: Path, folder: Path, address: str) -> Run:
    """Run the set-up cell in a folder, as a Python that knows nothing of the course."""
    began = time.perf_counter()
    command = [python, "-c", set_up(ROOT)]
    done = subprocess.run(command, cwd=folder, env=surroundings(address), capture_output=True, text=True)
    return Run(time.perf_counter() - began, done.returncode, done.stdout.strip(), done.stderr)


def surroundings(address: str) -> dict[str, str]:
    """The environment variables of a notebook that stands alone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COURSE_", "PYTHON", "MPL"))}
    return kept | {"COURSE_ADDRESS": address, "PIP_NO_CACHE_DIR": "1"}  # what one run fetched must not help the next


def versions(python: Path) -> dict[str, str]:
    """Every package that is installed, with its version."""
    command = [python, "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout
    return {entry["name"].lower().replace("_", "-"): entry["version"] for entry in json.loads(listed)}


def changes(before: dict[str, str], after: dict[str, str]) -> dict[str, list[str]]:
    """What was added and what was replaced, as text."""
    return {
        "installed": [f"{name} {after[name]}" for name in sorted(after.keys() - before.keys())],
        "replaced": [
            f"{name} {before[name]} -> {after.get(name, 'gone')}"
            for name in sorted(before)
            if after.get(name) != before[name]
        ],
    }


def execute_alone(python: Path, notebook: NotebookNode, folder: Path, address: str) -> NotebookNode:
    """Run a notebook top to bottom in a folder with the kernel of another Python, at the smoke profile; in place."""
    with tempfile.TemporaryDirectory() as data:
        kernel = Path(data) / "kernels" / "alone"
        kernel.mkdir(parents=True)
        command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        settings = {"argv": command, "display_name": "alone", "language": "python"}
        (kernel / "kernel.json").write_text(json.dumps(settings), encoding="utf-8")
        client = NotebookClient(
            notebook,
            timeout=900,
            startup_timeout=300,
            iopub_timeout=60,
            kernel_name="alone",
            resources={"metadata": {"path": str(folder)}},
            allow_errors=True,
        )
        client.create_kernel_manager().kernel_spec_manager.kernel_dirs.insert(0, str(kernel.parent))
        environment = surroundings(address) | {"COURSE_PROFILE": "smoke", "TQDM_DISABLE": "1"}
        return client.execute(env=environment)


def size_mb(folder: Path) -> float:
    """Megabytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 1e6


def measure(home: Path) -> dict:
    """All runs, in folders below `home`."""
    host = make_host(home / "host")
    before = versions(host)
    address = make_repository(home / "course.git")
    python, folder = copy_host(home / "host", home / "first"), home / "alone"
    folder.mkdir()
    shutil.copy(labs_in(ROOT)[0].released, folder)
    size_before = size_mb(home / "first")
    runs = [run_set_up(python, folder, address) for _ in range(2)]
    if any(run.code for run in runs):
        raise SystemExit(f"The set-up cell failed:\n{runs[0].errors}{runs[1].errors}")
    changed = changes(before, versions(python))
    clone = folder / "distillation-course"
    return {
        "rows": [
            {"run": "first", "seconds": round(runs[0].seconds, 2)},
            {"run": "second", "seconds": round(runs[1].seconds, 2)},
            {"run": "git clone, pip install -r requirements.txt", **by_hand(home, address, before)},
        ],
        "said": [run.said.replace(str(home), "").replace(address, "ADDRESS") for run in runs],
        "fetched_mb": round(size_mb(clone / ".git" / "objects" / "pack"), 1),
        "clone_mb": round(size_mb(clone), 1),
        "packages_mb": round(size_mb(home / "first") - size_before, 1),
        **changed,
        "host_untouched": not [change for change in changed["replaced"] if change.split()[0] in HOSTS_OWN],
        "host": [TORCH, *OLD],
    }


def by_hand(home: Path, address: str, before: dict[str, str]) -> dict:
    """What a reader would type instead, and what it replaces in the host."""
    python, clone = copy_host(home / "host", home / "by_hand"), home / "clone"
    began = time.perf_counter()
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", address, str(clone)], check=True)
    command = [python, "-m", "pip", "install", "--quiet", "-r", str(clone / "requirements.txt")]
    subprocess.run(command, env=surroundings(address), check=True, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - began
    return {"seconds": round(seconds, 2), "replaced": changes(before, versions(python))["replaced"]}


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--note", default="", help="what a reader of the figures should know, such as a busy machine")
    note = parser.parse_args().note
    with tempfile.TemporaryDirectory() as home:
        result = measure(Path(home).resolve()) | ({"note": note} if note else {})
    print(write_result("bootstrap", result))
    for row in result["rows"]:
        print(row["run"], row["seconds"])


if __name__ == "__main__":
    main()
