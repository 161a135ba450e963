"""Which files are submissions, and whose?  A folder for each student, flat or as nbgrader's ``submitted/`` has it.

    DIR/STUDENT/NN_name.ipynb        or        DIR/STUDENT/NN_name/NN_name.ipynb

A student's name is the folder's name, with what is no character or is not shown in Python's spelling; where a file is
made for a student, a safe name stands for it. The mistake this prevents: a name that is a path, or markup, and is
taken for one.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from grader.marking.matching import Release
from grader.marking.plain_text import escaped
from grader.notebook.notebooks import UnreadableError, read_file
from utils.errors import CourseError

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")
_DIGEST = re.compile(r"-[0-9a-f]{12}")  # what a made name ends in
_LISTED = re.compile(r"\w[\w ,.'()@+-]{0,99}")  # without what is a pattern or a path to nbgrader


@dataclass(frozen=True)
class Submission:
    """student: as shown and stored. path: the notebook, None where there is none. problem: why there is none."""

    student: str
    path: Path | None
    problem: str = ""

    @property
    def slug(self) -> str:
        """A name for files of this student's: the same for the same student, and safe as a path."""
        ends_like_one = _DIGEST.fullmatch(self.student[-13:]) or self.student.endswith(".")
        if _PLAIN.fullmatch(self.student) and not ends_like_one:
            return self.student
        digest = hashlib.sha256(self.student.encode()).hexdigest()[:12]
        return re.sub(r"[^A-Za-z0-9]+", "_", self.student).strip("_")[:40] + "-" + digest

    @property
    def listed(self) -> bool:
        """Whether nbgrader's formgrader can show the student, for whom it looks in a folder of that very name."""
        return bool(_LISTED.fullmatch(self.student)) and self.student[-1] not in ". "

    def content(self) -> bytes:
        """The notebook's bytes. Raises UnreadableError."""
        if self.path is None:
            raise UnreadableError(self.problem)
        return read_file(self.path)


def find(folder: Path, lab: Release, students: list[str] | None = None) -> list[Submission]:
    """All submissions, by student. students: only these. Raises CourseError where there are none."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        raise CourseError(
            f"The submissions in {str(folder)!r} cannot be read ({error.strerror}): check --submissions."
        ) from None
    found = [_submission(entry, lab.name) for entry in entries if _is_folder(entry)]
    found = [each for each in found if each.path or each.problem or not each.student.startswith(".")]
    _refuse_two_of_one_name(folder, found)
    if students:
        unknown = set(students) - {submission.student for submission in found}
        if unknown:
            raise CourseError(f"No submission of {', '.join(sorted(unknown))} in {str(folder)!r}: check --student.")
        found = [submission for submission in found if submission.student in students]
    if not found:
        raise CourseError(
            f"{str(folder)!r} holds no student's folder: expected STUDENT/{lab.name}.ipynb inside, a folder each."
        )
    return found


def _refuse_two_of_one_name(folder: Path, found: list[Submission]) -> None:
    """Two folders whose names are shown alike would be one student, and one of them without a result."""
    seen: dict[str, Submission] = {}
    for submission in found:
        other = seen.setdefault(submission.slug, submission)
        if other is not submission:
            raise CourseError(
                f"Two folders in {str(folder)!r} would be kept under one name, {submission.slug!r}: those of"
                f" {other.student!r} and {submission.student!r}. Rename one of them."
            )


def _is_folder(entry: os.DirEntry) -> bool:
    return entry.is_symlink() or entry.is_dir(follow_symlinks=False)


def _submission(entry: os.DirEntry, lab: str) -> Submission:
    student = escaped(os.fsencode(entry.name).decode("utf-8", "backslashreplace"))
    if entry.is_symlink():
        return Submission(student, None, "The student's folder is a link to somewhere else.")
    folder = Path(entry.path)
    try:
        deeper = folder / lab
        if deeper.is_symlink():
            return Submission(student, None, "The lab's folder is a link to somewhere else.")
        inside = deeper if deeper.is_dir() else folder
        names = sorted(name for name in os.listdir(inside) if name.endswith(".ipynb"))
    except OSError as error:
        return Submission(student, None, f"The folder cannot be read ({error.strerror}).")
    number = lab.partition("_")[0]
    named = [name for name in names if name == f"{lab}.ipynb"] or [name for name in names if name.startswith(number)]
    if not named:
        there = escaped(", ".join(names[:3]))[:200]
        return Submission(student, None, f"There is no notebook {lab}.ipynb; there is {there}." if names else "")
    if len(named) > 1:
        return Submission(student, None, f"There are several notebooks of this lab; one must be named {lab}.ipynb.")
    return Submission(student, inside / named[0])
