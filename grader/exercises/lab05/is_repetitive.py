"""is_repetitive(trace, longest): more steps than anybody needs, or one step twice."""

from __future__ import annotations

import itertools
import re

from grader.exercises.lab05.chains import Step, chain, compact, verbose
from grader.exercises.lab05.chains import right as right_step
from grader.exercises.ordinary import Catalogue, exercise
from utils.checks.records import Probe

catalogue = Catalogue()
wrong, right = catalogue.wrong, catalogue.right
EQUATION = r"-?\d+ ?[-+*] ?\d+ ?= ?-?\d+"
SAME = "Two steps are the same: what of them is the same, and how far apart may they be?"
COUNTED = "What is counted against `longest`, and is the answer one of these?"


def is_repetitive(trace, longest):
    """True where a trace has more than ``longest`` steps, or has one step twice.

    A step is an equation, in either form; the answer is none. Two steps are the same where their equations are,
    whatever word and spaces are in front, side by side or far apart. The trace may be wrong, or lack its answer.
    """
    steps = _steps(trace)
    return len(steps) > longest or len(set(steps)) < len(steps)


def _steps(trace):
    return [found.replace(" ", "") for found in re.findall(EQUATION, trace)]


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


@wrong("only the number of steps is asked", "Never compares two steps.", "Can a short trace say a thing twice?")
def length_only(trace, longest):
    return len(_steps(trace)) > longest


@wrong("only repeated steps are asked", "Never counts.", "What is `longest` for?")
def repeats_only(trace, longest):
    return len(set(_steps(trace))) < len(_steps(trace))


@wrong("only two same steps side by side are seen", "Compares neighbours.", SAME)
def neighbours(trace, longest):
    steps = _steps(trace)
    return len(steps) > longest or any(a == b for a, b in zip(steps[1:], steps, strict=False))


@wrong("only a return to the first step is seen", "Compares all with one.", SAME)
def with_the_first(trace, longest):
    steps = _steps(trace)
    return len(steps) > longest or (steps[:1] * bool(steps[1:]) != [] and steps[0] in steps[1:])


@wrong("exactly the longest length is too long", ">= in place of >.", "May a trace have `longest` steps?")
def at_least(trace, longest):
    return len(_steps(trace)) >= longest or repeats_only(trace, longest)


@wrong("one step more than the longest length passes", "Compares with longest + 1.", "May it have `longest` + 1 steps?")
def one_more(trace, longest):
    return len(_steps(trace)) > longest + 1 or repeats_only(trace, longest)


@wrong("the length is counted in characters", "len(trace).", COUNTED)
def characters(trace, longest):
    return len(trace) > longest or repeats_only(trace, longest)


@wrong("the length is counted in words", "len(trace.split()).", COUNTED)
def words(trace, longest):
    return len(trace.split()) > longest or repeats_only(trace, longest)


@wrong("the answer is counted as a step", "Counts lines or pieces, and the answer has one.", COUNTED)
def pieces(trace, longest):
    return len(re.split("[;\n]", trace)) > longest or repeats_only(trace, longest)


@wrong(
    "the last piece is taken for the answer, also where there is none",
    "Counts lines less one.",
    "What is the last line of a trace that never came to its answer?",
)
def less_one(trace, longest):
    return len(re.split("[;\n]", trace)) - 1 > longest or repeats_only(trace, longest)


@wrong("a compact trace counts as one step", "Counts lines with an equation.", "How are compact steps kept apart?")
def lines(trace, longest):
    steps = [line for line in trace.splitlines() if "=" in line]
    return len(steps) > longest or len(set(_steps(trace))) < len(_steps(trace))


@wrong(
    "the same step behind another word is not seen",
    "Compares lines with their First and Therefore.",
    "First, 7 + 5 = 12. Therefore, 7 + 5 = 12. Are these two steps?",
)
def with_words(trace, longest):
    steps = [piece for piece in re.split("[;\n]", trace) if "=" in piece]
    return len(steps) > longest or len(set(steps)) < len(steps)


@wrong("a result that comes again counts as a repetition", "Compares results only.", SAME)
def results(trace, longest):
    found = [step.split("=")[1] for step in _steps(trace)]
    return len(found) > longest or len(set(found)) < len(found)


@wrong("an operation that comes again counts as a repetition", "Compares sign and number only.", SAME)
def operations(trace, longest):
    found = [re.search(r".([-+*]\d+)=", step)[1] for step in _steps(trace)]
    return len(found) > longest or len(set(found)) < len(found)


