"""steps_are_consistent(trace): true equations, each step from the last, and the answer at the end."""

from __future__ import annotations

import itertools
import re

from grader.exercises.lab05.chains import SIGNS, Step, chain, compact, verbose
from grader.exercises.lab05.chains import right as right_step
from grader.exercises.ordinary import Catalogue, exercise
from utils.checks.records import Probe

catalogue = Catalogue()
wrong, right = catalogue.wrong, catalogue.right
EQUATION = re.compile(r"(-?\d+) ?([-+*]) ?(\d+) ?= ?(-?\d+)")
EACH = "Change one step of a right trace by hand, each in turn. Does your function notice every time?"


def steps_are_consistent(trace):
    """True where all of a trace fits together.

    That is: it has at least one step; every equation is true; each step but the first has the result of the step before
    it as its first number; and there is an answer, a whole number, that equals the last result. Both forms are read.
    """
    steps, answer = _read(trace)
    return bool(steps) and _true(steps) and _linked(steps) and answer == steps[-1].result


def _read(trace):
    steps = [Step(int(a), sign, int(b), int(result)) for a, sign, b, result in EQUATION.findall(trace)]
    found = re.search(r"(?:^|;)Answer: *(-?\d+)", trace, re.MULTILINE)
    return steps, int(found[1]) if found else None


def _true(steps):
    return all(SIGNS[step.sign](step.start, step.number) == step.result for step in steps)


def _linked(steps):
    return all(before.result == after.start for before, after in itertools.pairwise(steps))


def draw(stream):
    def probe(name, steps, answer=None, form=verbose):
        return Probe(name, {"trace": form(steps, answer)})

    def new(steps=4):
        return chain(stream, steps)

    def off(steps, place, by, goes_on=True):
        """The result of one step is wrong by so much; the next steps go on from it rightly, or as if nothing were."""
        bad = steps[place]._replace(result=steps[place].result + by)
        return [*steps[:place], bad, *(_from(bad.result, steps[place + 1 :]) if goes_on else steps[place + 1 :])]

    by = int(stream.integers(1, 4))
    a, b = new(), new()
    yield probe("right", a)
    yield probe("right, compact", b, form=compact)
    yield probe("right, one step", new(1))
    yield probe("right, long", new(6), form=compact)
    yield probe("the first is false", off(new(), 0, by))
    yield probe("the second is false", off(new(), 1, by), form=compact)
    yield probe("the third is false", off(new(), 2, -by))
    yield probe("the last is false", off(new(), 3, by), form=compact)
    yield probe("the only one is false", off(new(1), 0, by))
    yield probe("the first is false, compact", off(new(), 0, -by), form=compact)
    yield probe("the last is false, verbose", off(new(), 3, -by))
    yield probe("false by one", off(new(), 1, 1))
    yield probe("two false ones", off(off(new(), 0, by), 1, -by), form=compact)
    yield probe("a ten is lost", off(new(), 1, 10))
    yield probe("a ten is lost, compact", off(new(), 3, -10), form=compact)
    product = chain_with(stream, "*")
    yield probe("a product is false", off(product, 1, by), form=compact)
    yield probe("a false one is not used", off(new(), 1, by, goes_on=False))
    yield probe("a false one is not used, compact", off(new(), 2, by, goes_on=False), form=compact)
    yield probe("a number from nowhere", jump(new(), 2, by))
    yield probe("a number from nowhere, compact", jump(new(), 1, -by), form=compact)
    yield probe("the last starts from nowhere", jump(new(), 3, by))
    early = new()
    yield probe("an earlier result", [*early[:2], *_from(early[0].result, early[2:])])
    turned = new()
    yield probe("the second number", [*turned[:2], *_from(turned[1].number, turned[2:])], form=compact)
    base = chain(stream, 2, 10, 40)
    value = base[-1].result
    yield probe("as the result", [*base, right_step(value + by, "-", by)])
    small = chain(stream, 2, end=(2, 9))
    yield probe("as the second number", [*small, right_step(int(stream.integers(11, 30)), "+", small[-1].result)])
    yield probe("shuffled", [a[0], a[2], a[1], a[3]])
    yield probe("shuffled, compact", [b[1], b[0], *b[2:]], form=compact)
    yield probe("another answer", a, a[-1].result + by)
    yield probe("another answer, compact", b, b[-1].result - by, compact)
    yield probe("the answer of an earlier step", a, a[1].result)
    yield probe("the answer ends alike", a, f"{by}{a[-1].result}")
    yield probe("the answer begins alike", b, f"{b[-1].result}0", compact)
    yield probe("the answer has a minus", a, -a[-1].result)
    yield probe("no answer", a, "")
    yield probe("no answer, compact", b, "", compact)
    yield probe("none", a, "none")
    yield Probe("no step", {"trace": f"Answer: {a[-1].result}"})
    below = [chain(stream, 3, -99, -2) for _ in range(3)]
    yield probe("below zero", below[0])
    yield probe("below zero, compact", below[1], form=compact)
    yield probe("below zero, false", off(below[2], 1, -by))
    lost = next(steps for steps in below_zero(stream) if steps[0].result % 5)
    yield probe("a minus is lost", [lost[0]._replace(result=-lost[0].result), *_from(-lost[0].result, lost[1:])])
    yield probe("a minus is lost on the way", [lost[0], *_from(-lost[0].result, lost[1:])], form=compact)


