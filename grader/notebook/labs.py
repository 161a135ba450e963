"""A lab: one source, two notebooks that are built from it, and the tags that its cells may carry.

Labs are found, not listed: whatever lies in solutions/NN_name/NN_name.py is one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from utils.errors import CourseError
from utils.machine.lab_names import METADATA as METADATA
from utils.machine.lab_names import PATTERN as PATTERN
from utils.machine.lab_names import is_called as is_called

SET_UP = "set-up"  # how a lab begins; the build puts a folded cell above it that finds the course. Both always run
NOTEBOOK_ONLY = "notebook-only"  # widgets and magics: `course.py run` leaves it out
RUN_ONLY = "run-only"  # what `course.py run` prints and keeps: in no notebook
OPTIONAL = frozenset({"sweep", "stretch"})  # long, and the lab's own question does not need it: left out but for --all
EXPENSIVE = OPTIONAL | {"train"}  # takes minutes: grading runs only what such a cell defines
TAGS = EXPENSIVE | {SET_UP, NOTEBOOK_ONLY, RUN_ONLY}


_CHECKED = re.compile(r'"grade_id": "check_(\w+)"')


@dataclass(frozen=True)
class Lab:
    """One lab of the course in the folder `root`; name: such as ``02_distill_a_student``."""

    root: Path
    name: str

    @property
    def source(self) -> Path:
        """The one file that people write: jupytext percent with nbgrader's metadata."""
        return self.root / "solutions" / self.name / f"{self.name}.py"

    @property
    def solution(self) -> Path:
        """Generated: the solution, executed, with hidden tests; what nbgrader takes as its source."""
        return self.source.with_suffix(".ipynb")

    @property
    def released(self) -> Path:
        """Generated: what a learner opens."""
        return self.root / "labs" / self.name / f"{self.name}.ipynb"

    @property
    def number(self) -> str:
        return self.name.partition("_")[0]

    @property
    def exercises(self) -> tuple[str, ...]:
        """The functions that the source checks, in order."""
        return tuple(_CHECKED.findall(self.source.read_text(encoding="utf-8")))


def lab_of(source: Path) -> Lab:
    """The lab that a source belongs to."""
    return Lab(source.resolve().parents[2], source.stem)


def labs_in(root: Path) -> tuple[Lab, ...]:
    """Every lab that has a source, in order.  Raises CourseError for a source whose name is not its folder's."""
    return tuple(lab_of(source) for source in sources_in(root / "solutions"))


def sources_in(solutions: Path) -> list[Path]:
    """The source of every lab in a folder, in order.  Raises CourseError where one is not named as its folder."""
    sources = sorted(solutions.glob(f"{PATTERN}/{PATTERN}.py"))
    for source in sources:
        if source.stem != source.parent.name:
            raise CourseError(
                f"solutions/{source.parent.name}/{source.name} is no lab: its name must be its folder's. Call it "
                f"{source.parent.name}.py."
            )
    return sources


def find_source(number: str, solutions: Path) -> Path:
    """The source of lab `number` ("2", "02" or its whole name).  Raises CourseError that lists the labs there are."""
    sources = sources_in(solutions)
    for source in sources:
        if is_called(source.stem, number):
            return source
    there = (
        f"There are: {', '.join(source.stem for source in sources)}." if sources else f"There is none in {solutions}."
    )
    raise CourseError(f"There is no lab '{number}'. {there}")
