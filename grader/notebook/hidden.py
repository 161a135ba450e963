"""The hidden tests of a lab's check cells, drawn from grader/exercises when the lab is built.

The mistake this prevents: a hidden test that is written by hand beside the exercise, and says something else than the
learner's check and the judge. What goes into the cell are probes and expected numbers; no answer does.
"""

from __future__ import annotations

import zlib

from nbformat import NotebookNode

from grader import exercises
from grader.notebook.labs import Lab
from utils.checks.hidden_tests import excerpt, to_text

BEGIN, END = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
CHECK = "check_"


def add_hidden_tests(notebook: NotebookNode, lab: Lab, seed: int | None = None) -> None:
    """Put hidden tests around every check of a function that grader/exercises knows.  seed: as in `assemble`."""
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader", {})
        name = marks.get("grade_id", "").removeprefix(CHECK)
        if cell.cell_type == "code" and marks.get("grade") and not marks.get("solution"):
            record = hidden_record(name, lab, seed)
            if record:
                cell.source = with_hidden_tests(cell.source, name, record, float(marks["points"]))


def hidden_record(name: str, lab: Lab, seed: int | None) -> str:
    """The tests as one line of text; "" where there is no such exercise."""
    try:
        exercise = exercises.get(name)
    except ValueError:
        return ""
    drawn = zlib.crc32(f"{lab.name}/{name}/{'' if seed is None else seed}".encode())
    parts = [(part.name, part.points, part.probes) for part in exercise.parts]
    return to_text(excerpt(exercise.table(drawn), parts))


def with_hidden_tests(source: str, name: str, record: str, maximum: float) -> str:
    """The check between two hidden regions, which a release lacks. nbgrader reads the last line's value as points."""
    return "\n".join(
        [
            BEGIN,
            "from utils.checks.hidden_tests import hush, points  # a warning costs nothing",
            "hush()",
            END,
            source,
            BEGIN,
            "# Probes and expected numbers, written by `course.py build`; the last line's value is the points earned.",
            f'record = "{record}"',
            f"points({name}, record, maximum={maximum:g})",
            END,
        ]
    )
