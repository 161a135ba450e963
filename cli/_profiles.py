"""Which profile was asked for, and is there one?  Help and message name the same ones, before anything is computed."""

from __future__ import annotations

import os
from collections.abc import Collection

from utils.errors import CourseError


def asked_for(option: str | None, names: Collection[str]) -> str | None:
    """--profile, else COURSE_PROFILE, else None.  Raises CourseError where `names` does not hold it."""
    name = option or os.environ.get("COURSE_PROFILE") or None
    if name is None or name in names:
        return name
    where = "" if option else " (COURSE_PROFILE)"
    raise CourseError(f"There is no profile {name!r}{where}. Choose one of: {', '.join(names)}.")
