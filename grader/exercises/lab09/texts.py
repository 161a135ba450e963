"""Made-up texts for the probes of Lab 9: words that are all different, so that every shared run is meant."""

from __future__ import annotations

import itertools

from utils.checks.records import Probe

SYLLABLES = tuple(a + b for a, b in itertools.product("bdfgklmnprstvz", "aeiou"))


class Words:
    """A stream of new words: none comes twice, and none is a piece of another."""

    def __init__(self, stream):
        order = stream.permutation(len(SYLLABLES) ** 2)
        self._numbers = iter(order.tolist())

    def __call__(self, count: int) -> list[str]:
        size = len(SYLLABLES)
        return [SYLLABLES[n // size] + SYLLABLES[n % size] for n in itertools.islice(self._numbers, count)]

    def text(self, count: int) -> str:
        return " ".join(self(count))


def probe(name: str, **inputs: object) -> Probe:
    return Probe(name, inputs)
