"""What does formgrader show when a written answer is marked?  The submission as nbgrader would have kept it, made safe.

nbgrader's pages need ``autograded/STUDENT/LAB/LAB.ipynb``. Types, points and locked cells come from the released lab,
the rest from the submission; outputs are left out, and markup in a learner's text stays text. The mistake this
prevents: marking in a browser that runs what a stranger wrote.
"""

from __future__ import annotations

import html
import json
from pathlib import Path

from grader.journal import write_whole
from grader.matching import Release, match
from grader.notebooks import Cell


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
    return made | {"source": source if restored else html.escape(source, quote=False)}
