"""How well and how fast do the checks diagnose? Singles, pairs of mistakes, right variants; the slowest check.

``python -m benchmarks.diagnosis [--pairs N]`` writes benchmarks/results/diagnosis.json. N pairs are drawn. "missed" is
a wrong one that passes, "false" a right one that does not.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.common import write_result
from grader.exercises import all_exercises, get
from grader.exercises.lab02.distillation_loss.pairs import drawn, tally
from grader.marking.diagnose import scores
from utils.checks import Verdict
from utils.checks.ask import ask
from utils.checks.diagnosis import verdict_on
from utils.checks.records import Table


def timed(table: Table, fn: Callable) -> tuple[Verdict, float]:
    """The verdict, and the seconds it took from the first call to the verdict."""
    start = time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = verdict_on(table, ask(table.probes, fn))
    return found, time.perf_counter() - start


def singles() -> dict[str, dict[str, float]]:
    """By exercise: how many wrong and right ones there are, named, missed, false, and the slowest check."""
    report = {}
    for exercise in all_exercises():
        table = exercise.table(None)
        timed(table, next(iter(exercise.right.values())))  # imports and caches of the first call
        wrong = [(entry, *timed(table, entry.implementation)) for entry in exercise.misconceptions]
        right = [timed(table, fn) for fn in exercise.right.values()]
        seconds = [took for *_, took in wrong] + [took for _, took in right]
        report[exercise.name] = {
            "wrong": len(wrong),
            "named": sum(bool({w.name, *w.also} & set(found.misconceptions)) for w, found, _ in wrong),
            "missed": sum(found.passed for _, found, _ in wrong),
            "right": len(right),
            "false": sum(not found.passed for found, _ in right),
            "slowest_s": round(max(seconds), 4),
            "median_s": round(float(np.median(seconds)), 4),
        }
    return report


def paired(count: int) -> dict[str, int]:
    """Of pairs of mistakes in the loss: how many have both named, one, none, and how many pass."""
    return {"tried": count, **tally(drawn(get("distillation_loss").table(None), count, seed=0))}


def costs() -> dict[str, float]:
    """Of the 10 points of the loss: how many each single mistake costs."""
    exercise = get("distillation_loss")
    table, whole = exercise.table(5), sum(part.points for part in exercise.parts)
    lost: dict[str, float] = {}
    for wrong in exercise.misconceptions:
        earned = scores(exercise, table, ask(table.probes, wrong.implementation))
        lost[wrong.name] = max(lost.get(wrong.name, 0.0), round(whole - sum(earned.values()), 3))
    return dict(sorted(lost.items(), key=lambda entry: entry[1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=1500, help="how many pairs to draw (default: 1500)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(write_result("diagnosis", {"singles": singles(), "pairs": paired(arguments.pairs), "points_lost": costs()}))


if __name__ == "__main__":
    main()
