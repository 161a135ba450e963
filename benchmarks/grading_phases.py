"""Where does the time of `course.py grade` go?  The same grading, one submission at a time, with a clock at each stage.

    python -m benchmarks.grading_phases COURSE NN        (a folder that benchmarks/grading_class.py made)

One at a time, so that the stages add up to the whole: waits that overlap would be counted twice.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from utils.machine.workspace import ROOT

PHASES = (
    "imports", "sandbox starts", "probes are made", "gradebook opens", "notebook is read", "fork", "cells run",
    "answers", "comparison", "end of the fork", "formgrader's copy", "journal", "gradebook", "feedback", "rest",
)  # fmt: skip
STARTING = ("imports", "sandbox starts", "probes are made", "gradebook opens")


def phases(root: Path, number: str, environment: Mapping[str, str]) -> dict:
    """Seconds in each phase, from a process of its own; keys: PHASES, "wall" and "submissions"."""
    command = [sys.executable, "-m", "benchmarks.grading_phases", str(root), number]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the grading with clocks failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    began = time.monotonic()
    root, number = Path(sys.argv[1]), sys.argv[2]
    from grader.marking import batch, matching
    from grader.sandbox.process import ServerProcess

    spent = Counter({"imports": time.monotonic() - began})
    set_clocks(spent)
    (path,) = (root / "labs").glob(f"{number}_*/*.ipynb")
    with tempfile.TemporaryDirectory(dir=root) as folder, ServerProcess(True) as server:
        out = Path(folder)
        settings = batch.Settings(
            matching.read_release(path), root / "submitted", out, str(out / "gradebook.db"), jobs=1
        )
        count = len(batch.run(settings, lambda progress: None, server).entries)
    wall = time.monotonic() - began
    spent["rest"] = wall - sum(spent.values())
    print(json.dumps({"submissions": count, "wall": round(wall, 2)} | {name: round(spent[name], 3) for name in PHASES}))


def set_clocks(spent: Counter) -> None:
    """Let every stage add its seconds to `spent`. No stage runs inside another."""
    from grader.marking import autograded, batch, diagnose, feedback, gradebook
    from grader.marking.journal import Journal
    from grader.sandbox.client import Attempt, Sandbox
    from utils.checks import diagnosis

    stages = {
        "sandbox starts": ((Sandbox, "__enter__"),),
        "probes are made": ((batch, "questions"),),
        "gradebook opens": ((gradebook, "Gradebook"),),
        "notebook is read": ((batch, "parse"), (batch, "plan")),
        "fork": ((Sandbox, "_lend"), (Attempt, "started")),
        "cells run": ((Attempt, "run"), (Attempt, "names")),
        "answers": ((Attempt, "ask"),),
        "comparison": ((diagnosis, "verdict_on"), (diagnose, "scores")),
        "end of the fork": ((Attempt, "close"),),
        "formgrader's copy": ((autograded, "write"),),
        "journal": ((Journal, "save"),),
        "gradebook": ((gradebook, "record"),),
        "feedback": ((feedback, "write"),),
    }
    for name, places in stages.items():
        for owner, attribute in places:
            setattr(owner, attribute, clocked(getattr(owner, attribute), name, spent))


def clocked(work: Callable, name: str, spent: Counter) -> Callable:
    @functools.wraps(work, updated=())
    def timed(*arguments: object, **named: object) -> object:
        began = time.monotonic()
        try:
            return work(*arguments, **named)
        finally:
            spent[name] += time.monotonic() - began

    return timed


if __name__ == "__main__":
    main()
