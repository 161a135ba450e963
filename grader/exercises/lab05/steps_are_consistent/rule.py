"""What is right, and the pieces that wrong and right ways to write steps_are_consistent share."""

from __future__ import annotations

import itertools
import re

from grader.exercises.lab05.chains import SIGNS, Step

EQUATION = re.compile(r"(-?\d+) ?([-+*]) ?(\d+) ?= ?(-?\d+)")


def steps_are_consistent(trace):
    """True where all of a trace fits together.

    That is: it has at least one step; every equation is true; each step but the first has the result of the step before
    it as its first number; and there is an answer, a whole number, that equals the last result. Both forms are read.
    """
    steps, answer = steps_and_answer(trace)
    return bool(steps) and all_true(steps) and all_linked(steps) and answer == steps[-1].result


def steps_and_answer(trace):
    steps = [Step(int(a), sign, int(b), int(result)) for a, sign, b, result in EQUATION.findall(trace)]
    found = re.search(r"(?:^|;)Answer: *(-?\d+)", trace, re.MULTILINE)
    return steps, int(found[1]) if found else None


def all_true(steps):
    return all(SIGNS[step.sign](step.start, step.number) == step.result for step in steps)


def all_linked(steps):
    return all(before.result == after.start for before, after in itertools.pairwise(steps))
