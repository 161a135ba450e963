"""Wrong ways to write near_duplicates."""

from __future__ import annotations

import itertools
from collections import Counter

from grader.exercises.lab09.near_duplicates.rule import by_sets, grouped, jaccard, near_duplicates, shingles
from grader.exercises.lab09.texts import (
    SIZE,
    listed,
    words_of,
)
from grader.exercises.ordinary import Catalogue

catalogue = Catalogue()
wrong = catalogue.wrong


ALIKE = "Two documents share 4 of 6 different shingles. How alike are they?"


@wrong(
    "containment instead of Jaccard: the shared part of the shorter one",
    "Divides by the smaller set, so that a sentence repeats every book that quotes it.",
    "Is a whole book a near-duplicate of a sentence in it?",
)
def containment(documents, threshold):
    return by_sets(documents, threshold, shingles, lambda a, b: len(a & b) / min(len(a), len(b)))


@wrong(
    "divided by the longer one instead of by both together",
    "Divides by the larger set instead of by the union.",
    ALIKE,
)
def by_longer(documents, threshold):
    return by_sets(documents, threshold, shingles, lambda a, b: len(a & b) / max(len(a), len(b)))


@wrong(
    "Dice instead of Jaccard: twice the shared part over both lengths",
    "2 |A and B| / (|A| + |B|), which is larger.",
    ALIKE,
)
def dice(documents, threshold):
    return by_sets(documents, threshold, shingles, lambda a, b: 2 * len(a & b) / (len(a) + len(b)))


@wrong(
    "a document is compared with itself",
    "Every document is in a group, if only with itself.",
    "How alike is a document to itself? Is it a duplicate?",
)
def with_itself(documents, threshold):
    found = near_duplicates(documents, threshold)
    alone = set(range(len(documents))) - {place for group in found for place in group}
    return sorted([*found, *([place] for place in alone)])


@wrong(
    "pairs instead of groups",
    "Lists every two that are alike.",
    "Of four copies one is to stay. How many pairs do they make, how many groups?",
)
def pairs(documents, threshold):
    found = itertools.combinations(range(len(documents)), 2)
    return [[i, j] for i, j in found if jaccard(shingles(documents[i]), shingles(documents[j])) >= threshold]


@wrong(
    "shingles of characters instead of words",
    "Cuts the text itself, so that similar words make similar texts.",
    "What is a shingle of three made of?",
)
def characters(documents, threshold):
    return by_sets(documents, threshold, lambda text: set(listed(" ".join(words_of(text)))))


@wrong(
    "single words instead of shingles",
    "Compares the vocabularies.",
    "Are two texts of the same words in another order near-duplicates?",
)
def single_words(documents, threshold):
    return by_sets(documents, threshold, lambda text: set(words_of(text)))


@wrong(
    "shingles of two words",
    "A pair of words is found more often than three in a row.",
    "How many words has a shingle here?",
)
def of_two(documents, threshold):
    return by_sets(documents, threshold, lambda text: set(listed(words_of(text), 2)))


@wrong(
    "shingles of four words",
    "The slice or the range is one too long.",
    "How many words has a shingle here? How many has words[i : i + 4]?",
)
def of_four(documents, threshold):
    return by_sets(documents, threshold, lambda text: set(listed(words_of(text), 4)))


@wrong("shingles of five words", "A copied phrase of four words is not seen.", "How many words has a shingle here?")
def of_five(documents, threshold):
    return by_sets(documents, threshold, lambda text: set(listed(words_of(text), 5)))


@wrong(
    "a shingle that comes again counts again",
    "Compares lists of shingles, not sets.",
    "A text says one phrase five times. How many different shingles does that make?",
)
def counted(documents, threshold):
    def likeness(a, b):
        return (a & b).total() / (a | b).total()

    return by_sets(documents, threshold, lambda text: Counter(listed(words_of(text))), likeness)


@wrong(
    "more alike than the threshold, not as alike",
    "Takes > for >=.",
    "Two documents are exactly as alike as the threshold. Do they belong together?",
)
def strictly(documents, threshold):
    return grouped(documents, lambda a, b: jaccard(shingles(a), shingles(b)) > threshold)


@wrong(
    "the threshold is a distance: those that differ are grouped",
    "Compares 1 minus the Jaccard index.",
    "Which documents should be found at a threshold of 0.9: those that are alike, or those that are not?",
)
def distance(documents, threshold):
    return grouped(documents, lambda a, b: 1 - jaccard(shingles(a), shingles(b)) >= threshold)


@wrong(
    "only documents of the very same words are found",
    "Compares the texts, whatever the threshold.",
    "What is a near-duplicate that is no duplicate?",
)
def equal_only(documents, threshold):
    return grouped(documents, lambda a, b: words_of(a) == words_of(b))


@wrong(
    "what is to be left out is listed, not the groups",
    "One list of all but the first of each group.",
    "Does your answer tell which documents belong together?",
)
def left_out(documents, threshold):
    return sorted(place for group in near_duplicates(documents, threshold) for place in group[1:])


@wrong(
    "the texts instead of their places",
    "Returns what the documents say.",
    "What are the groups made of: texts, or places in the list?",
)
def texts(documents, threshold):
    return [[documents[place] for place in group] for group in near_duplicates(documents, threshold)]


@wrong("places are counted from 1", "Adds 1 to each place.", "Which place has the first document in Python?")
def from_one(documents, threshold):
    return [[place + 1 for place in group] for group in near_duplicates(documents, threshold)]


@wrong(
    "documents of fewer than three words are never found",
    "They have no shingle.",
    "What is the shingle of a document with two words?",
)
def short_left_out(documents, threshold):
    return grouped(
        documents,
        lambda a, b: min(len(words_of(a)), len(words_of(b))) >= SIZE and jaccard(shingles(a), shingles(b)) >= threshold,
    )


@wrong(
    "an exception where a document has fewer than three words",
    "Divides by the empty union of no shingles.",
    "What is the shingle of a document with two words?",
)
def short_fails(documents, threshold):
    def likeness(a, b):
        a, b = ({run for run in some if len(run) == SIZE} for some in (a, b))
        return len(a & b) / len(a | b)

    return by_sets(documents, threshold, shingles, likeness)
