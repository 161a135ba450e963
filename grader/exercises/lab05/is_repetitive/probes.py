"""What is_repetitive is asked."""

from __future__ import annotations

from grader.exercises.lab05.chains import Step, chain, compact, verbose
from grader.exercises.lab05.chains import right as right_step
from utils.checks.records import Probe


def draw(stream):
    def probe(name, steps, longest=8, form=verbose, answer=None):
        return Probe(name, {"trace": form(steps, answer), "longest": longest})

    def new(steps, low=10, high=99):
        """A chain that has no operation twice."""
        while True:
            found = chain(stream, steps, low, high)
            if len({(step.sign, step.number) for step in found}) == steps:
                return found

    def back(steps):
        """The steps, then away from the last result by a step and back to it: a result twice, no equation twice."""
        value = steps[-1].result
        return [*steps, right_step(value, "+", 1), right_step(value + 1, "-", 1)]

    count = int(stream.integers(3, 6))
    a, b, c, d = (new(count) for _ in range(4))
    yield probe("usual", a)
    yield probe("usual, compact", b, form=compact)
    yield probe("as many as allowed", a, count)
    yield probe("as many as allowed, compact", b, count, compact)
    yield probe("one too many", a, count - 1)
    yield probe("one too many, compact", b, count - 1, compact)
    yield probe("two too many", b, count - 2)
    yield probe("as many as allowed, no answer", c, count, answer="")
    yield probe("one too many, no answer", c, count - 1, answer="")
    yield probe("as many as allowed, compact, no answer", d, count, compact, "")
    yield probe("one too many, compact, no answer", d, count - 1, compact, "")
    yield probe("long and right", new(7))
    yield probe("one step", new(1), 1, compact)
    yield Probe("no step", {"trace": f"Answer: {a[0].result}", "longest": 1})
    yield probe("twice in a row", [*a, a[-1]])
    yield probe("twice in a row, compact", [*b[:2], b[1], *b[2:]], form=compact)
    yield probe("twice, apart", [*c, c[0]])
    yield probe("twice, apart, compact", [*d, d[1]], form=compact)
    yield probe("twice, with another word", [a[0], a[0], *a[1:]])
    yield probe("again and again, no answer", [*b, b[0], b[0]], answer="")
    yield probe("again and again, too long", [*d, *d, *d], answer="")
    yield probe("a result twice", back(c[:3]))
    yield probe("a result twice, compact", back(d[:3]), form=compact)
    value = a[-1].result
    same = [*a, right_step(value, "+", 3), right_step(value + 3, "+", 3)]
    yield probe("an operation twice", same)
    yield probe("an operation twice, compact", same, form=compact)
    again = a[1]._replace(result=a[1].result + 1)
    yield probe("an operation twice, another result", [*a[:2], again, *a[2:]])
    again = b[0]._replace(result=b[0].result + 1)
    yield probe("an operation twice, another result, compact", [*b, again], form=compact)
    spaced, tight = str(c[1]), str(c[1]).replace(" ", "")
    yield Probe("twice, with other spaces", {"trace": f"First, {spaced}.\nFinally, {tight}.", "longest": 8})
    wide = f"{d[0]};{compact(d)}"
    yield Probe("twice, with other spaces, compact", {"trace": wide, "longest": 8})
    short = Step(int(stream.integers(2, 5)), "+", 9, int(stream.integers(20, 90)))
    longer = short._replace(start=short.start + 10)
    yield probe("one inside of another", [short, longer], form=compact)
    yield probe("one inside of another, verbose", [short, longer])
    below = new(3, -99, -2)
    yield probe("below zero", below)
    yield probe("below zero, twice", [*below, below[1]], form=compact)
    minus = right_step(int(stream.integers(2, 9)), "*", int(stream.integers(2, 9)))
    mirrored = right_step(-minus.start, "*", minus.number)
    yield probe("a minus apart", [minus, mirrored], form=compact)
