"""Texts of Lab 9: runs of their words, and made-up texts whose words all differ, so that each shared run is meant."""

from __future__ import annotations

import itertools
import re

from utils.checks.records import Probe

SIZE = 3  # words in a shingle
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


def words_of(text):
    return re.findall(r"\w+", text.lower())


def without_digits(text):
    return re.findall(r"[a-z]+", text.lower())


def only_of_letters(text):
    return [word for word in words_of(text) if word.isalpha()]


def without_numbers(text):
    return [word for word in words_of(text) if not word.isdigit()]


def numbers_alike(text):
    return words_of(re.sub(r"\d+", "0", text))


def digits_apart(text):
    return re.findall(r"[a-z]+|\d+", text.lower())


# What else a word is taken for: a mistake's name, what it does, a question that leads to it, and the words of a text.
OTHER_WORDS = (
    (
        "digits are thrown away",
        "Words are runs of letters alone, as in [a-z]+.",
        "Is 'lab8' the same word as 'lab9'?",
        without_digits,
    ),
    (
        "words with digits are left out",
        "Keeps a word only if it consists of letters.",
        "One text says 'in 1987', another 'in'. Do they say the same?",
        only_of_letters,
    ),
    (
        "numbers are left out",
        "A word that consists of digits is dropped.",
        "One text says 'in 1987', another 'in'. Do they say the same?",
        without_numbers,
    ),
    (
        "every number is taken for the same one",
        "Puts one sign in the place of all digits.",
        "Is 'lab8' the same word as 'lab9'?",
        numbers_alike,
    ),
    (
        "digits are cut off from the letters",
        "Letters and digits make words of their own.",
        "How many words is 'lab9'?",
        digits_apart,
    ),
)


def listed(items, size=SIZE):
    """Every run of so many items, as often as it comes; one run of everything where there is less."""
    return [tuple(items[start : start + size]) for start in range(max(1, len(items) - size + 1))]


def probe(name: str, **inputs: object) -> Probe:
    return Probe(name, inputs)


def numbered(words, digits, places):
    """The words, with digits at the end of some."""
    return " ".join(f"{word}{digits[place]}" if place in places else word for place, word in enumerate(words))
