"""What of the course stands beside a submission?  What its cells need, and no answer to an exercise.

The library holds the mathematics, so in the sandbox its modules are stand-ins: importing from them works, as the
learner's set-up cell does, and calling what was imported says "write it here". Modules without an answer (where text
and models come from) are copied as they are. The mistake this prevents: ``from utils.losses import distillation_loss``
as a submission. What is not named here as harmless is a stand-in.
"""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HARMLESS = (
    "allocator", "batches", "bootstrap", "corpus", "distributed", "documents", "errors", "fingerprint", "forward",
    "history", "hub", "interrupts", "models", "plots", "pretrained", "profiles", "workspace",
)  # fmt: skip
_ASKING = ("ask", "verdict")  # modules of utils.checks; with them come those that they import
_INSIDE = ("__init__", "limits", "names", "namespaces", "protocol", "seccomp", "server", "shell", "wire")

STAND_IN = '''"""While a notebook is graded, the library's answers are not here."""


class _Absent:
    def __init__(self, name):
        self.__name__ = self.__qualname__ = name

    def _refuse(self, *arguments, **options):
        raise ImportError(f"{self.__name__} is not here while your notebook is graded: write it here, in your notebook")

    __call__ = __iter__ = __enter__ = __getitem__ = __float__ = _refuse

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Absent(f"{self.__name__}.{name}")


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return _Absent(f"{__name__}.{name}")
'''

# What a lab's own cells call at their start: it does nothing here, and stops none of them.
_NOTEBOOK = """

def ready(*functions):
    return False


def errors_as_sentences():
    return None
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
    utils.mkdir(parents=True)
    for source in sorted((root / "utils").iterdir()):
        _copy_or_replace(source, utils)
    for name in ("course.py", "requirements.txt"):  # a set-up cell knows the course by the one and reads the other
        (folder / name).write_text("")
    checks = utils / "checks"
    checks.mkdir(exist_ok=True)
    for name in asking_modules(root / "utils" / "checks"):
        shutil.copy(root / "utils" / "checks" / f"{name}.py", checks)
    (checks / "__init__.py").write_text(_CHECKS)
    inside = folder / "grader" / "sandbox"
    inside.mkdir(parents=True)
    (folder / "grader" / "__init__.py").write_text("")
    for name in _INSIDE:
        shutil.copy(root / "grader" / "sandbox" / f"{name}.py", inside)
    return folder


def asking_modules(checks: Path) -> set[str]:
    """The modules of ``utils.checks`` that asking a function needs, and no other."""
    found: set[str] = set()
    waiting = list(_ASKING)
    while waiting:
        name = waiting.pop()
        if name in found or not (checks / f"{name}.py").exists():
            continue
        found.add(name)
        for node in ast.walk(ast.parse((checks / f"{name}.py").read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "utils.checks":
                waiting += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("utils.checks."):
                waiting.append(node.module.rpartition(".")[2])
    return found


def stand_in(source: Path) -> str:
    """A module without answers: its plain constants, and for every other name something that says so."""
    body = ast.parse(source.read_text(encoding="utf-8")).body if source.is_file() else []
    constants = [node for node in body if isinstance(node, ast.Assign) and _is_plain(node.value)]
    return "\n".join([STAND_IN, *map(ast.unparse, constants), ""])


def _is_plain(value: ast.expr) -> bool:
    """Whether it is a number or a text, or computed from such alone: -100, 2**16."""
    parts = (ast.Constant, ast.UnaryOp, ast.BinOp, ast.unaryop, ast.operator)
    return all(isinstance(node, parts) for node in ast.walk(value))


def _copy_or_replace(source: Path, utils: Path) -> None:
    """One module or package of ``utils``: itself where it is harmless, else a stand-in of the same name."""
    name = source.stem
    if name.startswith((".", "__pycache__")) or source.name == "checks":
        return
    if name in HARMLESS or name == "__init__":
        if source.is_dir():
            shutil.copytree(source, utils / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, utils / source.name)
    elif source.suffix == ".py" or (source / "__init__.py").exists():
        (utils / f"{name}.py").write_text(stand_in(source) + (_NOTEBOOK if name == "notebook" else ""))
