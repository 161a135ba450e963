"""The submissions in a folder, and what else lies there.

A student has a folder, and in it the notebook; ``choice`` picks the file. A notebook beside the folders is a student's
too: of the one whose name stands before the lab's, as in ``bob_02_distill_a_student.ipynb``. What belongs to no student
is listed apart.

A student's name is shown on one line, with Python's spelling for what is not shown. Files that are made for a student
get a safe name: a folder's name may be a path or markup.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.marking.choice import cells_of, choose
from grader.marking.folder import File, checkpoints_in, files_in, is_left_by_a_computer, is_never_a_student, shown
from grader.marking.matching import Release
from grader.notebook.notebooks import MOST_SOURCE, Cell, UnreadableError, read_file
from utils.errors import CourseError

_MOST_MODULES = 20
_MODULE = re.compile(r"[A-Za-z_]\w*\.py", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")
_DIGEST = re.compile(r"-[0-9a-f]{12}")  # what a made name ends in
_LISTED = re.compile(r"\w[\w ,.'()@+-]{0,99}")  # without what is a pattern or a path to nbgrader


@dataclass(frozen=True)
class Submission:
    """student: as shown and stored. path: the notebook, None where there is none. problem: why there is none.

    file: the notebook's name in the student's folder. notes: why that one, and what else lies there.
    beside: modules in the notebook's folder, which it may import.
    """

    student: str
    path: Path | None
    problem: str = ""
    status: str = "unreadable"
    file: str = ""
    notes: tuple[str, ...] = ()
    beside: tuple[Path, ...] = ()

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

    def modules(self) -> dict[str, str]:
        """File's name -> text of each module beside the notebook that can be read."""
        found = {}
        for path in self.beside[:_MOST_MODULES]:
            with contextlib.suppress(UnreadableError, UnicodeDecodeError):
                found[path.name] = read_file(path, MOST_SOURCE).decode("utf-8")
        return found

    def cells(self) -> tuple[Cell, ...]:
        """The notebook's cells. Raises UnreadableError."""
        if self.path is None:
            raise UnreadableError(self.problem)
        return cells_of(self.path)


@dataclass(frozen=True)
class Found:
    """What lies in the folder of submissions. apart: names of what belongs to no student."""

    submissions: tuple[Submission, ...]
    apart: tuple[str, ...]


def find(folder: Path, lab: Release, students: Sequence[str] = (), others: Sequence[Release] = ()) -> Found:
    """All submissions, by student. students: only these. others: the course's other labs.

    Raises CourseError where there are none.
    """
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        raise CourseError(
            f"The submissions in {str(folder)!r} cannot be read ({error.strerror}): check --submissions."
        ) from None
    flat, apart = _flat(entries, lab, others)
    folders = [entry for entry in entries if _is_folder(entry)]
    apart += [shown(entry.name) for entry in folders if is_never_a_student(entry.name)]
    folders = [entry for entry in folders if not is_never_a_student(entry.name)]
    made = [_submission(entry, flat.pop(shown(entry.name), []), lab, others) for entry in folders]
    found = [each for each in made if each.path or not is_left_by_a_computer(each.student)]
    apart += [each.student for each in made if each not in found]
    found += [_chosen(student, files, lab, others) for student, files in flat.items()]
    found.sort(key=lambda each: each.student)
    _refuse_two_of_one_name(folder, found)
    if students:
        unknown = set(students) - {submission.student for submission in found}
        if unknown:
            raise CourseError(f"No submission of {', '.join(sorted(unknown))} in {str(folder)!r}: check --student.")
        found = [submission for submission in found if submission.student in students]
    if not found:
        there = f" (there: {', '.join(apart[:5])})" if apart else ""
        raise CourseError(
            f"{str(folder)!r} holds no student's folder{there}: expected STUDENT/{lab.name}.ipynb inside, a folder"
            " each."
        )
    return Found(tuple(found), tuple(apart))


def _flat(
    entries: Sequence[os.DirEntry], lab: Release, others: Sequence[Release]
) -> tuple[dict[str, list[File]], list[str]]:
    """Files that lie beside the folders: student -> notebooks called STUDENT_LAB.ipynb; and names of all the others."""
    flat: dict[str, list[File]] = {}
    apart = []
    for entry in entries:
        file = File(Path(entry.path), shown(entry.name))
        if _is_folder(entry):
            continue
        if (
            is_left_by_a_computer(entry.name)
            or not file.is_notebook
            or any(other.name in file.stem for other in others)
        ):
            apart.append(file.shown)
        else:
            flat.setdefault(_author(file, lab), []).append(file)
    return flat, apart


def _author(file: File, lab: Release) -> str:
    """Whose notebook a flat file is: what stands before the lab's name, or all of its name."""
    return shown(file.stem.partition(lab.name)[0].strip(" _-") or file.stem)


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


def _submission(entry: os.DirEntry, flat: list[File], lab: Release, others: Sequence[Release]) -> Submission:
    """flat: files of this student that lie beside the folder."""
    student = shown(entry.name)
    if entry.is_symlink():
        return Submission(student, None, "The student's folder is a link to somewhere else.")
    folder = Path(entry.path)
    if os.path.islink(folder / lab.name):
        return Submission(student, None, "The lab's folder is a link to somewhere else.")
    try:
        files = files_in(folder)
    except OSError as error:
        return Submission(student, None, f"The folder cannot be read ({error.strerror}).")
    found = _chosen(student, [*files, *flat], lab, others)
    kept = checkpoints_in(folder) if found.path is None else []
    if kept:
        words = (
            f"Jupyter has kept {', '.join(kept)}: is it the answer? It is graded once it lies outside of that folder."
        )
        return replace(found, problem=f"{found.problem} {words}")
    return found


def _chosen(student: str, files: Sequence[File], lab: Release, others: Sequence[Release]) -> Submission:
    choice = choose(files, lab, others)
    if choice.file is None:
        return Submission(student, None, choice.problem or f"There is no notebook {lab.name}.ipynb.", "missing")
    path = choice.file.path
    modules = [file.path for file in files if file.path.parent == path.parent and _MODULE.fullmatch(file.path.name)]
    beside = tuple(each for each in modules if each != path)
    return Submission(student, path, file=choice.file.shown, notes=choice.notes, beside=beside)
