"""What compact is asked."""

from __future__ import annotations

from grader.exercises.lab05.chains import chain, verbose
from grader.exercises.lab05.chains import compact as short
from utils.checks.records import Probe


def draw(stream):
    def new(steps=3):
        return chain(stream, steps)

    def probe(name, steps, answer=None, form=verbose):
        return Probe(name, {"trace": form(steps, answer)})

    by = int(stream.integers(1, 5))
    yield probe("three steps", new())
    yield probe("five steps", new(5))
    yield probe("two steps", new(2))
    yield probe("one step", new(1))
    yield probe("compact already", new(), form=short)
    yield probe("compact already, one step", new(1), form=short)
    bad = new()
    yield probe("a false step", [bad[0], bad[1]._replace(result=bad[1].result + by), bad[2]])
    yield probe("a false last step", [*bad[:2], bad[2]._replace(result=bad[2].result + by)], bad[2].result)
    bad = new()
    yield probe("an answer that does not fit", bad, bad[-1].result + by)
    twice = new()
    yield probe("a step twice", [twice[0], twice[0], *twice[1:]])
    bad = new()
    yield probe("shuffled", [bad[1], bad[0], bad[2]])
    yield probe("none", new(2), "none")
    yield probe("no answer", new(), "")
    yield probe("no answer, compact already", new(), "", short)
    yield probe("below zero", chain(stream, 3, -99, -2))
    yield probe("below zero, compact already", chain(stream, 3, -99, -2), form=short)
