"""While hidden tests ask, the library's own functions answer nothing: an import of them is no answer.

`course.py grade` needs none of this, for in its sandbox the library is not there. nbgrader's own `autograde` runs a
submission beside it, and ``from utils.losses import distillation_loss`` would win every point. So every function of a
module that may hold an answer refuses for as long as `library_withheld` lasts, however it was imported or wrapped.
A submission shares the process and can undo this; it can copy the library's text too.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import CodeType, FunctionType, ModuleType

import utils

TAKES_NOTHING = True  # every module is loaded to be locked, and no answer of a lab depends on what is in it
_CHECKS = "utils.checks"  # asking needs it, and it holds no code of an answer


def _refuse(*arguments, **options):
    raise ImportError("the library's own functions are not here while your notebook is graded: write it yourself")


@contextmanager
def library_withheld() -> Iterator[None]:
    """Every function of the library that may be an answer raises ImportError, until the end of the block."""
    kept: list[tuple[FunctionType, CodeType]] = []
    try:
        for function in {id(each): each for module in _modules() for each in _functions(module)}.values():
            if not function.__code__.co_freevars:  # a method that calls super(); no answer is one
                kept.append((function, function.__code__))
                function.__code__ = _refuse.__code__
        yield
    finally:
        for function, code in kept:
            function.__code__ = code


def _modules() -> Iterator[ModuleType]:
    """The library's modules that may hold an answer, loaded so that no later import brings a fresh one.

    As in the sandbox, a module or its room says so where it holds none.
    """
    for found in pkgutil.walk_packages(utils.__path__, "utils."):
        room = ".".join(found.name.split(".")[:2])
        if room != _CHECKS and not getattr(importlib.import_module(room), "HOLDS_NO_ANSWER", False):
            with suppress(ImportError):
                yield importlib.import_module(found.name)


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """What a module defines, in classes too; without what it imports."""
    if getattr(module, "HOLDS_NO_ANSWER", False):
        return
    for value in vars(module).values():
        parts = vars(value).values() if inspect.isclass(value) else [value]
        for part in parts:
            function = inspect.unwrap(getattr(part, "__func__", part)) if callable(part) else None
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                yield function
