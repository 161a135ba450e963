"""The executed solution: every cell of a lab, run in order in a fresh kernel, with outputs that anybody may read.

What shows the machine goes: progress bars, warnings, absolute paths, addresses of objects and dead widgets. A figure's
alt text and the numbers stay.
"""

from __future__ import annotations

import contextlib
import copy
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode

from grader.notebook.labs import METADATA, Lab
from utils.errors import CourseError

WIDGET_TYPES = ("application/vnd.jupyter.widget-view+json", "application/vnd.jupyter.widget-state+json")
CELL_SECONDS = 3600
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def execute(notebook: NotebookNode, lab: Lab, profile: str) -> NotebookNode:
    """A copy of the notebook with its outputs.  Raises CourseError that names the cell that failed."""
    executed = copy.deepcopy(notebook)
    with tempfile.TemporaryDirectory() as outputs, environment(profile, Path(outputs)):
        client = NotebookClient(
            executed,
            timeout=CELL_SECONDS,
            startup_timeout=300,
            iopub_timeout=60,  # a busy machine delivers the last outputs late
            kernel_name="python3",
            resources={"metadata": {"path": str(lab.source.parent)}},
            record_timing=False,
            store_widget_state=False,
        )
        try:
            client.execute()
        except (CellExecutionError, CellTimeoutError) as error:
            words = _CONTROL.sub("", str(error))[-1500:]
            raise CourseError(f"{lab.source.name}: {first_failure(executed)}{words}") from None
        paths = private_paths(lab.root, outputs)
        for cell in executed.cells:
            if cell.cell_type == "code":
                cell.outputs = clean_outputs(cell.outputs, paths)
    executed.metadata = copy.deepcopy(notebook.metadata)
    executed.metadata[METADATA]["executed"] = record(profile)
    return executed


@contextlib.contextmanager
def environment(profile: str, outputs: Path) -> Iterator[None]:
    """What the kernel inherits: profile, a folder of its own for results, quiet bars, this Python's own kernel."""
    wanted = {
        "COURSE_PROFILE": profile,
        "COURSE_PROFILE_BY": "course.py build",
        "COURSE_OUT": str(outputs),
        "TQDM_DISABLE": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "JUPYTER_PATH": os.path.join(sys.prefix, "share", "jupyter"),
        "PYTHONHASHSEED": "0",
    }
    unwanted = ("MPLBACKEND", "NBGRADER_EXECUTION")  # the kernel draws into the notebook
    before = {name: os.environ.get(name) for name in (*wanted, *unwanted)}
    os.environ.update(wanted)
    for name in unwanted:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def private_paths(root: Path, outputs: str) -> dict[str, str]:
    """Folders of this machine and what a reader sees instead."""
    paths = {outputs: "outputs", f"{root}{os.sep}": "", str(root): ".", sys.prefix: "python", str(Path.home()): "~"}
    return {path: shown for path, shown in paths.items() if len(path) > 2}


def clean_outputs(outputs: list[NotebookNode], paths: dict[str, str]) -> list[NotebookNode]:
    """Outputs without stderr, widgets, absolute paths and addresses.  paths: what to replace by what."""
    kept: list[NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream":
            if output.name == "stdout" and kept and kept[-1].output_type == "stream":
                kept[-1].text += output.text  # in how many pieces text arrives is chance
            elif output.name == "stdout":
                kept.append(output)
            continue
        if any(kind in output.get("data", {}) for kind in WIDGET_TYPES):
            continue
        for kind, content in output.get("data", {}).items():
            if isinstance(content, str) and kind.startswith("text/"):
                output.data[kind] = clean_text(content, paths)
        kept.append(output)
    for output in kept:
        if output.output_type == "stream":
            output.text = clean_text(last_states(output.text), paths)
    return kept


def clean_text(text: str, paths: dict[str, str]) -> str:
    for path, shown in sorted(paths.items(), key=lambda item: -len(item[0])):
        text = text.replace(path, shown)
    return _ADDRESS.sub("", text)


def last_states(text: str) -> str:
    """Text as a terminal would leave it: of a line that was written over, only the last state."""
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def first_failure(notebook: NotebookNode) -> str:
    for index, cell in enumerate(notebook.cells, start=1):
        if any(output.output_type == "error" for output in cell.get("outputs", [])):
            return f"cell {index} ({cell.id}) failed. "
    return ""


def record(profile: str) -> NotebookNode:
    """Where and when the outputs were made."""
    return NotebookNode(
        python=platform.python_version(),
        torch=version("torch"),
        date=datetime.now(UTC).date().isoformat(),
        profile=profile,
    )
