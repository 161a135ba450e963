"""What steps_are_consistent is asked."""

from __future__ import annotations

from grader.exercises.lab05.chains import chain, compact, verbose
from grader.exercises.lab05.chains import right as right_step
from utils.checks.records import Probe


def draw(stream):
    def probe(name, steps, answer=None, form=verbose):
        return Probe(name, {"trace": form(steps, answer)})

    def new(steps=4):
        return chain(stream, steps)

    def off(steps, place, by, goes_on=True):
        """The result of one step is wrong by so much; the next steps go on from it rightly, or as if nothing were."""
        bad = steps[place]._replace(result=steps[place].result + by)
        return [
            *steps[:place],
            bad,
            *(from_there(bad.result, steps[place + 1 :]) if goes_on else steps[place + 1 :]),
        ]

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
    yield probe("right, a product", product)
    yield probe("a product is false", off(product, 1, by), form=compact)
    yield probe("a false one is not used", off(new(), 1, by, goes_on=False))
    yield probe("a false one is not used, compact", off(new(), 2, by, goes_on=False), form=compact)
    yield probe("a number from nowhere", jump(new(), 2, by))
    yield probe("a number from nowhere, compact", jump(new(), 1, -by), form=compact)
    yield probe("the last starts from nowhere", jump(new(), 3, by))
    early = new()
    yield probe("an earlier result", [*early[:2], *from_there(early[0].result, early[2:])])
    turned = new()
    yield probe("the second number", [*turned[:2], *from_there(turned[1].number, turned[2:])], form=compact)
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
    yield probe("a minus is lost", [lost[0]._replace(result=-lost[0].result), *from_there(-lost[0].result, lost[1:])])
    yield probe("a minus is lost on the way", [lost[0], *from_there(-lost[0].result, lost[1:])], form=compact)


def from_there(value, steps):
    """The same operations from another value on."""
    found = []
    for step in steps:
        found.append(right_step(value, step.sign, step.number))
        value = found[-1].result
    return found


def jump(steps, place, by):
    """True equations, but the step at this place starts from a number that nobody computed."""
    return [*steps[:place], *from_there(steps[place].start + by, steps[place:])]


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
        if not {positive, -positive} & {step.result for step in from_there(positive, steps[1:])}:
            yield steps
