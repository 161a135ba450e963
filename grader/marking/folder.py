"""What lies in a student's folder: notebooks, scripts, other files, and what a computer left there by itself.

Browsers, mail programs and school systems rename files and pack them into more folders, so a name alone does not tell
which file is the lab's. Nothing is opened here, and no link is followed.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from grader.marking.plain_text import escaped

_MOST_FILES = 500
_MOST_DEPTH = 5
_MOST_CHECKPOINTS = 3
_LEFT_BY_COMPUTERS = re.compile(
    r"\..*|__MACOSX|__pycache__|Thumbs\.db|desktop\.ini|Icon\r|~\$.*|timestamp\.txt", re.IGNORECASE
)
_NEVER_A_STUDENT = re.compile(
    r"__MACOSX|__pycache__|\.(ipynb_checkpoints|git|venv|Trash.*|Spotlight.*|fseventsd)", re.I
)
_NOTEBOOK = re.compile(r"(.*)\.ipynb(?:\.txt|\.json)?", re.IGNORECASE | re.DOTALL)
_MAY_BE_ONE = ("", ".txt", ".json")


@dataclass(frozen=True)
class File:
    """path: of the file. shown: its name for a message, from the student's folder on."""

    path: Path
    shown: str

    @property
    def is_notebook(self) -> bool:
        """Whether its name says so: .ipynb in any case, also with .txt or .json behind it."""
        return bool(_NOTEBOOK.fullmatch(self.path.name))

    @property
    def may_be_a_notebook(self) -> bool:
        """Whether it may be one under a name that does not say so."""
        return not self.is_notebook and self.path.suffix.lower() in _MAY_BE_ONE

    @property
    def is_script(self) -> bool:
        return self.path.suffix.lower() == ".py"

    @property
    def stem(self) -> str:
        """A notebook's name without .ipynb and what follows it."""
        found = _NOTEBOOK.fullmatch(self.path.name)
        return found[1] if found else self.path.stem


def is_left_by_a_computer(name: str) -> bool:
    """Whether a name is a system's or hidden: .DS_Store, ._notes.ipynb, __MACOSX, .ipynb_checkpoints, Thumbs.db."""
    return bool(_LEFT_BY_COMPUTERS.fullmatch(name))


def is_never_a_student(name: str) -> bool:
    """Whether a folder is no student's, whatever lies in it."""
    return bool(_NEVER_A_STUDENT.fullmatch(name))


def shown(name: str | os.PathLike) -> str:
    """A file's name as text on one line, whatever bytes it is made of."""
    return escaped(os.fsencode(name).decode("utf-8", "backslashreplace"))


def checkpoints_in(folder: Path) -> list[str]:
    """Names of notebooks that Jupyter keeps beside a learner's own, as it was saved once."""
    with contextlib.suppress(OSError):
        found = islice(folder.glob("**/.ipynb_checkpoints/*.ipynb"), _MOST_CHECKPOINTS)
        return sorted(shown(path.relative_to(folder)) for path in found)
    return []


def files_in(folder: Path) -> list[File]:
    """The files of a student, of folders inside as well, in order. Raises OSError where the folder cannot be read.

    A link is a file here, and so is a folder that is called as a notebook, or one inside that cannot be read: whoever
    opens it says what is wrong.
    """
    found: list[File] = []
    waiting = [folder]
    while waiting and len(found) < _MOST_FILES:
        here = waiting.pop(0)
        try:
            entries = sorted(os.scandir(here), key=lambda entry: os.fsencode(entry.name))
        except OSError:
            if here == folder:
                raise
            found.append(File(here, shown(here.relative_to(folder))))
            continue
        for entry in entries:
            if is_left_by_a_computer(entry.name):
                continue
            path = Path(entry.path)
            file = File(path, shown(path.relative_to(folder)))
            if not entry.is_dir(follow_symlinks=False) or file.is_notebook:
                found.append(file)
            elif len(path.relative_to(folder).parts) < _MOST_DEPTH:
                waiting.append(path)
    return found[:_MOST_FILES]
