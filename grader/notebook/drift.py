"""Do the committed notebooks still say what their source says?  Compared cell by cell; outputs do not matter.

The answer is a sentence that names the first cell that differs, because "the notebook differs" helps nobody.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from grader.notebook.hidden import DRAWN
from grader.notebook.labs import METADATA
from grader.notebook.ways import WAYS_ON

COMPARED = {"cell_type": "its type", "source": "its text", "metadata": "its metadata", "attachments": "its pictures"}


def drift(path: Path, expected: NotebookNode, root: Path) -> list[str]:
    """Sentences about what differs between the notebook in `path` and the expected one; none where nothing does."""
    shown = path.relative_to(root).as_posix()
    if not path.is_file():
        return [f"{shown} is not there."]
    try:
        found = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    except Exception as error:  # nbformat raises its own, json's and jsonschema's errors
        return [f"{shown} is not a notebook ({type(error).__name__})."]
    problems = [*cell_drift(found, expected), *metadata_drift(found, expected)]
    return [f"{shown}: {problem}" for problem in problems[:3]]


def cell_drift(found: NotebookNode, expected: NotebookNode) -> list[str]:
    problems = []
    for index, (mine, theirs) in enumerate(zip(found.cells, expected.cells, strict=False), start=1):
        if mine.get("id") != theirs.id:
            names = f"{theirs.id!r} in the source and {mine.get('id', 'without an id')!r} here"
            made = " The build writes this cell itself, from the table of labs." if theirs.id == WAYS_ON else ""
            return [*problems, f"cell {index} is {names}.{made}"]
        what = [words for key, words in COMPARED.items() if (mine.get(key) or {}) != (theirs.get(key) or {})]
        if what:
            whose = "what the build writes at a lab's end" if theirs.id == WAYS_ON else "the source"
            problems.append(f"cell {index} ({theirs.id}) differs from {whose} in {' and '.join(what)}.")
    if len(found.cells) != len(expected.cells):
        problems.append(f"it has {len(found.cells)} cells, and the source makes {len(expected.cells)}.")
    return problems


def metadata_drift(found: NotebookNode, expected: NotebookNode) -> list[str]:
    """The notebook's own metadata, without the records of how it was made: those do not come from the source."""
    problems = []
    for key, value in expected.metadata.items():
        here, there = dict(found.metadata.get(key, {})), dict(value)
        for record in ("executed", DRAWN) if key == METADATA else ():
            here.pop(record, None)
            there.pop(record, None)
        if here != there:
            what = f"what the build notes of the lab ({METADATA} in its metadata)" if key == METADATA else f"its {key}"
            problems.append(f"{what} differs from the source's.")
    return problems
