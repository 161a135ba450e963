"""What does the gradebook know of a lab?  Its cells with their points, and for nbgrader their texts with hidden tests.

nbgrader's ``autograde`` puts every locked cell back to the text that the gradebook holds. With the released text there,
a later ``autograde`` would run checks without their hidden tests, and every answer would be right.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry, SourceCell
from nbgrader.preprocessors import ClearHiddenTests
from nbgrader.utils import compute_checksum, is_locked

from grader.marking.matching import Release
from grader.notebook.notebooks import Cell, UnreadableError, parse


def enter(book: Gradebook, lab: Release, solution: Path | None = None) -> None:
    """Make the assignment with its cells and maximum scores, from the released lab alone.

    solution: the lab with its hidden tests, as ``course.py build`` writes it. A text that the gradebook holds already
    and that is released as this lab's stays: an exam's hidden tests are nowhere else.
    """
    book.update_or_create_assignment(lab.name)
    book.update_or_create_notebook(lab.name, lab.name)
    where = {"notebook": lab.name, "assignment": lab.name}
    texts = _texts(solution)
    for cell in lab.cells:
        if not cell.grade_id:
            continue
        kind = "code" if cell.kind == "code" else "markdown"
        if cell.task:
            book.update_or_create_task_cell(cell.grade_id, **where, max_score=cell.points, cell_type=kind)
        elif cell.grade:
            book.update_or_create_grade_cell(cell.grade_id, **where, max_score=cell.points, cell_type=kind)
        if cell.solution:
            book.update_or_create_solution_cell(cell.grade_id, **where)
        if (cell.task or cell.grade or cell.solution or cell.locked) and not _holds(book, lab, cell):
            book.update_or_create_source_cell(cell.grade_id, **where, **_source(cell, kind, texts.get(cell.grade_id)))


def _texts(solution: Path | None) -> dict[str, str]:
    """grade_id -> text with hidden tests; empty where there is no such notebook."""
    if solution is not None:
        with contextlib.suppress(OSError, UnreadableError):
            return {cell.grade_id: cell.source for cell in parse(solution.read_bytes()) if cell.grade_id}
    return {}


def with_hidden_tests(lab: Release, solution: Path | None) -> dict[str, str]:
    """grade_id -> a check's text with its hidden tests, where ``solution`` holds them for the check as released."""
    texts = _texts(solution)
    return {cell.grade_id: texts[cell.grade_id] for cell in lab.cells if _is_known(cell, texts)}


def _is_known(cell: Cell, texts: dict[str, str]) -> bool:
    is_check = cell.grade and not cell.solution
    return is_check and cell.grade_id in texts and _is_released_as(texts[cell.grade_id], cell)


def _holds(book: Gradebook, lab: Release, cell: Cell) -> bool:
    """Does the gradebook hold this cell's text as nbgrader saved it, with whatever hidden tests?"""
    try:
        held: SourceCell = book.find_source_cell(cell.grade_id, lab.name, lab.name)
    except MissingEntry:
        return False
    return bool(held.checksum) and _is_released_as(held.source, cell)


def _is_released_as(text: str | None, cell: Cell) -> bool:
    node = NotebookNode(source=text or "")
    try:
        ClearHiddenTests()._remove_hidden_test_region(node)
    except RuntimeError:  # a region without an end
        return False
    return node.source.strip() == cell.source.strip()


def _source(cell: Cell, kind: str, text: str | None) -> dict[str, object]:
    """What nbgrader would have saved. A check whose hidden tests are not here gets no checksum: ``autograde`` then
    refuses it, until ``course.py release`` or ``nbgrader generate_assignment`` has put them there."""
    is_check = cell.grade and not cell.solution
    known = text is not None and is_check and _is_released_as(text, cell)
    marks = {name: getattr(cell, name) for name in ("grade_id", "grade", "solution", "locked", "task", "points")}
    source = text if known else cell.source
    node = NotebookNode(cell_type=kind, source=source, metadata=NotebookNode(nbgrader=NotebookNode(marks)))
    checksum = compute_checksum(node) if known or not is_check else None
    return {"source": source, "cell_type": kind, "locked": is_locked(node), "checksum": checksum}