def _from(value, steps):
    """The same operations from another value on."""
    found = []
    for step in steps:
        found.append(right_step(value, step.sign, step.number))
        value = found[-1].result
    return found


def jump(steps, place, by):
    """True equations, but the step at this place starts from a number that nobody computed."""
    return [*steps[:place], *_from(steps[place].start + by, steps[place:])]


def chain_with(stream, sign):
    """A chain whose second step has this sign."""
    while True:
        steps = chain(stream, 3)
        if steps[1].sign == sign:
            return steps


def below_zero(stream):
    """Chains of negative results; without the first one's minus, no later result is as far from zero."""
    while True:
        steps = chain(stream, 3, -99, -2)
        positive = -steps[0].result
        if not {positive, -positive} & {step.result for step in _from(positive, steps[1:])}:
            yield steps


@wrong("only the last step is checked", "The steps before it are not looked at.", EACH)
def only_the_last(trace):
    steps, answer = _read(trace)
    return bool(steps) and _true(steps[-1:]) and answer == steps[-1].result


@wrong("only the first step is checked", "Returns from inside the loop.", EACH)
def only_the_first(trace):
    steps, answer = _read(trace)
    return bool(steps) and _true(steps[:1]) and answer == steps[-1].result


@wrong(
    "the last result equals the answer, and no step is checked",
    "An answer that fits may come from wrong steps.",
    "Can a wrong step end in the number that the answer repeats?",
)
def only_the_end(trace):
    steps, answer = _read(trace)
    return bool(steps) and answer == steps[-1].result


@wrong("the equations are not computed", "Only the links between steps are checked.", "Is 7 + 5 = 13 a step that fits?")
def not_computed(trace):
    steps, answer = _read(trace)
    return bool(steps) and _linked(steps) and answer == steps[-1].result


@wrong(
    "a step may start from any number: the link to the step before is not checked",
    "Each equation is looked at alone.",
    "Where does the first number of a step come from?",
)
def not_linked(trace):
    steps, answer = _read(trace)
    return bool(steps) and _true(steps) and answer == steps[-1].result


@wrong(
    "a step may start from any earlier result",
    "Asks whether the number was computed at all, not whether it was computed last.",
    "Step 3 starts from the result of step 1. Who used step 2?",
)
def any_earlier(trace):
    steps, answer = _read(trace)
    known = [step.result for step in steps]
    linked = all(step.start in known[:place] for place, step in enumerate(steps) if place)
    return bool(steps) and _true(steps) and linked and answer == steps[-1].result


