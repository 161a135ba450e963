"""What a notebook needs around its cells: errors as sentences, and TODOs that stop only what needs them.

The mistake it prevents: a learner who leaves one function open and finds forty lines of traceback in every cell below.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
from IPython import get_ipython
from IPython.display import display

from utils.checks import Verdict, judge, known
from utils.errors import CourseError
from utils.machine.workspace import ROOT


def ready(*functions: Callable) -> bool:
    """Whether every function has been written; prints one sentence where one has not, or does not pass its check."""
    for function in functions:
        name = getattr(function, "__name__", "")
        if name not in known():
            continue
        found = _verdict(function, name)
        if not found.passed and "NotImplementedError" in function.__code__.co_names:
            print(f"{name} is still open. Write it in its cell above, run that cell, then run this one.")
            return False
        if not found.passed:
            print(f"{name} does not pass its check, so read what follows with care. {found.message}")
    return True


def _verdict(function: Callable, name: str) -> Verdict:
    """The function's verdict; asked once for each function, so a cell that runs again does not wait again."""
    if _judged.get(name, (None, None))[0] is not function:
        _judged[name] = (function, judge(name, function))
    return _judged[name][1]


_judged: dict[str, tuple[Callable, Verdict]] = {}


def committed(name: str) -> dict:
    """The recorded result benchmarks/results/NAME.json: intervals over seeds that a live run has no time for."""
    path = ROOT / "benchmarks" / "results" / f"{name}.json"
    if not path.exists():
        raise CourseError(f"The recorded result {path.name} is not there. Get a whole copy of the course.")
    return json.loads(path.read_text(encoding="utf-8"))


def show_rows(rows: Sequence[Mapping]) -> None:
    """Show a comparison as a table: counts with separators, perplexities with their interval."""
    columns = {
        "model": [row["model"].replace("_", " ") for row in rows],
        "parameters": [f"{row['parameters']:,}" for row in rows],
        "perplexity": [f"{row['perplexity']:.1f}" for row in rows],
        "95 % interval": [f"{row['low']:.1f} to {row['high']:.1f}" for row in rows],
        "bits per byte": [f"{row['bits_per_byte']:.3f}" for row in rows],
        "tokens": [f"{row['tokens']:,}" for row in rows],
    }
    display(pd.DataFrame(columns).style.hide(axis="index").set_uuid("comparison"))  # else it is drawn anew each time


def errors_as_sentences() -> None:
    """Show the course's own errors as one sentence instead of a traceback; outside a notebook this does nothing."""
    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((CourseError,), lambda shell, kind, error, trace, **_: print(f"{error}"))
