"""What is known of a document, and groups of near-duplicates: the same as comparing all pairs."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.errors import CourseError
from utils.measuring.repeats import near_duplicates, overlap, runs

TEXTS = st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=9).map(" ".join), min_size=1, max_size=9)


@given(TEXTS, st.sampled_from((0.1, 0.25, 0.5, 0.6, 0.75, 1.0)))
def test_groups_are_those_of_all_pairs(texts, threshold):
    groups = [{place} for place in range(len(texts))]
    for i, j in itertools.combinations(range(len(texts)), 2):
        a, b = runs(texts[i]), runs(texts[j])
        if len(a & b) / len(a | b) >= threshold:
            one, other = (next(group for group in groups if place in group) for place in (i, j))
            if one is not other:
                groups.remove(other)
                one |= other
    assert near_duplicates(texts, threshold) == sorted(sorted(group) for group in groups if len(group) > 1)


def test_a_pair_just_as_alike_as_the_threshold_is_found_where_the_product_is_a_little_too_large():
    words = [f"word{place}" for place in range(27)]
    assert 0.28 * 25 > 7  # shingles: 25 in the one text, 7 in the other, all of them shared
    assert near_duplicates([" ".join(words), " ".join(words[:9])], 0.28) == [[0, 1]]


def test_overlap_is_the_share_of_the_document_that_stands_in_one_text():
    index = ["The  cat SAT,\non the mat.", "a dog ran"]
    assert overlap("the cat sat on a hill", index, 3) == 2 / 4
    assert overlap("on the mat a dog", index, 3) == 1 / 3
    assert overlap("A dog", index, 3) == 0.0
    assert overlap("A dog, ran", index, 4) == 1.0


@pytest.mark.parametrize("threshold", [0, -0.5, 1.5, float("nan")])
def test_a_threshold_that_is_none_is_one_sentence(threshold):
    with pytest.raises(CourseError, match="above 0 and at most 1"):
        near_duplicates(["a b c"], threshold)
