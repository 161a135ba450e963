"""From one source to two notebooks: what a learner opens, and the executed solution. Or: are they still what they were?

The mistake this prevents: editing a notebook. A lab is written in solutions/NN_name/NN_name.py alone; everything else
of it is made here, and a change of the text runs no code again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from grader.marking.publish import released
from grader.notebook.assemble import assemble, version_of, write_notebook
from grader.notebook.drift import drift
from grader.notebook.execution import code_digest, execute
from grader.notebook.labs import METADATA, Lab


@dataclass(frozen=True)
class Built:
    """The two notebooks of a lab as its source makes them, the solution without outputs."""

    lab: Lab
    solution: NotebookNode
    learner: NotebookNode


def prepare(lab: Lab, seed: int | None = None) -> Built:
    """Make both notebooks in memory, nothing executed.  seed: see `grader.notebook.assemble.assemble`."""
    solution = assemble(lab, seed)
    learner = released(solution, lab)
    solution.metadata[METADATA].version = learner.metadata[METADATA].version = version_of(learner)
    return Built(lab, solution, learner)


def check(lab: Lab) -> list[str]:
    """What has drifted from the source, a sentence each; quick, because nothing is executed."""
    built = prepare(lab)
    return [*drift(lab.released, built.learner, lab.root), *drift(lab.solution, built.solution, lab.root)]


def build(lab: Lab, profile: str, again: bool = False, say: Callable[[str], None] = print) -> None:
    """Write both notebooks.  The solution is executed where its code, the library or the profile has changed.

    again: execute it in any case.
    """
    built = prepare(lab)
    solution = None if again else with_old_outputs(built, profile)
    if solution is None:
        say(f"{lab.name}: executing the solution in the {profile} profile ...")
        digest = code_digest(built.solution, lab.root)
        solution = execute(built.solution, lab, profile)
        solution.metadata[METADATA].executed.code = digest
    for path, notebook in ((lab.released, built.learner), (lab.solution, solution)):
        written = write_notebook(notebook, path)
        say(f"{path.relative_to(lab.root).as_posix()}: {'written' if written else 'unchanged'}")


def with_old_outputs(built: Built, profile: str) -> NotebookNode | None:
    """The solution with the outputs of the notebook that is there, or None where they would be other ones."""
    try:
        old = nbformat.read(built.lab.solution, as_version=4)
        executed = old.metadata[METADATA]["executed"]
    except Exception:  # not there, half written, or of another making: execute
        return None
    if (executed.get("code"), executed.get("profile")) != (code_digest(built.solution, built.lab.root), profile):
        return None
    outputs = {cell.id: cell for cell in old.cells if cell.cell_type == "code"}
    for cell in built.solution.cells:
        if cell.cell_type == "code":
            if cell.id not in outputs:
                return None
            cell.outputs, cell.execution_count = outputs[cell.id].outputs, outputs[cell.id].execution_count
    built.solution.metadata[METADATA].executed = executed
    return built.solution