@wrong(
    "a step may start from any result of the trace, also a later one",
    "Looks a number up in the set of all results.",
    "In which order does a reader compute these steps?",
)
def any_order(trace):
    steps, answer = _read(trace)
    known = {step.result for step in steps}
    return bool(steps) and _true(steps) and all(s.start in known for s in steps[1:]) and answer == steps[-1].result


@wrong(
    "the result before may be anywhere in a step, not only at its beginning",
    "Searches the number in the step's text.",
    "12 is the result. Does 15 - 3 = 12 go on from it?",
)
def anywhere_in_the_step(trace):
    steps, answer = _read(trace)
    linked = all(a.result in (b.start, b.number, b.result) for a, b in itertools.pairwise(steps))
    return bool(steps) and _true(steps) and linked and answer == steps[-1].result


@wrong(
    "the answer is not compared with the last result",
    "The steps are checked and the answer is not read.",
    "The steps end in 32 and the answer says 33. Do they fit?",
)
def answer_not_read(trace):
    steps, _ = _read(trace)
    return bool(steps) and _true(steps) and _linked(steps)


@wrong(
    "the answer may be the result of any step",
    "Looks the answer up among all results.",
    "Which of the results is the answer?",
)
def answer_of_any_step(trace):
    steps, answer = _read(trace)
    return bool(steps) and _true(steps) and _linked(steps) and answer in [step.result for step in steps]


@wrong(
    "the answer's text only ends like the last result",
    "Compares texts with endswith.",
    "Does 112 end with the text of 12?",
)
def ends_alike(trace):
    steps, answer = _read(trace)
    return bool(steps) and _true(steps) and _linked(steps) and str(answer).endswith(str(abs(steps[-1].result)))


@wrong(
    "the last result is somewhere in the answer's text",
    "Compares texts with `in`.",
    "Is the text of 12 inside the text of 120?",
)
def inside_of_the_answer(trace):
    steps, answer = _read(trace)
    return bool(steps) and _true(steps) and _linked(steps) and str(abs(steps[-1].result)) in str(answer)


@wrong(
    "a trace without an answer passes",
    "The answer is compared only where there is one.",
    "Where did the model stop if there is no answer?",
)
def no_answer_needed(trace):
    steps, answer = _read(trace)
    return bool(steps) and _true(steps) and _linked(steps) and answer in (None, steps[-1].result)


@wrong(
    "a trace without a step passes",
    "all() of nothing is True.",
    "What is all([]), and is a bare answer a solution?",
)
def no_step_needed(trace):
    steps, answer = _read(trace)
    return _true(steps) and _linked(steps) and (not steps or answer == steps[-1].result)


@wrong("a minus in front of a number is not read", "Digits only in the pattern.", "Which numbers can 3 - 8 lead to?")
def no_minus(trace):
    pattern = r"(\d+) ?([-+*]) ?(\d+) ?= ?(\d+)"
    steps = [Step(int(a), sign, int(b), int(c)) for a, sign, b, c in re.findall(pattern, trace)]
    return bool(steps) and _true(steps) and _linked(steps) and _read(trace)[1] == steps[-1].result


@wrong("numbers are compared without their minus", "abs() on both sides.", "Is 3 - 8 the same as 8 - 3?")
def without_signs(trace):
    steps, answer = _read(trace)
    computed = all(abs(SIGNS[step.sign](step.start, step.number)) == abs(step.result) for step in steps)
    linked = all(abs(a.result) == abs(b.start) for a, b in itertools.pairwise(steps))
    fits = answer is not None and bool(steps) and abs(answer) == abs(steps[-1].result)
    return fits and computed and linked


@wrong("results are compared by their last digit", "Modulo 10.", "Is 7 + 5 = 2 true here?")
def last_digit(trace):
    steps, answer = _read(trace)
    computed = all((SIGNS[step.sign](step.start, step.number) - step.result) % 10 == 0 for step in steps)
    return bool(steps) and computed and _linked(steps) and answer == steps[-1].result


