"""How nbgrader sees the course: its source is solutions/, its release is labs/. The build reads these settings too.

Loaded by nbgrader_config.py in the course's folder, where nbgrader looks. What each setting prevents stands beside it.
"""

from pathlib import Path

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import ClearHiddenTests, GetGrades

c = get_config()  # noqa: F821

c.CourseDirectory.root = str(Path(__file__).resolve().parent.parent)
c.CourseDirectory.course_id = "distillation"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "labs"
# nbgrader copies every other file of the source's folder beside each release and each submission: not the solution.
c.CourseDirectory.ignore = ["*.py", "*.pyc", "pictures", "outputs", "__pycache__", ".ipynb_checkpoints"]

c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
c.ClearSolutions.text_stub = "Write your answer here."

# Per cell. Grading runs in the smoke profile (nbgrader sets NBGRADER_EXECUTION), so even the training takes seconds.
c.Execute.timeout = 300
c.Execute.raise_on_iopub_timeout = False
# A warning or a progress bar on stderr counts as a failure for nbgrader: it is taken out before the points are read.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = r"(?s).*"
# A check that was deleted is put back and counts as what it is, instead of waiting for a person for ever.
c.OverwriteCells.add_missing_cells = True
# Feedback would print the hidden tests with their expected numbers.
c.GenerateFeedback.preprocessors = [GetGrades, ClearHiddenTests, CSSHTMLHeaderPreprocessor]
