"""From one source to two notebooks: what a learner opens, and the executed solution. Or: do they still agree with it?

A lab is written in solutions/NN_name/NN_name.py alone. The solution is executed again only where something has changed
that its code uses.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from grader.marking.publish import learners_notebook
from grader.notebook.assemble import assemble, version_of, write_notebook
from grader.notebook.drift import drift
from grader.notebook.hidden import DRAWN, drawing_code, kept_tests
from grader.notebook.labs import METADATA, Lab
from grader.notebook.uses import used_by_lab


@dataclass(frozen=True)
class Built:
    """The two notebooks of a lab as its source makes them, the solution without outputs."""

    lab: Lab
    solution: NotebookNode
    learner: NotebookNode


def prepare(lab: Lab, seed: int | None = None) -> Built:
    """Make both notebooks in memory, nothing executed.  seed: see `grader.notebook.assemble.assemble`."""
    drawn_by = drawing_code(lab)
    kept = kept_tests(lab, drawn_by) if seed is None else {}
    solution, digests = assemble(lab, seed, kept)
    learner = learners_notebook(solution, lab)
    solution.metadata[METADATA].version = learner.metadata[METADATA].version = version_of(learner)
    solution.metadata[METADATA][DRAWN] = NotebookNode(by=drawn_by, of=NotebookNode(digests))
    return Built(lab, solution, learner)


def check(lab: Lab) -> list[str]:
    """What has drifted from the source, a sentence each; quick, because nothing is executed."""
    built = prepare(lab)
    return [*drift(lab.released, built.learner, lab.root), *drift(lab.solution, built.solution, lab.root)]


def build(lab: Lab, profile: str, again: bool = False, say: Callable[[str], None] = print) -> None:
    """Write both notebooks.  The solution is executed where its code, what that uses, or the profile has changed.

    again: execute it in any case.
    """
    built = prepare(lab)
    solution = None if again else with_old_outputs(built, profile)
    if solution is None:
        from grader.notebook.execution import execute

        say(f"{lab.name}: executing the solution in the {profile} profile ...")
        digest = code_digest(built)
        solution = execute(built.solution, lab, profile)
        solution.metadata[METADATA].executed.code = digest
    for path, notebook in ((lab.released, built.learner), (lab.solution, solution)):
        written = write_notebook(notebook, path)
        say(f"{path.relative_to(lab.root).as_posix()}: {'written' if written else 'unchanged'}")


def code_digest(built: Built) -> str:
    """A digest of what decides the outputs: the code cells, and the modules and data that they use."""
    sources = [cell.source for cell in built.solution.cells if cell.cell_type == "code"]
    return used_by_lab(sources, built.lab.source.name, built.lab.root).digest(json.dumps(sources))


def with_old_outputs(built: Built, profile: str) -> NotebookNode | None:
    """The solution with the outputs of the notebook that is there, or None where they would be other ones."""
    try:
        old = nbformat.read(built.lab.solution, as_version=4)
        executed = old.metadata[METADATA]["executed"]
    except Exception:  # not there, half written, or of another making: execute
        return None
    if (executed.get("code"), executed.get("profile")) != (code_digest(built), profile):
        return None
    outputs = {cell.id: cell for cell in old.cells if cell.cell_type == "code"}
    for cell in built.solution.cells:
        if cell.cell_type == "code":
            if cell.id not in outputs:
                return None
            cell.outputs, cell.execution_count = outputs[cell.id].outputs, outputs[cell.id].execution_count
    built.solution.metadata[METADATA].executed = executed
    return built.solution
