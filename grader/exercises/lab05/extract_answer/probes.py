"""What extract_answer is asked."""

from __future__ import annotations

from grader.exercises.lab05.chains import chain, compact, question, verbose
from utils.checks.records import Probe


def draw(stream):
    def new(end=(2, 9), low=10, high=99):
        return chain(stream, int(stream.integers(2, 5)), low, high, end)

    def told_apart():
        """A chain whose answer is not the number that its question begins with."""
        while True:
            found = new()
            if found[0].start != found[-1].result:
                return found

    def probe(name, text):
        return Probe(name, {"text": text})

    below = (-99, -1)
    two, other = new((10, 99)), new((6, 9))
    yield probe("verbose", verbose(new()))
    yield probe("compact", compact(new()))
    yield probe("alone", verbose(new()).splitlines()[-1])
    asked = new()
    yield probe("question in front", f"{question(asked)}\n{verbose(asked)}")
    asked = new()
    yield probe("question in front, compact", f"{question(asked)}\n{compact(asked)}")
    yield probe("minus", verbose(new((-9, -2), *below)))
    yield probe("minus, compact", compact(new((-9, -2), *below)))
    yield probe("two digits", verbose(two))
    yield probe("two digits, compact", compact(new((10, 99))))
    yield probe("three digits", verbose(new((100, 500))))
    yield probe("a minus and two digits", compact(new((-99, -10), *below)))
    yield probe("no space", compact(new()).replace(": ", ":"))
    yield probe("many spaces", verbose(new()).replace(": ", ":   ") + " ")
    yield probe("a full stop", verbose(new()) + ".")
    yield probe("goes on", f"{verbose(new((2, 5)))}\n{question(other)}\n{verbose(other)}")
    yield probe("goes on, compact", f"{compact(new((2, 5)))};{compact(other)}")
    yield probe("goes on in the line", f"{compact(new())} {' '.join(question(new()).split()[1:])}")
    asked = told_apart()
    yield probe("the word in the question", f"What is the Answer: {question(asked)}\n{verbose(asked)}")
    asked = told_apart()
    yield probe("the word in the question, compact", f"Give the Answer: {question(asked)}\n{compact(asked)}")
    yield probe("none", verbose(two[:1], "none"))
    yield probe("none, then another", f"{verbose(two, 'none')}\n{question(other)}\n{verbose(other)}")
    yield probe("none, then another, compact", f"{compact(two, 'none')};{compact(other)}")
    yield probe("cut off", verbose(new(), ""))
    yield probe("nothing behind the mark", compact(new(), "") + ";Answer:")
    yield probe("nothing behind the mark, then a question", f"Answer:\n{question(other)}\n{verbose(other)}")
    yield probe("a space in front of the word", verbose(new(), "") + f"\n Answer: {two[-1].result}")
    yield probe("a space in front of the word, compact", compact(new(), "") + f"; Answer: {two[-1].result}")
    yield probe("words, then a number", f"Answer: it is {two[-1].result}")
    yield probe("empty", "")
    zero = int(stream.integers(2, 10))
    yield probe("zero", f"First, {zero} - {zero} = 0.\nAnswer: 0")
