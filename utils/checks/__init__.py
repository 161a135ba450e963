"""``check(name, fn)``: is what you wrote right, and if not, what exactly is the mistake?

A check asks your function on fixed probes and compares plain numbers with a table; it holds no solution. Passing it
here is no proof of passing at grading, which draws fresh probes; failing it here always means something.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

from utils.checks import card
from utils.checks.ask import ask
from utils.checks.diagnosis import verdict_on
from utils.checks.records import Table
from utils.checks.verdict import Verdict
from utils.errors import CourseError

__all__ = ["Verdict", "check", "judge", "known"]

TABLES = Path(__file__).parent / "tables"


def known() -> list[str]:
    """The names that can be checked."""
    return sorted(path.stem for path in TABLES.glob("*.npz"))


@cache
def _table(name: str) -> Table:
    return Table.load(TABLES / f"{name}.npz")


def judge(name: str, fn: Callable, seconds: float = 10.0) -> Verdict:
    """Ask ``fn`` and return the verdict without showing anything; otherwise as ``check``."""
    if name not in known():
        raise CourseError(f"There is no check named {name!r}. There are: {', '.join(known())}.")
    if hasattr(fn, "unread"):  # its cell was not read to the end, see utils.machine.cells
        return Verdict(False, fn.unread)
    table = _table(name)
    return verdict_on(table, ask(table.probes, fn, seconds))


def check(name: str, fn: Callable, seconds: float = 10.0) -> Verdict:
    """Ask ``fn``, show a card and return the verdict.

    name: the exercise, such as ``"distillation_loss"``. seconds: how long all calls together may take.
    Never raises for what ``fn`` does, except in `nbgrader validate`, which takes any cell that ends well for a passed
    one; raises CourseError for a name that nobody knows.
    """
    found = judge(name, fn, seconds)
    card.show(name, found)
    if not found.passed and os.environ.get("NBGRADER_VALIDATING"):
        raise AssertionError(found.message)
    return found
