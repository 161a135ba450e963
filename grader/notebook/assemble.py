"""A lab's source becomes a notebook: text filled in, set-up cell, hidden tests, locks, and ids that stay.

A cell's id comes from its grade_id, or from its place behind the last cell that has one, so that the same cell has the
same id in every build.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from grader.notebook import ways
from grader.notebook.hidden import add_hidden_tests
from grader.notebook.labs import METADATA, RUN_ONLY, SET_UP, Lab
from grader.notebook.rendering import Renderer, project_address
from grader.notebook.rules import marks_of, require_rules
from utils.errors import CourseError
from utils.machine.workspace import write_whole

FOLDED = {"tags": [SET_UP], "cellView": "form", "jupyter": {"source_hidden": True}}  # in Colab, in Jupyter
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LOCKED = {"grade": False, "locked": True, "schema_version": 3, "solution": False, "task": False}
TEMPLATE = Path(__file__).parent / "set_up.py"
_OF_JUPYTEXT = ("lines_to_next_cell", "lines_to_end_of_cell_marker")
_FOR_THE_LINTER = re.compile(r" *# noqa(: [A-Z0-9, ]+)?$", re.MULTILINE)


def assemble(lab: Lab, seed: int | None, kept: Mapping[str, str]) -> tuple[NotebookNode, dict[str, str]]:
    """The whole lab as a notebook without outputs, solutions and hidden tests and all; and a digest of each test.

    seed: draws the hidden tests' probes; None takes those of the repository.  kept: tests that need no drawing.
    Raises CourseError that names the cell.
    """
    notebook = jupytext.read(lab.source)
    require_rules(notebook, lab)
    notebook.cells = [cell for cell in notebook.cells if RUN_ONLY not in cell.metadata.get("tags", [])]
    renderer = Renderer(lab, notebook.cells)
    for index, cell in enumerate(notebook.cells, start=1):
        for key in _OF_JUPYTEXT:
            cell.metadata.pop(key, None)
        if cell.cell_type == "markdown":
            fill_in(cell, renderer, f"{lab.source.name}, cell {index}")
            cell.source = ways.with_solutions(cell.source, lab)
        else:
            cell.source = without_linter_marks(cell.source)
    digests = add_hidden_tests(notebook, lab, seed, kept)
    name_cells(notebook, lab)
    insert_set_up(notebook, lab)
    notebook.cells.append(new_markdown_cell(ways.end(lab), id=ways.WAYS_ON))
    notebook.metadata = NotebookNode(kernelspec=NotebookNode(KERNEL), language_info=NotebookNode(name="python"))
    notebook.metadata[METADATA] = NotebookNode(lab=lab.name)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook, digests


def fill_in(cell: NotebookNode, renderer: Renderer, where: str) -> None:
    """Render a Markdown cell; one that shows a picture is locked, so that grading and a slip of the hand keep it."""
    cell.source = renderer.render(cell.source, where)
    if renderer.attachments:
        cell.attachments = {name: dict(content) for name, content in renderer.attachments.items()}
        first = next(iter(renderer.attachments)).rpartition(".")[0]
        cell.metadata.setdefault("nbgrader", NotebookNode(LOCKED, grade_id=f"picture-{first}"))


def set_up(root: Path) -> str:
    """The code that finds or fetches the course, with the project's address in it."""
    address = project_address(root)
    return TEMPLATE.read_text(encoding="utf-8").strip().replace('or "ADDRESS"', f"or {json.dumps(address)}")


def insert_set_up(notebook: NotebookNode, lab: Lab) -> None:
    """Put the folded cell that finds or fetches the course above the lab's own set-up cell."""
    source = without_linter_marks(set_up(lab.root))
    folded = new_code_cell(source, id="find-the-course", metadata=nbformat.from_dict(FOLDED))
    place = next(n for n, cell in enumerate(notebook.cells) if SET_UP in cell.metadata.get("tags", []))
    notebook.cells.insert(place, folded)


def without_linter_marks(source: str) -> str:
    return _FOR_THE_LINTER.sub("", source)


def name_cells(notebook: NotebookNode, lab: Lab) -> None:
    """Give each cell an id: its grade_id, or the last one and how many cells later it comes."""
    latest, behind = "start", 0
    for cell in notebook.cells:
        grade_id = marks_of(cell).get("grade_id")
        latest, behind = (grade_id, 0) if grade_id else (latest, behind + 1)
        cell.id = grade_id or f"{latest}-{behind}"
    ids = [cell.id for cell in notebook.cells]
    for number, name in enumerate(ids, start=1):
        if name in ids[: number - 1]:
            raise CourseError(
                f"{lab.source.name}, cell {number}: another cell is called {name!r}: change its grade_id."
            )


def version_of(notebook: NotebookNode) -> str:
    """A short digest of all that a learner sees in the cells: it changes when they do, and only then."""
    keys = ("cell_type", "source", "metadata", "attachments")
    cells = [{key: cell.get(key) for key in keys} for cell in notebook.cells]
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()[:12]


def write_notebook(notebook: NotebookNode, path: Path) -> bool:
    """Write a notebook in one step, unless the file holds just that; returns whether it was written."""
    text = nbformat.writes(nbformat.from_dict(notebook)) + "\n"
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    write_whole(path, text)
    return True
