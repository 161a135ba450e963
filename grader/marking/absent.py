"""Packages that a submission uses and that are not installed where it is graded.

Its import has failed in some cell, and the function stops much later with a NameError. So what a name was to be is
looked up in the cells. They are a stranger's: their lines are searched, not parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec

from grader.marking.judge import Result

_FROM = re.compile(r"^[ \t]*from[ \t]+(\w+)[\w.]*[ \t]+import[ \t]+(\([^)]*\)|[^\n#;]+)", re.MULTILINE)
_IMPORT = re.compile(r"^[ \t]*import[ \t]+([^\n#;]+)", re.MULTILINE)
_NO_NAME = re.compile(r"NameError: name '(\w+)' is not defined")
_NO_MODULE = re.compile(r"ModuleNotFoundError: No module named '(\w+)")
_LACKS = " is not installed where it is graded"  # the end of a misconception's name, behind the package's


def imported(sources: Iterable[str]) -> dict[str, str]:
    """What the cells import: name in the notebook -> package, such as ``softmax`` -> ``scipy``."""
    found = {}
    for source in sources:
        for package, listed in _FROM.findall(source):
            found |= dict.fromkeys(_bound(listed), package)
        for listed in _IMPORT.findall(source):
            found |= {_bound(one)[0]: one.split(".")[0].split()[0] for one in listed.split(",") if _bound(one)}
    return found


def _bound(listed: str) -> list[str]:
    """The names that the list of an import statement binds."""
    each = [one.split() for one in listed.strip("() \t").split(",")]
    return [words[-1] if len(words) == 3 else words[0].split(".")[0] for words in each if words]


def explained(result: Result, sources: Sequence[str]) -> Result:
    """The result with the package that it lacks, where one is the reason that it is not right."""
    name = next(iter(_NO_NAME.findall(result.message)), "")
    package = imported(sources).get(name) or next(iter(_NO_MODULE.findall(result.message)), "")
    if result.status == "ok" or not package or _is_installed(package):
        return result
    advice = "Use torch or numpy instead; a module of your own is handed in beside the notebook."
    if result.status == "missing":
        return replace(result, message=f"{result.message} {package}{_LACKS}. {advice}")
    used = f"`{name}` of {package}, which" if name not in ("", package) else f"{package}, which"
    message = f"Not yet: {result.exercise} uses {used}{_LACKS}. {advice}"
    return replace(result, message=message, misconceptions=(package + _LACKS,))


def lacking(results: Iterable[Result]) -> set[str]:
    """The packages that kept these results from being right."""
    names = (name for result in results for name in result.misconceptions)
    return {name.removesuffix(_LACKS) for name in names if name.endswith(_LACKS)}


def _is_installed(package: str) -> bool:
    with suppress(ImportError, ValueError):
        return find_spec(package) is not None
    return True
