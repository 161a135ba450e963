"""Right ways to write steps_are_consistent, in other styles."""

from __future__ import annotations

import re

from grader.exercises.lab05.chains import SIGNS
from grader.exercises.lab05.steps_are_consistent.rule import (
    EQUATION,
    all_true,
    steps_and_answer,
)
from grader.exercises.lab05.steps_are_consistent.wrong import catalogue

right = catalogue.right


@right
def in_one_walk(trace):
    value, count = None, 0
    for piece in trace.replace(";", "\n").split("\n"):
        if piece.startswith("Answer:"):
            return count > 0 and piece[7:].strip() == str(value)
        left, equals, shown = piece.split(", ")[-1].rstrip(".").partition("=")
        found = re.fullmatch(r"\s*(-?\d+)\s*([+*-])\s*(\d+)\s*", left)
        if not equals or not found:
            return False
        start, sign, number = int(found[1]), found[2], int(found[3])
        if value is not None and start != value:
            return False
        value = {"+": start + number, "-": start - number, "*": start * number}[sign]
        if value != int(shown):
            return False
        count = count + 1
    return False


@right
def by_eval(trace):
    lines = [re.sub(r"[A-Za-z,.]", "", line) for line in re.split("[;\n]", trace) if "=" in line]
    sides = [[side.strip() for side in line.split("=")] for line in lines]
    answer = re.search(r"Answer: *(-?\d+)\s*$", trace)
    if not sides or not answer:
        return False
    if any(eval(left) != int(result) for left, result in sides):
        return False
    starts = [int(re.match(r"-?\d+", left)[0]) for left, _ in sides]
    results = [int(result) for _, result in sides]
    return starts[1:] == results[:-1] and results[-1] == int(answer[1])


@right
def by_comparing_lists(trace):
    found = re.findall(r"(-?\d+)\s*([-+*])\s*(\d+)\s*=\s*(-?\d+)", trace)
    answer = re.findall(r"Answer:\s*(-?\d+)", trace)
    starts = [int(start) for start, *_ in found]
    results = [int(result) for *_, result in found]
    owed = [SIGNS[sign](int(a), int(b)) for a, sign, b, _ in found]
    return len(found) > 0 and owed == results and starts[1:] + [int(x) for x in answer[:1]] == results


@right
def with_a_class(trace):
    from dataclasses import dataclass

    @dataclass
    class Reader:
        last: int | None = None
        good: bool = True
        answered: bool = False

        def step(self, a, sign, b, result):
            self.good &= self.last in (None, a) and SIGNS[sign](a, b) == result
            self.last = result

    reader = Reader()
    for line in trace.replace(";", "\n").splitlines():
        if match := EQUATION.search(line):
            reader.step(int(match[1]), match[2], int(match[3]), int(match[4]))
        elif line.startswith("Answer:"):
            reader.answered = reader.last is not None and line.split(":")[1].strip() == str(reader.last)
    return reader.good and reader.answered


@right
def recursively(trace):
    body, mark, answer = trace.partition("Answer:")

    def walk(steps, value):
        if not steps:
            return str(value) == answer.strip()
        a, sign, b, result = steps[0]
        holds = int(result) == SIGNS[sign](int(a), int(b)) and value in (None, int(a))
        return holds and walk(steps[1:], int(result))

    steps = EQUATION.findall(body)
    return bool(mark and steps) and walk(steps, None)


@right
def with_reduce(trace):
    from functools import reduce

    steps, answer = steps_and_answer(trace)
    if answer is None or not steps:
        return False

    def go_on(value, step):
        return step.result if value == step.start and all_true([step]) else float("nan")

    return reduce(go_on, steps, steps[0].start) == answer


@right
def with_numpy(trace):
    import numpy as np

    steps, answer = steps_and_answer(trace)
    if not steps or answer is None:
        return False
    a, b, c = (
        np.array(column) for column in ([s.start for s in steps], [s.number for s in steps], [s.result for s in steps])
    )
    signs = np.array([step.sign for step in steps])
    owed = np.select([signs == "+", signs == "-"], [a + b, a - b], a * b)
    return np.array_equal(owed, c) and np.array_equal(np.append(a[1:], answer), c)


@right
def by_words(trace):
    spaced = re.sub(r"(?<=\d)([-+*=])", r" \1 ", trace.replace(";", "\n"))
    rows = [line.rstrip(".").split() for line in spaced.splitlines()]
    steps = [row[-5:] for row in rows if "=" in row]
    answers = [row[1] for row in rows if row and row[0] == "Answer:" and row[1:]]
    if not steps or not answers or answers[0] != steps[-1][-1]:
        return False
    for place, (a, sign, b, _, result) in enumerate(steps):
        if SIGNS[sign](int(a), int(b)) != int(result) or (place and a != steps[place - 1][-1]):
            return False
    return True
