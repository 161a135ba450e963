"""What is right, and the pieces that wrong and right ways to write near_duplicates share."""

from __future__ import annotations

import itertools

from grader.exercises.lab09.texts import listed, words_of


def shingles(text):
    return set(listed(words_of(text)))


def jaccard(a, b):
    return len(a & b) / len(a | b)


def grouped(documents, near):
    """The groups that a relation between two documents ties together, directly or over others."""
    groups = [{place} for place in range(len(documents))]
    for i, j in itertools.combinations(range(len(documents)), 2):
        if near(documents[i], documents[j]):
            one, other = (next(group for group in groups if place in group) for place in (i, j))
            if one is not other:
                groups.remove(other)
                one |= other
    return sorted(sorted(group) for group in groups if len(group) > 1)


def by_sets(documents, threshold, shingles_of, likeness=jaccard):
    """Groups by how alike two sets of shingles are."""
    return grouped(documents, lambda a, b: likeness(shingles_of(a), shingles_of(b)) >= threshold)


def near_duplicates(documents, threshold):
    return by_sets(documents, threshold, shingles)