@wrong(
    "the two sides of an equation are compared as texts",
    "'7 + 5' is not the text '12'.",
    "Is '7 + 5' == '12' true in Python?",
)
def as_texts(trace):
    steps, answer = _read(trace)
    computed = all(f"{s.start} {s.sign} {s.number}" == str(s.result) for s in steps)
    return bool(steps) and computed and _linked(steps) and answer == steps[-1].result


@wrong("a compact trace is not read", "The pattern wants spaces.", "How does a step look in the compact form?")
def verbose_only(trace):
    return steps_are_consistent(trace) if ";" not in trace else False


@wrong("a verbose trace is not read", "The pattern has no spaces.", "How does a step look in the verbose form?")
def compact_only(trace):
    return steps_are_consistent(trace) if "\n" not in trace else False


@wrong("the first step's equation is not checked", "The loop begins with the second step.", EACH)
def from_the_second(trace):
    steps, answer = _read(trace)
    return bool(steps) and _true(steps[1:]) and _linked(steps) and answer == steps[-1].result


@wrong("the last step's equation is not checked", "zip(steps, steps[1:]) has one pair less than steps.", EACH)
def but_the_last(trace):
    steps, answer = _read(trace)
    return bool(steps) and _true(steps[:-1]) and _linked(steps) and answer == steps[-1].result


@wrong("one true step is enough", "any() in place of all().", EACH)
def any_step(trace):
    steps, answer = _read(trace)
    return bool(steps) and any(_true([step]) for step in steps) and _linked(steps) and answer == steps[-1].result


@wrong("one link that fits is enough", "Remembers only what the last comparison gave.", EACH)
def last_link(trace):
    steps, answer = _read(trace)
    return bool(steps) and _true(steps) and _linked(steps[-2:]) and answer == steps[-1].result


@wrong(
    "an exception on a trace that lacks its answer",
    "Takes a match for granted.",
    "What does re.search return where nothing is found?",
)
def strict_on_the_answer(trace):
    steps, _ = _read(trace)
    answer = int(re.search(r"Answer: (-?\d+)", trace)[1])
    return bool(steps) and _true(steps) and _linked(steps) and answer == steps[-1].result


@wrong(
    "an exception on a trace without a step",
    "Takes the last of an empty list.",
    "What is steps[-1] where there is no step?",
)
def strict_on_steps(trace):
    steps, answer = _read(trace)
    return _true(steps) and _linked(steps) and answer == steps[-1].result


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

    steps, answer = _read(trace)
    if answer is None or not steps:
        return False

    def go_on(value, step):
        return step.result if value == step.start and _true([step]) else float("nan")

    return reduce(go_on, steps, steps[0].start) == answer


@right
def with_numpy(trace):
    import numpy as np

    steps, answer = _read(trace)
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


PARTS = [
    (
        "every equation is true",
        2,
        (
            "right",
            "right, compact",
            "right, one step",
            "right, long",
            "the first is false",
            "the second is false",
            "the third is false",
            "the last is false",
            "the only one is false",
            "the first is false, compact",
            "the last is false, verbose",
            "false by one",
            "two false ones",
            "a ten is lost",
            "a ten is lost, compact",
            "a product is false",
        ),
    ),
    (
        "each step goes on from the last",
        2,
        (
            "right, long",
            "a number from nowhere",
            "a number from nowhere, compact",
            "the last starts from nowhere",
            "an earlier result",
            "the second number",
            "as the result",
            "as the second number",
            "shuffled",
            "shuffled, compact",
        ),
    ),
    (
        "the answer is the last result",
        1,
        (
            "right",
            "another answer",
            "another answer, compact",
            "the answer of an earlier step",
            "the answer ends alike",
            "the answer begins alike",
            "the answer has a minus",
        ),
    ),
    ("nothing is missing", 1, ("right, one step", "no answer", "no answer, compact", "none", "no step")),
    (
        "numbers below zero",
        1,
        ("below zero", "below zero, compact", "below zero, false", "a minus is lost", "a minus is lost on the way"),
    ),
]
EXERCISE = exercise("steps_are_consistent", "05", steps_are_consistent, draw, PARTS, catalogue)
