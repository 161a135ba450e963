"""More wrong ways to write near_duplicates: what a word is, and how pairs become groups."""

from __future__ import annotations

import re

from grader.exercises.lab09.near_duplicates.rule import by_sets, jaccard, near_duplicates, shingles
from grader.exercises.lab09.near_duplicates.wrong import catalogue, pairs, wrong
from grader.exercises.lab09.texts import OTHER_WORDS, listed

__all__ = ["SORTED", "catalogue"]


def _shingled_by(words):
    return lambda documents, threshold: by_sets(documents, threshold, lambda text: set(listed(words(text))))


for *said, words in OTHER_WORDS:
    wrong(*said)(_shingled_by(words))


@wrong("capitals make another word", "Does not lower the case.", "Is a copy a new text where a word got capitals?")
def case_kept(documents, threshold):
    return by_sets(documents, threshold, lambda text: set(listed(re.findall(r"\w+", text))))


@wrong("punctuation sticks to the words", "Splits at white space only.", "Is 'end.' another word than 'end'?")
def points_kept(documents, threshold):
    return by_sets(documents, threshold, lambda text: set(listed(text.lower().split())))


@wrong(
    "line breaks and second spaces make other words",
    "Splits at every single space.",
    "What does 'a  b'.split(' ') give?",
)
def spacing_kept(documents, threshold):
    return by_sets(documents, threshold, lambda text: set(listed(re.sub(r"[^\w\s]", "", text.lower()).split(" "))))


def joined_one_by_one(documents, threshold, joins):
    """Each document joins the first group that suits; joins: of the booleans whether it is like each of the members."""
    near, groups = {tuple(pair) for pair in pairs(documents, threshold)}, []
    for place in range(len(documents)):
        home = next((group for group in groups if joins([(member, place) in near for member in group])), None)
        groups.append([place]) if home is None else home.append(place)
    return [group for group in groups if len(group) > 1]


@wrong(
    "a group is only what is like its first document",
    "Compares with the group's first member, and a chain falls apart.",
    "A is like B and B like C, but A not like C. How many groups is that?",
)
def like_the_first(documents, threshold):
    return joined_one_by_one(documents, threshold, lambda alike: alike[0])


@wrong(
    "a document joins the first group that fits, and two groups never become one",
    "A later document that is like two groups does not tie them together.",
    "A document comes last and is like one of each of two groups. How many groups are there now?",
)
def never_merged(documents, threshold):
    return joined_one_by_one(documents, threshold, any)


@wrong(
    "a document joins the first group that fits, and two groups never become one",
    "A pair that lies in two groups enlarges the first of them, and both are kept.",
    "One of a pair is in a group, the other in another group. How many groups are there now?",
)
def pair_by_pair(documents, threshold):
    groups = []
    for pair in pairs(documents, threshold):
        home = next((group for group in groups if group & set(pair)), None)
        groups.append(set(pair)) if home is None else home.update(pair)
    return sorted(map(sorted, groups))


@wrong(
    "one document changes its group, and the rest of its old group stays behind",
    "Gives the second document of a pair the number of the first, but not to those it was tied to.",
    "A pair joins two groups of two. How many documents must get another number?",
)
def one_moves(documents, threshold):
    group_of = list(range(len(documents)))
    for one, other in pairs(documents, threshold):
        group_of[other] = group_of[one]
    groups = [[place for place, group in enumerate(group_of) if group == name] for name in dict.fromkeys(group_of)]
    return [group for group in groups if len(group) > 1]


@wrong(
    "a group takes only what is like all of its members",
    "A chain falls apart, because its ends are not alike.",
    "A is like B and B like C, but A not like C. How many groups is that?",
)
def like_all(documents, threshold):
    return joined_one_by_one(documents, threshold, all)


@wrong(
    "each document with its own neighbours, so groups overlap",
    "Lists for each document those that are like it, and each such list once.",
    "In how many groups can a document be?",
)
def neighbours_of_each(documents, threshold):
    return sorted({tuple(near) for near in lists_of_each(documents, threshold)})


NOT_SORTED = "Which group comes first, and which place in a group? The docstring says it."
SORTED = "the groups are right, but not sorted as asked"


@wrong(SORTED, "The groups come in another order than that of their first places.", NOT_SORTED)
def groups_unsorted(documents, threshold):
    return near_duplicates(documents, threshold)[::-1]


@wrong(SORTED, "The places in a group do not ascend.", NOT_SORTED)
def places_unsorted(documents, threshold):
    return [group[::-1] for group in near_duplicates(documents, threshold)]


@wrong(
    "every document gets a list of its own, so groups come again",
    "Lists for each document those that are like it.",
    "In how many groups can a document be?",
)
def lists_of_each(documents, threshold):
    found = []
    for document in documents:
        near = [p for p, o in enumerate(documents) if jaccard(shingles(document), shingles(o)) >= threshold]
        if len(near) > 1:
            found.append(near)
    return found


@wrong(
    "only neighbours in the list are compared",
    "Compares each document with the next one.",
    "A copy stands at the other end of the list. Is it found?",
)
def neighbours(documents, threshold):
    groups = [[0]]
    for place in range(1, len(documents)):
        if jaccard(shingles(documents[place - 1]), shingles(documents[place])) >= threshold:
            groups[-1].append(place)
        else:
            groups.append([place])
    return [group for group in groups if len(group) > 1]
