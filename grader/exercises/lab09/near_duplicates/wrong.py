"""Wrong ways to write near_duplicates."""

from __future__ import annotations

import itertools
import re
from collections import Counter

from grader.exercises.lab09.near_duplicates.rule import by_sets, grouped, jaccard, near_duplicates, shingles
from grader.exercises.lab09.texts import SIZE, digits_apart, listed, only_of_letters, without_digits, words_of
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


@wrong("digits are thrown away", "Words are runs of letters alone, as in [a-z]+.", "Is 'lab8' the same word as 'lab9'?")
def letters_alone(documents, threshold):
    return by_sets(documents, threshold, lambda text: set(listed(without_digits(text))))


@wrong(
    "words with digits are left out",
    "Keeps a word only if it consists of letters.",
    "One text says 'in 1987', another 'in'. Do they say the same?",
)
def words_of_letters(documents, threshold):
    return by_sets(documents, threshold, lambda text: set(listed(only_of_letters(text))))


@wrong(
    "digits are cut off from the letters", "Letters and digits make words of their own.", "How many words is 'lab9'?"
)
def cut_at_digits(documents, threshold):
    return by_sets(documents, threshold, lambda text: set(listed(digits_apart(text))))


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
    "a group is only what is like its first document",
    "Compares with the group's first member, and a chain falls apart.",
    "A is like B and B like C, but A not like C. How many groups is that?",
)
def like_the_first(documents, threshold):
    groups = []
    for place, document in enumerate(documents):
        own = shingles(document)
        home = next((g for g in groups if jaccard(shingles(documents[g[0]]), own) >= threshold), None)
        groups.append([place]) if home is None else home.append(place)
    return [group for group in groups if len(group) > 1]


@wrong(
    "a document joins the first group that fits, and two groups never become one",
    "A later document that is like two groups does not tie them together.",
    "A document comes last and is like one of each of two groups. How many groups are there now?",
)
def never_merged(documents, threshold):
    groups = []
    for place, document in enumerate(documents):
        own = shingles(document)
        home = next((g for g in groups if any(jaccard(shingles(documents[m]), own) >= threshold for m in g)), None)
        groups.append([place]) if home is None else home.append(place)
    return [group for group in groups if len(group) > 1]


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
    near, groups = {tuple(pair) for pair in pairs(documents, threshold)}, []
    for place in range(len(documents)):
        home = next((group for group in groups if all((member, place) in near for member in group)), None)
        groups.append([place]) if home is None else home.append(place)
    return [group for group in groups if len(group) > 1]


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
