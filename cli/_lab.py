"""Runs the code cells of a lab's source from the first to the last, in one namespace.

Every figure is on disk before the next cell starts, so that an interrupt loses none.
"""

import linecache
import re
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from grader.notebook.labs import NOTEBOOK_ONLY, OPTIONAL


@dataclass(frozen=True)
class Cell:
    """A code cell, and the last heading above it."""

    number: int
    heading: str
    code: str
    tags: frozenset[str]


@dataclass
class LabRun:
    """What is known while a lab runs: where it is, what it has computed and drawn."""

    namespace: dict[str, object]
    heading: str = ""
    figures: list[Path] = field(default_factory=list)


def read_cells(source: Path) -> Iterator[Cell]:
    """The code cells of a jupytext source, in order."""
    import jupytext

    heading = ""
    for number, cell in enumerate(jupytext.read(source).cells, start=1):
        if cell.cell_type == "markdown":
            found = re.findall(r"^#{1,4} +(.+)$", cell.source, flags=re.MULTILINE)
            heading = found[-1] if found else heading
        elif cell.cell_type == "code" and cell.source.strip():
            yield Cell(number, heading, cell.source, frozenset(cell.metadata.get("tags", [])))


def run_cells(source: Path, folder: Path, with_optional: bool, on_heading: Callable[[str], None], run: LabRun) -> None:
    """Execute a lab's cells; `run` is filled as it goes, so that it tells how far it came even when a cell raises."""
    use_files_for_figures()
    module = types.ModuleType(source.stem)
    module.__dict__.update(__file__=str(source), display=print)
    sys.modules[source.stem] = module  # dataclasses and pickle look the module up by its name
    run.namespace = module.__dict__
    left_out = {NOTEBOOK_ONLY} if with_optional else {NOTEBOOK_ONLY, *OPTIONAL}
    for cell in read_cells(source):
        if cell.tags & left_out:
            continue
        if cell.heading != run.heading:
            run.heading = cell.heading
            on_heading(cell.heading)
        try:
            execute(cell, source, run.namespace)
        finally:
            run.figures += save_figures(folder, start=len(run.figures) + 1)


def execute(cell: Cell, source: Path, namespace: dict[str, object]) -> None:
    name = f"<{source.stem}, cell {cell.number}>"
    lines = cell.code.splitlines(keepends=True)
    linecache.cache[name] = (len(cell.code), None, lines, name)  # tracebacks and inspect.getsource show these lines
    exec(compile(cell.code, name, "exec"), namespace)


def use_files_for_figures() -> None:
    import warnings

    import matplotlib

    matplotlib.use("Agg")
    warnings.filterwarnings("ignore", message=".*non-interactive, and thus cannot be shown")


def save_figures(folder: Path, start: int) -> list[Path]:
    """Save every open figure as NN_label.png, counting from `start`, and close it."""
    from matplotlib import pyplot

    paths = []
    for index, number in enumerate(pyplot.get_fignums(), start=start):
        figure = pyplot.figure(number)
        label = re.sub(r"\W+", "_", str(figure.get_label())).strip("_").lower()
        path = folder / ("_".join([f"{index:02d}", *([label] if label else [])]) + ".png")
        figure.savefig(path, dpi=150, bbox_inches="tight")
        paths.append(path)
    pyplot.close("all")
    return paths
