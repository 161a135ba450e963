"""What a notebook needs around its cells: errors as sentences, and TODOs that stop only what needs them.

The mistake it prevents: a learner who leaves one function open and finds forty lines of traceback in every cell below.
"""

from __future__ import annotations

from collections.abc import Callable

from utils.checks import verdict_of
from utils.errors import CourseError


def ready(*functions: Callable) -> bool:
    """Whether every function has been written; prints one sentence where one has not, or has not passed its check."""
    for function in functions:
        verdict = verdict_of(function)
        name = getattr(function, "__name__", type(function).__name__)
        if not verdict.passed and "NotImplementedError" in getattr(function, "__code__", name.__init__).co_names:
            print(f"{name} is still open. Write it in its cell above, run that cell, then run this one.")
            return False
        if not verdict.passed:
            print(f"{name} has not passed its check, so read what follows with care. {verdict.message}")
    return True


def errors_as_sentences() -> None:
    """Show the course's own errors as one sentence instead of a traceback; outside a notebook this does nothing."""
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((CourseError,), lambda shell, kind, error, trace, **_: print(f"{error}"))
