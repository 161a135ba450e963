"""A lab handed out: release/NN_name/ for the learners, and its hidden tests in the gradebook for nbgrader's autograde.

The hidden tests in solutions/ are as public as the repository, so an exam takes a seed: its probes are new and go into
the gradebook and nowhere else.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from grader.marking.gradebook import opened
from grader.marking.publish import course_config, learners_notebook
from grader.notebook.assemble import write_notebook
from grader.notebook.build import prepare
from grader.notebook.labs import Lab


def release(lab: Lab, seed: int | None = None, gradebook: str | None = None) -> Path:
    """Write release/NN_name/ anew and keep the hidden tests in the gradebook; returns the folder.

    gradebook: a database URL or a file; None takes nbgrader's own, gradebook.db in the course.  Raises CourseError.
    """
    built = prepare(lab, seed)
    address = gradebook or str(lab.root / "gradebook.db")
    with opened(address) as book:
        book.update_or_create_assignment(lab.name)
    learners_notebook(built.solution, lab, address if "://" in address else f"sqlite:///{Path(address).absolute()}")
    folder = lab.root / "release" / lab.name
    partial = folder.with_name(f".{lab.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    write_notebook(built.learner, partial / lab.released.name)
    copy_others(lab, partial)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(partial, folder)
    return folder


def copy_others(lab: Lab, folder: Path) -> None:
    """What lies beside the source and is for learners too, chosen as nbgrader does."""
    from nbgrader.utils import find_all_files

    beside = lab.source.parent
    for name in find_all_files(str(beside), [*course_config(lab.root).CourseDirectory.ignore, "*.ipynb"]):
        target = folder / Path(name).relative_to(beside)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(name, target)
