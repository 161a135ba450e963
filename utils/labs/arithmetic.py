"""The task of Labs 5 and 6: chains of small steps, worked out from left to right, with every step known.

A question is a line such as ``7 +5 *3 -4``: a start, then operations, each on the value so far, without precedence.
Values have up to two digits and may be negative.  Chains of any length can be asked, also longer ones than any model
has read, and questions in which a number is missing: they have no answer.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from utils.data.documents import name_point
from utils.errors import CourseError

LEAST, MOST = -20, 99
TRAINED, LONGER = (3, 4, 5), (6, 7)
FORMS = ("verbose", "compact", "answer")
RIGHT, WRONG, SKIPPED = "right", "wrong", "skipped"
NO_ANSWER = "none"
MOST_IN_VAIN = 5000  # questions drawn in a row of which none is new: then a split is as good as exhausted
_COMPUTE = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_EQUATION = re.compile(r"(-?\d+)\s*([+*-])\s*(-?\d+)\s*=\s*(-?\d+)")
_SHARES = {"train": (0.0, 0.9), "tune": (0.9, 0.93), "validation": (0.93, 1.0)}


@dataclass(frozen=True)
class Question:
    """A start and its operations, such as ``(("+", 5), ("*", 3))``; a missing number is None."""

    start: int
    operations: tuple[tuple[str, int | None], ...]

    @property
    def text(self) -> str:
        """The line that a model reads."""
        return " ".join([str(self.start), *(f"{sign}{'?' if n is None else n}" for sign, n in self.operations)])

    @property
    def values(self) -> list[int]:
        """The start and every result, as far as they are known."""
        found = [self.start]
        for sign, number in self.operations:
            if number is None:
                break
            found.append(compute(found[-1], sign, number))
        return found

    @property
    def answer(self) -> int | None:
        """The last result; None where a number is missing."""
        return self.values[-1] if len(self.values) == len(self.operations) + 1 else None

    def trace(self, form: str = "verbose") -> str:
        """The right solution in one of FORMS, without the question."""
        answer = f"Answer: {NO_ANSWER if self.answer is None else self.answer}"
        if form == "answer":
            return answer
        values, steps = self.values, []
        for place, (value, (sign, number)) in enumerate(zip(values, self.operations, strict=False)):
            steps.append(f"{value} {sign} ?" if number is None else f"{value} {sign} {number} = {values[place + 1]}")
        if form == "compact":
            return ";".join([*(step.replace(" ", "") for step in steps), answer])
        words = ["First", *["Therefore"] * len(steps)][: len(steps)]
        if len(words) == len(self.operations):
            words[-1] = "Finally"
        ends = [" is not known." if step.endswith("?") else "." for step in steps]
        return "\n".join([*(f"{w}, {s}{e}" for w, s, e in zip(words, steps, ends, strict=True)), answer])


def questions(
    count: int, lengths: Sequence[int] = TRAINED, split: str = "train", seed: int = 0, unknown: float = 0.0
) -> list[Question]:
    """Different questions of a split, drawn from a seed; the splits share none.

    lengths: how many operations, each as often.  unknown: the share of questions in which a number is missing.
    Raises CourseError where a split does not have so many.
    """
    random = np.random.Generator(np.random.PCG64([seed, *map(ord, split)]))
    found: dict[str, Question] = {}
    in_vain = 0
    for question in _drawn(random, lengths, unknown):
        if len(found) == count:
            break
        if _split_of(question.text) == split and question.text not in found:
            found[question.text] = question
            in_vain = 0
        in_vain += 1
        if in_vain > MOST_IN_VAIN:
            raise CourseError(
                f"The split {split!r} has hardly more than {len(found)} questions of {', '.join(map(str, lengths))} "
                f"operations, and {count} were asked for. Ask for fewer, or for longer ones."
            )
    return list(found.values())


def _drawn(random: np.random.Generator, lengths: Sequence[int], unknown: float) -> Iterator[Question]:
    while True:
        length = int(random.choice(lengths))
        value = start = int(random.integers(2, 21))
        operations: list[tuple[str, int | None]] = []
        while len(operations) < length:
            sign = "+-*"[int(random.integers(3))]
            number = int(random.integers(2, 4 if sign == "*" else 10))
            result = compute(value, sign, number)
            if LEAST <= result <= MOST:
                operations.append((sign, number))
                value = result
        if random.random() < unknown:
            place = int(random.integers(length))
            operations[place] = (operations[place][0], None)
        yield Question(start, tuple(operations))


def _split_of(text: str) -> str:
    point = name_point(text)
    return next(split for split, (low, high) in _SHARES.items() if low <= point < high)


def compute(left: int, sign: str, right: int) -> int:
    """What an operation of a question gives."""
    return _COMPUTE[sign](left, right)


def equations(trace: str) -> list[tuple[int, str, int, int]]:
    """Every step that a trace writes, in either form, as (left, sign, right, result); true or not."""
    return [(int(a), sign, int(b), int(c)) for a, sign, b, c in _EQUATION.findall(trace)]


def marked(question: Question, trace: str) -> list[tuple[str, str]]:
    """Every step of the question with its mark: what was written for it, and "right", "wrong" or "skipped".

    A step is right if it does the question's operation on the value that the trace had so far, with a true result.
    Steps that belong to no operation come last and are wrong.
    """
    written = equations(trace)
    value, place, found = question.start, 0, []
    for sign, number in question.operations:
        rest = [p for p in range(place, len(written)) if written[p][1:3] == (sign, number)]
        if not rest:
            found.append((f"{value} {sign} {'?' if number is None else number}", SKIPPED))
            continue
        found += [(_said(written[p]), WRONG) for p in range(place, rest[0])]
        left, _, right, result = written[rest[0]]
        good = left == value and compute(left, sign, right) == result
        found.append((_said(written[rest[0]]), RIGHT if good else WRONG))
        value, place = result, rest[0] + 1
    return found + [(_said(one), WRONG) for one in written[place:]]


def _said(equation: tuple[int, str, int, int]) -> str:
    return "{} {} {} = {}".format(*equation)
