"""What is right, and the pieces that wrong and right ways to write overlap share."""

from __future__ import annotations

import re


def words_of(text):
    return re.findall(r"\w+", text.lower())


def listed(words, n):
    """Every run of n words, as often as it comes; one run of all words where there are fewer."""
    return [tuple(words[start : start + n]) for start in range(max(1, len(words) - n + 1))]


def runs(text, n):
    return set(listed(words_of(text), n))


def everything(index, n):
    return set().union(*(runs(text, n) for text in index))


def overlap(document, index, n):
    own = runs(document, n)
    return len(own & everything(index, n)) / len(own)
