"""What a lab's cells share: how it begins, whether your functions are ready, the reader's guesses, recorded results."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd
from IPython import get_ipython
from IPython.display import display

from utils.checks import Verdict, judge, known
from utils.errors import CourseError
from utils.labs.guesses import guess
from utils.machine.cells import CellWatch
from utils.machine.workspace import ROOT, output_folder
from utils.measuring.shown import interval
from utils.models.profiles import Profile, get_profile

__all__ = ["begin", "committed", "errors_as_sentences", "guess", "ready", "show_rows"]


def begin(lab: str) -> tuple[Profile, Path]:
    """What a lab starts with: the profile, and the folder for its figures and checkpoints."""
    errors_as_sentences()
    return get_profile("auto"), output_folder(lab)


def errors_as_sentences() -> None:
    """From here on a cell that fails says so in a sentence.  Outside a notebook nothing is watched."""
    global _watch
    shell = get_ipython()
    if shell is not None and hasattr(shell, "kernel"):
        if _watch is not None:
            _watch.stop()
        _watch = CellWatch(shell, known())


_watch: CellWatch | None = None


def ready(*functions: Callable) -> bool:
    """Whether every function has been written; prints one sentence where one has not, or does not pass its check."""
    for function in functions:
        name = _exercise_of(function)
        if name not in known():
            continue
        if hasattr(function, "unread"):
            print(function.unread)
            return False
        found = _verdict(function, name)
        if found.passed:
            continue
        if "NotImplementedError" in getattr(getattr(function, "__code__", None), "co_names", ()):
            print(f"{name} is still open. Write it in its cell above, run that cell, then run this one.")
            return False
        mistakes = f": {'; '.join(found.misconceptions)}" if found.misconceptions else ""
        print(f"{name} does not pass its check{mistakes}. Its card says more; read what follows with care.")
        if _watch is not None:
            _watch.doubt(name)
    return True


def _exercise_of(function: Callable) -> str:
    """The exercise that the function is for: by its own name, or by the one that the reader gave it (a lambda's)."""
    own, shell = getattr(function, "__name__", ""), get_ipython()
    given = {} if shell is None or own in known() else shell.user_ns
    return next((name for name in known() if given.get(name) is function), own)


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
        "95 % interval": [interval(row) for row in rows],
        "bits per byte": [f"{row['bits_per_byte']:.3f}" for row in rows],
        "tokens": [f"{row['tokens']:,}" for row in rows],
    }
    display(pd.DataFrame(columns).style.hide(axis="index").set_uuid("comparison"))  # else it is drawn anew each time
