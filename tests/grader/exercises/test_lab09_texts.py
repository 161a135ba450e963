"""Lab 9's exercises on texts and on confidences, answered as learners write them: each mistake gets its name."""

import itertools
import re
from collections import namedtuple

import numpy as np
import pytest

from grader.exercises import get
from tests.grader.exercises.catalogues import FEW, judged
from utils.checks import TABLES
from utils.checks.records import Table

WORD, ASCII = r"\w+", r"[a-z0-9]+"


def table(name):
    return Table.load(TABLES / f"{name}.npz")


def cut(text, n, word=WORD):
    words = re.findall(word, text.lower())
    return {tuple(words[i : i + n]) for i in range(max(1, len(words) - n + 1))}


def overlap_with(runs):
    def overlap(document, index, n):
        own, known = runs(document, n), set()
        for text in index:
            known |= runs(text, n)
        return len(own & known) / len(own)

    return overlap


def pairs_of(documents, threshold, n=3, word=WORD):
    sets = [cut(document, n, word) for document in documents]
    for i, j in itertools.combinations(range(len(sets)), 2):
        if len(sets[i] & sets[j]) / len(sets[i] | sets[j]) >= threshold:
            yield i, j


def near_with(n=3, word=WORD, said=lambda groups: groups):
    def near_duplicates(documents, threshold):
        home = list(range(len(documents)))
        for i, j in pairs_of(documents, threshold, n, word):
            home = [home[i] if one == home[j] else one for one in home]
        groups = [[p for p, one in enumerate(home) if one == name] for name in dict.fromkeys(home)]
        return said([group for group in groups if len(group) > 1])

    return near_duplicates


@pytest.mark.parametrize("word", [WORD, ASCII, r"[^\W_]+", r"[a-zA-Z0-9_]+"])
def test_a_word_may_hold_an_underscore_or_not(word):
    assert judged(table("overlap"), overlap_with(lambda text, n: cut(text, n, word))).passed
    assert judged(table("near_duplicates"), near_with(word=word)).passed


LOST, APART = "digits are thrown away", "digits are cut off from the letters"


@pytest.mark.parametrize(
    ("word", "name"), [(r"[a-z]+", LOST), (r"[^\W\d]+", LOST), (r"[^\W\d_]+", LOST), (r"[a-z]+|\d+", APART)]
)
def test_digits_belong_to_words(word, name):
    for exercise, written in (
        ("overlap", overlap_with(lambda text, n: cut(text, n, word))), ("near_duplicates", near_with(word=word)),
    ):  # fmt: skip
        found = judged(table(exercise), written)
        assert found.misconceptions == [name], (exercise, found)


def words_and_no_numbers(text):
    return [word for word in re.findall(WORD, text.lower()) if not word.isdigit()]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (lambda text: [w for w in re.findall(WORD, text.lower()) if w.isalpha()], "words with digits are left out"),
        (words_and_no_numbers, "numbers are left out"),
        (lambda text: re.findall(r"[a-z]\w*", text.lower()), "numbers are left out"),
        (lambda text: re.findall(WORD, re.sub(r"\d+", "0", text.lower())), "every number is taken for the same one"),
        (lambda text: re.findall(WORD, re.sub(r"\d", "#", text.lower())), LOST),
    ],
)
def test_words_with_digits_are_words(words, name):
    def runs(text, n):
        return {tuple(words(text)[i : i + n]) for i in range(max(1, len(words(text)) - n + 1))}

    def near_duplicates(documents, threshold):
        return near_with(word=r"\S+")([" ".join(words(document)) for document in documents], threshold)

    for exercise, written in (("overlap", overlap_with(runs)), ("near_duplicates", near_duplicates)):
        found = judged(table(exercise), written)
        assert found.misconceptions == [name], (exercise, found)


def at_the_end_too(text, n):
    words = re.findall(WORD, text.lower())
    return {tuple(words[i : i + n]) for i in range(len(words))}


def by_union(document, index, n):
    own = cut(document, n)
    return len(own & set.union(*(cut(text, n) for text in index))) / len(own)


def with_the_documents_length(document, index, n):
    n = min(n, len(re.findall(WORD, document.lower())))
    return overlap_with(cut)(document, index, n)


def by_the_beginning(document, index, n):
    words = re.findall(WORD, document.lower())
    if len(words) >= n:
        return overlap_with(cut)(document, index, n)
    return float(any(re.findall(WORD, text.lower())[: len(words)] == words for text in index))


def short_by_words(document, index, n):
    return overlap_with(cut)(document, index, n if len(document.split()) >= n else 1)


def short_is_known(document, index, n):
    return overlap_with(cut)(document, index, n) if len(document.split()) >= n else 1.0


def best_of_some(document, index, n):
    own = cut(document, n)
    return max((len(own & cut(text, n)) / len(own) for text in index), default=0.0)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (overlap_with(at_the_end_too), "shorter runs at the end of a text count too"),
        (by_union, "an empty index is an exception"),
        (with_the_documents_length, "a short document is looked for inside longer texts"),
        (by_the_beginning, "a short document is known where a text begins with it"),
        (short_by_words, "a short document is compared word by word"),
        (short_is_known, "a document with fewer than n words is always known"),
        (lambda document, index, n: 100 * overlap_with(cut)(document, index, n), "percent instead of a share"),
        (best_of_some, "only the text with most in common counts"),
        (overlap_with(lambda text, n: cut(text, n + 1)), "runs of n + 1 words"),
        (overlap_with(lambda text, n: cut(text, n - 1)), "runs of n - 1 words"),
    ],
)
def test_a_mistake_in_overlap_is_named(written, name):
    found = judged(table("overlap"), written)
    assert found.misconceptions == [name], found


