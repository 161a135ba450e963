"""What a learner gets: the lab with solutions and hidden tests out, as `nbgrader generate_assignment` makes it.

The steps are nbgrader's own, in its order and with the course's settings; the one that writes hidden tests into a
gradebook is left out of the build.
"""

from __future__ import annotations

import copy
import logging
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from traitlets.config import Config, PyFileConfigLoader

from grader.notebook.labs import Lab
from utils.errors import CourseError

CONFIG = Path(__file__).parents[1] / "nbgrader_config.py"


def course_config(root: Path) -> Config:
    """The settings in grader/nbgrader_config.py, for the course in the folder `root`."""
    config = PyFileConfigLoader(CONFIG.name, path=str(CONFIG.parent)).load_config()
    config.CourseDirectory.root = str(root)
    return config


def learners_notebook(notebook: NotebookNode, lab: Lab, gradebook: str | None = None) -> NotebookNode:
    """The learner's notebook from the whole one.

    gradebook: the URL of nbgrader's database that keeps the cells with their hidden tests for autograding; it must
    know the assignment.  Raises CourseError where nbgrader does not accept the cells.
    """
    from nbgrader.converters import GenerateAssignment
    from nbgrader.preprocessors import SaveCells

    config = course_config(lab.root)
    result = copy.deepcopy(notebook)
    resources = {"nbgrader": {"assignment": lab.name, "notebook": lab.name, "db_url": gradebook}}
    logger = logging.getLogger("nbgrader")
    for step in GenerateAssignment(config=config).preprocessors:
        if step is SaveCells and gradebook is None:
            continue
        try:
            result, resources = step(config=config, log=logger).preprocess(result, resources)
        except Exception as error:  # nbgrader raises RuntimeError, ValidationError and others for a wrong cell
            raise CourseError(f"{lab.source.name}: nbgrader's {step.__name__} refuses it: {error}") from error
    nbformat.validate(result)
    return result
