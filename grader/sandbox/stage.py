"""What of the course stands beside a submission?  What its cells need, and no answer to an exercise.

The library holds the mathematics, so in the sandbox its modules are stand-ins: importing from them works, as the
learner's set-up cell does, and calling what was imported says "write it here". A module that holds no answer says so
itself, ``HOLDS_NO_ANSWER = True``, or its room's ``__init__.py`` says it for all of them; these are copied as they are.
A module with an answer in such a room says ``HOLDS_NO_ANSWER = False``.
Whoever says nothing is a stand-in, so that no forgotten line gives an answer away.
"""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

from grader.sandbox.names import names
from utils.machine.workspace import ROOT

HARMLESS = "HOLDS_NO_ANSWER"
_ASKING = ("ask", "verdict", "plays")  # of utils.checks; with them comes what they import
_INSIDE = ("__init__", "limits", "names", "namespaces", "protocol", "seccomp", "server", "shell", "wire")

STAND_IN = '''"""While a notebook is graded, the library's answers are not here."""


class _Absent:
    def __init__(self, name, reason):
        self.__name__ = self.__qualname__ = name
        self._reason = reason

    def _refuse(self, *arguments, **options):
        raise ImportError(f"{self.__name__} {self._reason}")

    __call__ = __iter__ = __enter__ = __getitem__ = __float__ = _refuse

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Absent(f"{self.__name__}.{name}", self._reason)


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    here = name in _NAMES
    reason = "is not here while your notebook is graded: write it here, in your notebook"
    gone = "is not in this edition of the course: do it as the lab does now"
    return _Absent(f"{__name__}.{name}", reason if here else gone)


def __dir__():
    return list(_NAMES)
'''

# What a lab's own cells call at their start: it does nothing here, and stops none of them.
_NOTEBOOK = """

def ready(*functions):
    return False


def guess(value, *choices, **bounds):
    return value


def errors_as_sentences():
    pass


def begin(lab):
    from utils.models.profiles import get_profile

    return get_profile("auto"), None
"""
_CHECKS = '''"""While a notebook is graded, its own checks say nothing: the judge asks on fresh probes instead."""

from importlib.util import find_spec

from utils.checks.verdict import Verdict


def check(*arguments, **options):
    return Verdict(False, "not checked here: this is being graded")


def __getattr__(name):
    if name.startswith("__") or find_spec(f"{__name__}.{name}"):
        raise AttributeError(name)
    return check
'''


def build(folder: Path, root: Path = ROOT) -> Path:
    """Write the reduced course into ``folder``. root: the course's own folder."""
    utils = folder / "utils"
    for source in sorted((root / "utils").rglob("*")):
        _copy_or_replace(source, root / "utils", utils)
    for name in ("course.py", "requirements.txt"):  # a set-up cell knows the course by the one and reads the other
        (folder / name).write_text("")
    checks = utils / "checks"
    for source in asking_modules(root / "utils" / "checks"):
        target = checks / source.relative_to(root / "utils" / "checks")
        target.parent.mkdir(exist_ok=True)
        shutil.copy(source, target)
    (checks / "__init__.py").write_text(_CHECKS)
    inside = folder / "grader" / "sandbox"
    inside.mkdir(parents=True)
    (folder / "grader" / "__init__.py").write_text("")
    for name in _INSIDE:
        shutil.copy(root / "grader" / "sandbox" / f"{name}.py", inside)
    return folder


def asking_modules(checks: Path) -> set[Path]:
    """The files of ``utils.checks`` that asking a function needs, and no other."""
    found: set[Path] = set()
    waiting = list(_ASKING)
    while waiting:
        place = checks / waiting.pop().replace(".", "/")
        files = [place.with_suffix(".py"), *place.glob("*.py")]
        for file in (path for path in files if path.is_file() and path not in found):
            found.add(file)
            waiting += _taken_from_checks(file)
    return found


def _taken_from_checks(file: Path) -> list[str]:
    """Which modules of ``utils.checks`` a file imports, as dotted names inside of it."""
    start, taken = "utils.checks", []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(start):
            inside = node.module.removeprefix(start).lstrip(".")
            taken += [inside] if inside else [alias.name for alias in node.names]
    return taken


def stand_in(source: Path) -> str:
    """A module without answers: its plain constants, and for every other name something that says so."""
    text = source.read_text(encoding="utf-8")
    body = ast.parse(text).body
    defined, _ = names(text) or (set(), set())
    constants = [node for node in body if isinstance(node, ast.Assign) and _is_plain(node.value)]
    taken = [
        f"from {node.module} import {each.name}"
        for node in body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("utils.")
        for each in node.names
        if each.name.isupper()
    ]
    return "\n".join([STAND_IN, f"_NAMES = {sorted(defined)}", *taken, *map(ast.unparse, constants), ""])


def _is_plain(value: ast.expr) -> bool:
    """Whether it is a number or a text, or computed from such alone: -100, 2**16."""
    parts = (ast.Constant, ast.UnaryOp, ast.BinOp, ast.unaryop, ast.operator)
    return all(isinstance(node, parts) for node in ast.walk(value))


def holds_no_answer(source: Path, utils: Path) -> bool:
    """Whether this file of ``utils`` says so, or says nothing and a room that it lies in says so."""
    rooms = [utils / part / "__init__.py" for part in source.relative_to(utils).parents if part != Path()]
    said = [_said_of(path) for path in (source, *rooms) if path.suffix == ".py" and path.is_file()]
    return next((word for word in said if word is not None), False)


def _said_of(module: Path) -> bool | None:
    """Whether a module holds no answer, as it says; None where it says nothing."""
    assigned = [node for node in ast.parse(module.read_text(encoding="utf-8")).body if isinstance(node, ast.Assign)]
    said = [ast.unparse(node.value) for node in assigned if ast.unparse(node.targets[0]) == HARMLESS]
    return said[-1] == "True" if said else None


def _copy_or_replace(source: Path, library: Path, utils: Path) -> None:
    """One file of ``utils``: itself where it holds no answer, else a stand-in of the same name; of checks nothing."""
    inside = source.relative_to(library)
    if source.is_dir() or "__pycache__" in inside.parts or inside.parts[0].startswith("."):
        return
    target = utils / inside
    target.parent.mkdir(parents=True, exist_ok=True)
    if inside.parts[0] == "checks":
        return
    if source.name == "__init__.py" or holds_no_answer(source, library):
        shutil.copy(source, target)
    elif source.suffix == ".py":
        target.write_text(stand_in(source) + (_NOTEBOOK if inside.stem == "notebook" else ""))
