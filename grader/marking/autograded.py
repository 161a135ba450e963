"""What does formgrader show when a written answer is marked?  The submission as nbgrader would have kept it, made safe.

nbgrader's pages need ``autograded/STUDENT/LAB/LAB.ipynb``. Types, points and locked cells come from the released lab,
the rest from the submission; outputs are left out, and of a learner's markup only what nothing can be done with is
kept: emphasis, lists, tables, formulas, and links to the web. So the browser neither runs what a stranger wrote nor
tells its author that it is read.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

from grader.marking.matching import Release, match
from grader.notebook.notebooks import Cell
from utils.machine.workspace import write_whole

_NOTHING = "\u2060"  # a word joiner: it is not seen in text, code or formula, and parts what stands beside it
_KEPT = r"(?:https?://|mailto:|#)"  # where a link may lead
_ACTIVE = re.compile(
    rf"(?<=\])(?=\((?!\s*{_KEPT}))"  # a link to elsewhere, such as [proof](javascript:...)
    rf"|(?<=\])(?=:(?!\s*{_KEPT}))"  # the same for all that refer to it, [proof]: javascript:...
    r"|(?<=!)(?=\[)"  # an image, which a browser fetches unasked
    r"|(?:(?<=```)|(?<=~~~))(?=[^\S\n]*mermaid)",  # a diagram, which a script draws
    re.IGNORECASE,
)


def write(out: Path, student: str, lab: Release, submitted: tuple[Cell, ...]) -> None:
    """Write one submission below out/autograded. Raises CourseError."""
    path = out / "autograded" / student / lab.name / f"{lab.name}.ipynb"
    write_whole(path, json.dumps(notebook(lab, submitted), indent=1))


def notebook(lab: Release, submitted: tuple[Cell, ...]) -> dict:
    """The submission's cells in their order, then what the lab has and the submission lacks."""
    pairs = match(lab.cells, submitted)
    places = set(pairs.values())
    originals = [lab.cells[pairs[index]] if index in pairs else None for index in range(len(submitted))]
    shown = [(cell.source, cell.kind, original) for cell, original in zip(submitted, originals, strict=True)]
    shown += [
        (cell.source, cell.kind, cell) for place, cell in enumerate(lab.cells) if cell.grade_id and place not in places
    ]
    cells = [_cell(number, source, kind, original) for number, (source, kind, original) in enumerate(shown)]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _cell(number: int, source: str, kind: str, original: Cell | None) -> dict:
    known = original is not None and bool(original.grade_id)
    restored = known and original.locked
    kind, source = (original.kind if known else kind), (original.source if restored else source)
    made: dict = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}}
    if known:
        marks = {name: getattr(original, name) for name in ("grade_id", "grade", "solution", "locked", "task")}
        points = {"points": original.points} if original.grade or original.task else {}
        made["metadata"] = {"nbgrader": {"schema_version": 3, "cell_type": kind} | marks | points}
    if kind == "code":
        return made | {"source": source, "execution_count": None, "outputs": []}
    return made | {"source": source if restored else harmless(source)}


def harmless(text: str) -> str:
    """A stranger's Markdown that reads the same and in which nothing is active but links to the web."""
    return _ACTIVE.sub(_NOTHING, html.escape(text, quote=False))
