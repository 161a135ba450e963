"""A lab's source becomes a notebook: text filled in, set-up cell, hidden tests, locks, and ids that stay.

The question: what does the source say, cell by cell?  The mistake this prevents is a notebook whose cells are new at
every build: a cell's id comes from its grade_id, or from its place behind the last cell that has one.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from grader.notebook.hidden import add_hidden_tests
from grader.notebook.labs import METADATA, Lab
from grader.notebook.rendering import Renderer, project_address
from utils.errors import CourseError
from utils.machine.workspace import write_whole

SET_UP = "set-up"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LOCKED = {"grade": False, "locked": True, "schema_version": 3, "solution": False, "task": False}
TEMPLATE = Path(__file__).parent / "set_up.py"
_OF_JUPYTEXT = ("lines_to_next_cell", "lines_to_end_of_cell_marker")
_FOR_THE_LINTER = re.compile(r" *# noqa(: [A-Z0-9, ]+)?$", re.MULTILINE)
_GRADE_ID = re.compile(r"[A-Za-z0-9_-]{1,50}")


def assemble(lab: Lab, seed: int | None = None) -> NotebookNode:
    """The whole lab as a notebook without outputs: solutions, hidden tests and all.

    seed: draws the hidden tests' probes; None takes those of the repository.  Raises CourseError that names the cell.
    """
    notebook = jupytext.read(lab.source)
    renderer = Renderer(lab)
    for index, cell in enumerate(notebook.cells, start=1):
        for key in _OF_JUPYTEXT:
            cell.metadata.pop(key, None)
        if cell.cell_type == "markdown":
            fill_in(cell, renderer, f"{lab.source.name}, cell {index}")
            continue
        if SET_UP in cell.metadata.get("tags", []):
            cell.source = f"{set_up(lab.root)}\n\n{cell.source}"
        cell.source = _FOR_THE_LINTER.sub("", cell.source)
    require_set_up(notebook, lab)
    add_hidden_tests(notebook, lab, seed)
    name_cells(notebook, lab)
    notebook.metadata = NotebookNode(kernelspec=NotebookNode(KERNEL), language_info=NotebookNode(name="python"))
    notebook.metadata[METADATA] = NotebookNode(lab=lab.name)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


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


def require_set_up(notebook: NotebookNode, lab: Lab) -> None:
    count = sum(SET_UP in cell.metadata.get("tags", []) for cell in notebook.cells if cell.cell_type == "code")
    if count != 1:
        raise CourseError(f"{lab.source.name} has {count} code cells with the tag {SET_UP!r}; a lab has exactly one.")


def name_cells(notebook: NotebookNode, lab: Lab) -> None:
    """Give each cell an id: its grade_id, or the last one and how many cells it stands behind it."""
    seen: set[str] = set()
    latest, behind = "start", 0
    for index, cell in enumerate(notebook.cells, start=1):
        marks = cell.metadata.get("nbgrader")
        if marks is None:
            behind += 1
            cell.id = f"{latest}-{behind}"
            continue
        grade_id = marks.get("grade_id", "")
        if not _GRADE_ID.fullmatch(grade_id) or grade_id in seen:
            problem = "stands there twice" if grade_id in seen else "must be 1 to 50 letters, digits, - or _"
            raise CourseError(f"{lab.source.name}, cell {index}: the grade_id {grade_id!r} {problem}.")
        seen.add(grade_id)
        latest, behind = grade_id, 0
        cell.id = grade_id


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