@wrong(
    "a word that comes again counts as a repetition",
    "Compares all words or signs.",
    "How often does a right trace say Therefore?",
)
def any_word(trace, longest):
    found = re.findall(r"[A-Za-z]+|\d+", trace)
    return len(_steps(trace)) > longest or len(set(found)) < len(found)


@wrong(
    "a step inside of a longer one counts as the same",
    "Counts a text in a text.",
    "How often is the text 2+9=21 in 12+9=21?",
)
def substrings(trace, longest):
    text = re.sub(r"(?<=[-+*=\d]) | (?=[-+*=])", "", trace)
    return len(_steps(trace)) > longest or any(text.count(step) > 1 for step in _steps(trace))


@wrong("both are asked for: too long and repetitive", "and in place of or.", "May a short trace repeat itself?")
def both(trace, longest):
    return length_only(trace, longest) and repeats_only(trace, longest)


@wrong("turned round: True for what is to be kept", "Returns the opposite.", "What does the function's name ask?")
def kept(trace, longest):
    return not is_repetitive(trace, longest)


@right
def one_walk(trace, longest):
    seen = set()
    for step in re.finditer(r"(-?\d+)\s*([+*-])\s*(\d+)\s*=\s*(-?\d+)", trace):
        if step.groups() in seen or len(seen) == longest:
            return True
        seen.add(step.groups())
    return False


@right
def by_counter(trace, longest):
    from collections import Counter

    pieces = trace.replace(";", "\n").splitlines()
    counts = Counter("".join(sign for sign in piece if sign in "0123456789+-*=") for piece in pieces if "=" in piece)
    return sum(counts.values()) > longest or any(times > 1 for times in counts.values())


@right
def by_pairs(trace, longest):
    from itertools import combinations

    steps = [line.split(", ")[-1].strip(" .").replace(" ", "") for line in re.split("[;\n]", trace)]
    steps = [step for step in steps if "=" in step]
    return any(a == b for a, b in combinations(steps, 2)) or longest < len(steps)


@right
def by_sorting(trace, longest):
    steps = sorted(
        tuple(map(int, re.findall(r"\d+", step))) + tuple(re.findall(r"\D+", step)) for step in _steps(trace)
    )
    same = any(before == after for before, after in itertools.pairwise(steps))
    return same or not len(steps) <= longest


@right
def by_list_count(trace, longest):
    steps = _steps(trace)
    if len(steps) > longest:
        return True
    return any(steps.count(step) >= 2 for step in steps)


@right
def by_a_dictionary(trace, longest):
    last_seen = {}
    place = -1
    for place, step in enumerate(_steps(trace)):
        if step in last_seen:
            return True
        last_seen[step] = place
    return place + 1 > longest


@right
def stripped_of_words(trace, longest):
    text = re.sub(r"First,|Therefore,|Finally,|Answer:.*| |\.", "", trace)
    steps = [step for step in re.split(r"[\n;]", text) if step]
    return not (len(steps) <= longest and len(steps) == len(dict.fromkeys(steps)))


@right
def with_a_pattern_that_looks_back(trace, longest):
    listed = ";" + ";".join(_steps(trace)) + ";"
    return bool(re.search(r";([^;]+);(?:.*;)?\1;", listed)) or listed.count("=") > longest


@right
def remaining(trace, longest):
    steps = _steps(trace)
    while steps:
        step = steps.pop()
        if step in steps:
            return True
    return len(_steps(trace)) - longest > 0


PARTS = [
    (
        "too many steps",
        2,
        (
            "usual",
            "as many as allowed",
            "as many as allowed, compact",
            "one too many",
            "two too many",
            "one too many, compact",
            "as many as allowed, no answer",
            "one too many, no answer",
            "as many as allowed, compact, no answer",
            "one too many, compact, no answer",
        ),
    ),
    (
        "a step twice",
        2,
        (
            "usual, compact",
            "twice in a row",
            "twice in a row, compact",
            "twice, apart",
            "twice, apart, compact",
            "twice, with another word",
            "again and again, no answer",
            "again and again, too long",
            "below zero, twice",
        ),
    ),
    (
        "right traces stay",
        1,
        (
            "long and right",
            "one step",
            "no step",
            "a result twice",
            "a result twice, compact",
            "an operation twice",
            "an operation twice, compact",
            "one inside of another",
            "one inside of another, verbose",
            "below zero",
            "a minus apart",
            "twice, apart",
        ),
    ),
]
EXERCISE = exercise("is_repetitive", "05", is_repetitive, draw, PARTS, catalogue)
