"""Parts of pages that are made from recorded results, so that no number there is typed by hand.

A part stands between two comments that name it and the module that makes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from benchmarks.common import RESULTS
from utils.errors import CourseError


def recorded(name: str) -> dict:
    """What benchmarks/results/NAME.json holds.  Raises CourseError where nothing was measured yet."""
    path = RESULTS / f"{name}.json"
    if not path.exists():
        script = f"labs {name.removeprefix('lab_')}" if name.startswith("lab_") else name
        raise CourseError(f"{path.name} is not there, and a page draws on it: python -m benchmarks.{script} makes it.")
    return json.loads(path.read_text(encoding="utf-8"))


def with_sections(page: str, module: str, sections: Mapping[str, str]) -> str:
    """The page with its parts renewed.  Raises CourseError where one has no place in it."""
    for name, text in sections.items():
        start, end = f"<!-- {name}: made by python -m benchmarks.{module} -->", f"<!-- /{name} -->"
        page, places = re.subn(f"{start}.*?{end}", lambda _, new=f"{start}\n{text}\n{end}": new, page, flags=re.DOTALL)
        if places != 1:
            raise CourseError(f"The page has {places} places for {name!r}, marked by {start}; it needs one.")
    return page