def first_that_fits(documents, threshold):
    groups = []
    for i, j in pairs_of(documents, threshold):
        home = next((group for group in groups if i in group or j in group), None)
        home.update((i, j)) if home else groups.append({i, j})
    return sorted(map(sorted, groups))


def one_moves(documents, threshold):
    home = list(range(len(documents)))
    for i, j in pairs_of(documents, threshold):
        home[j] = home[i]
    groups = [[p for p, one in enumerate(home) if one == name] for name in dict.fromkeys(home)]
    return [group for group in groups if len(group) > 1]


def like_all(documents, threshold):
    near, groups = set(pairs_of(documents, threshold)), []
    for place in range(len(documents)):
        home = next((group for group in groups if all((member, place) in near for member in group)), None)
        home.append(place) if home else groups.append([place])
    return [group for group in groups if len(group) > 1]


def neighbours_of_each(documents, threshold):
    near = list(pairs_of(documents, threshold))
    around = [{place, *(a + b - place for a, b in near if place in (a, b))} for place in range(len(documents))]
    return sorted({tuple(sorted(some)) for some in around if len(some) > 1})


def popped(documents, threshold):
    """Takes a document, and all that are like it, out of what is left."""
    near, left, groups = set(pairs_of(documents, threshold)), list(range(len(documents))), []
    while left:
        first = left.pop(0)
        group = [first, *(other for other in left if (first, other) in near)]
        left = [other for other in left if other not in group]
        groups.append(group)
    return [group for group in groups if len(group) > 1]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (near_with(4), "shingles of four words"),
        (near_with(5), "shingles of five words"),
        (near_with(2), "shingles of two words"),
        (first_that_fits, "a document joins the first group that fits, and two groups never become one"),
        (one_moves, "one document changes its group, and the rest of its old group stays behind"),
        (like_all, "a group takes only what is like all of its members"),
        (neighbours_of_each, "each document with its own neighbours, so groups overlap"),
        (popped, "a group is only what is like its first document"),
    ],
)
def test_a_mistake_in_near_duplicates_is_named(written, name):
    found = judged(table("near_duplicates"), written)
    assert found.misconceptions == [name], found


@pytest.mark.parametrize(
    "said",
    [
        lambda groups: groups[::-1],
        lambda groups: [group[::-1] for group in groups],
        lambda groups: [group[1:] + group[:1] for group in groups],
        lambda groups: sorted(groups, key=lambda group: (-len(group), -group[0])),
        lambda groups: [group[::-1] for group in sorted(groups, key=len)][::-1],
        lambda groups: tuple(tuple(group[::-1]) for group in groups),
    ],
)
def test_groups_that_are_right_but_not_sorted_are_named_so(said):
    found = judged(table("near_duplicates"), near_with(said=said))
    assert found.misconceptions == ["the groups are right, but not sorted as asked"], found
    assert "?" in found.message  # a thought comes with it


def test_how_many_groups_there_are_is_no_matter_of_kind():
    found = judged(table("near_duplicates"), near_with(word=r"\w{6,}"))
    assert found.misconceptions == [] and "parts" not in found.message, found
    assert "your answer is [[0, 1, 2, 3, 4]]; it should be [[0, 2], [1, 3]]." in found.message, found


@pytest.mark.parametrize("seed", FEW)
def test_no_confidence_lies_on_an_inner_edge_of_a_bin(seed):
    for probe in get("expected_calibration_error").table(seed).probes:
        scaled = probe.inputs["confidence"][probe.inputs["confidence"] < 1] * probe.inputs["bins"]
        assert np.abs(scaled - np.round(scaled)).min() > 0.01 or not scaled.size, probe.name


@pytest.mark.parametrize("more", [0, 1])
def test_rounding_to_the_nearest_edge_is_named(more):
    def rounded(confidence, correct, bins):
        place = (confidence * bins).round().long().clamp(max=bins - 1 + more)
        held = [place == number for number in place.unique()]
        return sum(abs((correct[m].double() - confidence[m]).sum().item()) for m in held) / len(confidence)

    found = judged(table("expected_calibration_error"), rounded)
    assert found.misconceptions == ["bins are shifted by half their width"], found


Measured = namedtuple("Measured", ["same", "nats"])


def test_two_numbers_of_agreement_may_come_in_any_tuple():
    right = get("agreement").right["with_kl_div"]
    for kind in (tuple, list, lambda both: Measured(*both), np.array):
        found = judged(table("agreement"), lambda s, t, m, kind=kind: kind(right(s, t, m)))
        assert found.passed == (kind is not np.array), found
    found = judged(table("agreement"), lambda s, t, m: Measured(*right(s, t, m)[::-1]))
    assert found.misconceptions == ["both numbers change places"], found
    assert "shape" not in found.message and "it should be (" in found.message, found
