"""The hidden tests of a lab's check cells, drawn from grader/exercises when the lab is built.

What goes into the cell are probes and expected numbers; no answer does. Drawing takes seconds, so a built solution
keeps a digest of the code that drew its tests, and as long as that code stays, the tests are taken from there.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Mapping

from nbformat import NotebookNode

from grader.notebook.labs import METADATA, Lab
from grader.notebook.rules import CHECK, is_judged, marks_of
from grader.notebook.uses import Uses, module_name
from utils.machine.workspace import ROOT

BEGIN, END = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
DRAWN = "drawn"  # in the notebook's metadata: which code drew them, and a digest of each
_RECORD = re.compile(r'^record = "(.*)"$', re.MULTILINE)


def add_hidden_tests(notebook: NotebookNode, lab: Lab, seed: int | None, kept: Mapping[str, str]) -> dict[str, str]:
    """Put hidden tests around every check that is judged; returns a digest of each, by the exercise's name.

    seed: draws the probes (None: the repository's own). kept: tests that need no drawing. Raises CourseError for
    a check of what grader/exercises does not know.
    """
    digests = {}
    for cell in filter(is_judged, notebook.cells):
        name = marks_of(cell)["grade_id"].removeprefix(CHECK)
        record = kept.get(name) or hidden_record(name, lab, seed)
        digests[name] = digest_of(record)
        cell.source = with_hidden_tests(cell.source, name, record, float(marks_of(cell)["points"]))
    return digests


def hidden_record(name: str, lab: Lab, seed: int | None) -> str:
    """The tests of one exercise as one line of text."""
    from grader import exercises
    from utils.checks.hidden_tests import excerpt, to_text

    exercise = exercises.get(name)
    drawn = zlib.crc32(f"{lab.name}/{name}/{'' if seed is None else seed}".encode())
    parts = [(part.name, part.points, part.probes) for part in exercise.parts]
    return to_text(excerpt(exercise.table(drawn), parts))


def kept_tests(lab: Lab, drawn_by: str) -> dict[str, str]:
    """The hidden tests in the solution that is there, where the code `drawn_by` drew them and nobody edited them."""
    try:
        old = json.loads(lab.solution.read_text(encoding="utf-8"))
        drawn = old["metadata"][METADATA][DRAWN]
        if drawn["by"] != drawn_by:
            return {}
        sources = ["".join(cell["source"]) for cell in old["cells"] if "nbgrader" in cell["metadata"]]
        records = {digest_of(record): record for source in sources for record in _RECORD.findall(source)}
        return {name: records[digest] for name, digest in drawn["of"].items() if digest in records}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # not there, or of another making
        return {}


def drawing_code(lab: Lab) -> str:
    """A digest of the code that draws a lab's hidden tests: its exercises, and what they use."""
    uses = Uses(ROOT, ("utils", "grader"))
    folder = ROOT / "grader" / "exercises"
    own = folder / f"lab{lab.number}"
    for path in sorted((own if own.is_dir() else folder).rglob("*.py")):
        uses.add_module(module_name(path.relative_to(ROOT)))
    uses.add_module("utils.checks.hidden_tests")
    return uses.digest()


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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
