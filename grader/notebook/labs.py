"""Where the files of a lab lie: one source, and two notebooks that are built from it.

The mistake this prevents: a path that is put together in two places, and a notebook written where another is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PATTERN = "[0-9][0-9]_*"
METADATA = "distillation_course"  # our own key in a notebook's metadata


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


def is_called(name: str, wanted: str) -> bool:
    """Whether a lab is the one that is wanted: by its number, "2" or "02", or by its whole name."""
    return wanted == name or wanted.zfill(2) == name.partition("_")[0]


def lab_of(source: Path) -> Lab:
    """The lab that a source belongs to."""
    return Lab(source.resolve().parents[2], source.stem)


def labs_in(root: Path) -> tuple[Lab, ...]:
    """Every lab that has a source, in order."""
    sources = sorted((root / "solutions").glob(f"{PATTERN}/{PATTERN}.py"))
    return tuple(lab_of(source) for source in sources if source.stem == source.parent.name)
