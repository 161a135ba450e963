"""Feedback back to the learners: a zip that Canvas and Moodle take, each file named as its submission was.

Moodle's "Upload multiple feedback files in a zip" (`assignfeedback_file_zip_importer` in moodle/moodle) finds the
student by a folder or a name that begins with ``Name_NUMBER_assignsubmission_file``; the page lies in there. Canvas'
re-upload (`AbstractAssignment#infer_comment_context_from_filename` in instructure/canvas-lms) reads user and attachment
from the name, and shows the file to the learner under the name of what was handed in. So there the feedback is a
notebook of one cell: a page of HTML would arrive as an .ipynb that nothing opens.
"""

from __future__ import annotations

import html
import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grader.marking.submissions import Submission
from grader.school.grades import Grade
from grader.school.intake import Row
from grader.school.names import CANVAS, owner
from utils.errors import CourseError

_NOTE = re.compile(r'<p id="late">.*?</p>\n', re.DOTALL)
_TOTAL = re.compile(r"(</h1>\n<p>.*?</p>\n)", re.DOTALL)
_BODY = re.compile(r"<h1>.*(?=</html>)", re.DOTALL)


@dataclass(frozen=True)
class Made:
    """without: students who handed in and have no feedback page yet."""

    path: Path
    files: int
    without: tuple[str, ...]


def add_notes(out: Path, grades: Sequence[Grade]) -> int:
    """Say on the feedback pages who was late and what it costs; how many say so."""
    count = 0
    for grade in grades:
        for lab, one in grade.labs.items():
            path = page(out, grade.student.folder, lab)
            if path.is_file():
                text = path.read_text(encoding="utf-8")
                said = with_note(text, _sentence(one.late.note, one.points, one.maximum))
                count += bool(one.late.note)
                if said != text:
                    path.write_text(said, encoding="utf-8")
    return count


def with_note(text: str, note: str) -> str:
    """The page with this note below its points, in place of an earlier one."""
    text = _NOTE.sub("", text)
    if not note:
        return text
    return _TOTAL.sub(lambda found: f'{found[1]}<p id="late">{html.escape(note)}</p>\n', text, count=1)


def _sentence(note: str, points: float, maximum: float) -> str:
    return f"{note} With that: {points:g} of {maximum:g} points." if note else ""


def page(out: Path, folder: str, lab: str) -> Path:
    """Where `grade` writes a student's feedback."""
    return out / "feedback" / Submission(folder, None).slug / f"{lab}.html"


def write(out: Path, lab: str, rows: Sequence[Row], target: Path) -> Made:
    """Zip the feedback of a lab under the names that the download had. Raises CourseError where there is none."""
    chosen = {row.folder: row for row in sorted(rows, key=lambda row: _is_graded(row, lab)) if row.folder}
    without = [folder for folder in chosen if not page(out, folder, lab).is_file()]
    files = {
        _name(row, lab): _content(row, page(out, folder, lab))
        for folder, row in chosen.items()
        if folder not in without
    }
    if not files:
        raise CourseError(
            f"There is no feedback for {lab} in {str(out)!r} that a download of the class goes with: run `course.py"
            " intake` and `course.py grade` first, with --class and --out as here."
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in sorted(files.items()):
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    except OSError as error:
        raise CourseError(f"{str(target)!r} cannot be written ({error.strerror}): choose another --out.") from None
    return Made(target, len(files), tuple(without))


def _is_graded(row: Row, lab: str) -> bool:
    return row.kept_as.endswith(f"/{lab}.ipynb")


def _name(row: Row, lab: str) -> str:
    """What the feedback is called in the zip."""
    if row.system == CANVAS:
        return PurePosixPath(row.file).with_suffix(".ipynb").name
    who = owner(PurePosixPath(row.file))
    return f"{who.prefix if who else row.folder + '/'}feedback_{lab}.html"


def _content(row: Row, path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    return as_notebook(text) if row.system == CANVAS else text


def as_notebook(text: str) -> str:
    """The page's body as a notebook with one Markdown cell. Its text is escaped already, by the page."""
    body = _BODY.search(text)
    cell = {"cell_type": "markdown", "id": "feedback", "metadata": {}, "source": body[0] if body else text}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)
