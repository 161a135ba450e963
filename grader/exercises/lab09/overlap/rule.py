"""What is right, and the pieces that wrong and right ways to write overlap share."""

from __future__ import annotations

from grader.exercises.lab09.texts import listed, words_of


def runs(text, n):
    return set(listed(words_of(text), n))


def everything(index, n):
    return set().union(*(runs(text, n) for text in index))


def overlap(document, index, n):
    own = runs(document, n)
    return len(own & everything(index, n)) / len(own)
