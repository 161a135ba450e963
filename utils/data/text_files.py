"""Which files of a folder are its text?  Not what programs keep beside it: hidden files, copies, environments."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from utils.machine.files import require_open

# What a Mac's zip, Python and npm leave in a folder.  Hidden ones, such as .ipynb_checkpoints, go by their dot.
NOT_TEXT = {"__MACOSX", "__pycache__", "node_modules", "site-packages"}
ENVIRONMENT_MARKS = ("pyvenv.cfg", "conda-meta")


def text_files(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """The files below a folder that end in one of `suffixes`, sorted; nothing hidden, and no environment.

    Links to folders are not followed.  Raises CourseError where a folder may not be looked into.
    """
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _is_kept_by_a_program(Path(place, name))]
        for name in folders:
            require_open(Path(place, name))
        found += [Path(place, name) for name in files if not name.startswith((".", "~$", "#"))]
    return sorted(path for path in found if path.suffix.lower() in suffixes and path.is_file())


def _is_kept_by_a_program(folder: Path) -> bool:
    hidden = folder.name.startswith(".") or folder.name in NOT_TEXT
    return hidden or any(os.path.exists(folder / mark) for mark in ENVIRONMENT_MARKS)
