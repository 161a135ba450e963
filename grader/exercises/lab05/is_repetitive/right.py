"""Right ways to write is_repetitive, in other styles."""

from __future__ import annotations

import itertools
import re

from grader.exercises.lab05.is_repetitive.rule import equations_in
from grader.exercises.lab05.is_repetitive.wrong import catalogue

right = catalogue.right


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
        tuple(map(int, re.findall(r"\d+", step))) + tuple(re.findall(r"\D+", step)) for step in equations_in(trace)
    )
    same = any(before == after for before, after in itertools.pairwise(steps))
    return same or not len(steps) <= longest


@right
def by_list_count(trace, longest):
    steps = equations_in(trace)
    if len(steps) > longest:
        return True
    return any(steps.count(step) >= 2 for step in steps)


@right
def by_a_dictionary(trace, longest):
    last_seen = {}
    place = -1
    for place, step in enumerate(equations_in(trace)):
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
    listed = ";" + ";".join(equations_in(trace)) + ";"
    return bool(re.search(r";([^;]+);(?:.*;)?\1;", listed)) or listed.count("=") > longest


@right
def remaining(trace, longest):
    steps = equations_in(trace)
    while steps:
        step = steps.pop()
        if step in steps:
            return True
    return len(equations_in(trace)) - longest > 0
