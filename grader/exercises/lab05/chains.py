"""Chains of small steps, and the two ways to write them down: what the probes of this lab are made of."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

SIGNS = {"+": operator.add, "-": operator.sub, "*": operator.mul}


class Step(NamedTuple):
    """One equation, right or wrong: ``start sign number = result``."""

    start: int
    sign: str
    number: int
    result: int

    def __str__(self) -> str:
        return f"{self.start} {self.sign} {self.number} = {self.result}"


def right(start: int, sign: str, number: int) -> Step:
    """The step with its right result."""
    return Step(start, sign, number, SIGNS[sign](start, number))


def chain(
    stream: np.random.Generator, steps: int, low: int = 10, high: int = 99, end: tuple[int, int] | None = None
) -> list[Step]:
    """Right steps; their results are all different and lie between low and high, the last one inside of ``end``."""
    while True:
        value, found = int(stream.integers(2, 10)), []
        for _ in range(steps):
            found.append(right(value, str(stream.choice(list(SIGNS))), int(stream.integers(2, 10))))
            value = found[-1].result
        first, last = end or (low, high)
        inside = all(low <= step.result <= high for step in found[:-1]) and first <= value <= last
        if inside and len({step.result for step in found}) == steps:
            return found


def question(steps: Sequence[Step]) -> str:
    """As it is put to a model, such as ``7 +5 *3``."""
    return " ".join([str(steps[0].start), *(f"{step.sign}{step.number}" for step in steps)])


def verbose(steps: Sequence[Step], answer: object = None) -> str:
    """One line a step; ``answer``: as written, the last result where it is None, no line at all where it is empty."""
    words = ["First", *["Therefore"] * (len(steps) - 2), "Finally"] if len(steps) > 1 else ["Finally"]
    lines = [f"{word}, {step}." for word, step in zip(words, steps, strict=True)]
    return "\n".join(lines + _answer(steps, answer))


def compact(steps: Sequence[Step], answer: object = None) -> str:
    """The same in one line."""
    return ";".join([str(step).replace(" ", "") for step in steps] + _answer(steps, answer))


def _answer(steps: Sequence[Step], answer: object) -> list[str]:
    if answer is None:
        answer = steps[-1].result
    return [] if answer == "" else [f"Answer: {answer}"]
