"""A guess is read, whatever way it was typed, or refused with what to write instead."""

import pytest

from utils.errors import CourseError
from utils.labs.guesses import as_number, guess


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (45, 45),
        ("45", 45),
        (" 45.5 ", 45.5),
        ("0,95", 0.95),
        ("0,950", 0.95),
        ("1e3", 1000),
        ("1,000", 1000),
        ("1,012.5", 1012.5),
        (None, None),
    ],
)
def test_a_number_typed_as_text_is_a_number(typed, read):
    assert guess(typed) == read


@pytest.mark.parametrize(("high", "read"), [(1, 0.5), (100, 50), (float("inf"), 50)])
def test_percent_are_a_share_only_where_a_share_is_asked(high, read):
    assert guess("50 %", low=0, high=high) == read


@pytest.mark.parametrize("typed", ["better", "", "about 45", True, [45], "nan", "inf", "1,000.5x"])
def test_what_is_no_number_is_refused_with_an_example(typed):
    with pytest.raises(CourseError, match=r"is not a number\. Write one, such as "):
        guess(typed, low=0)


@pytest.mark.parametrize(("bounds", "example"), [((0, 4), "2"), ((1, 9), "4"), ((0, 1), "0.4"), ((0, 0.1), "0.04")])
def test_the_example_is_a_whole_number_where_the_bounds_allow_one(bounds, example):
    low, high = bounds
    with pytest.raises(CourseError, match=f"such as {example}, or None"):
        guess("some", low=low, high=high)


def test_a_number_out_of_its_bounds_is_refused():
    with pytest.raises(CourseError, match=r"'1\.5' cannot be: it should be between 0 and 1"):
        guess("1.5", low=0, high=1)
    with pytest.raises(CourseError, match="at least 1"):
        guess(0, low=1)


@pytest.mark.parametrize(
    ("typed", "read"), [("Over", "over"), ("overconfident", "over"), ("u", "under"), (" under ", "under")]
)
def test_a_choice_may_be_typed_longer_or_shorter(typed, read):
    assert guess(typed, "over", "under") == read


WRITERS = ("the world", "the teacher", "the student")
ARMS = ("SFT, world", "SFT, teacher", "reverse, teacher", "reverse, student")


@pytest.mark.parametrize(
    ("typed", "choices", "read"),
    [
        ("A", ("A", "B", "both"), "A"),
        ("B", ("A", "B", "both"), "B"),
        ("b", ("A", "B", "both"), "B"),
        ("bo", ("A", "B", "both"), "both"),
        ("SFT, world", ARMS, "SFT, world"),
        ("sft world", ARMS, "SFT, world"),
        ("world", ARMS, "SFT, world"),
        ("student", WRITERS, "the student"),
        ("The Student", WRITERS, "the student"),
        ("In domain", ("in-domain", "generic"), "in-domain"),
        ("rank 8", (1, 8, 64), 8),
        ("T = 10", (1, 3, 10), 10),
    ],
)
def test_a_choice_is_read_whatever_its_case_and_its_signs(typed, choices, read):
    assert guess(typed, *choices) == read


@pytest.mark.parametrize(
    ("typed", "choices"),
    [
        ("reverse", ARMS),
        ("r", ARMS),
        ("teacher", ARMS),
        ("the", WRITERS),
        ("t", WRITERS),
        ("better or worse", ("better", "worse")),
        ("1 or 8", (1, 8, 64)),
    ],
)
def test_what_could_be_two_choices_is_refused_with_both(typed, choices):
    with pytest.raises(CourseError, match=r"could be .* or .*\. Write one of these in full"):
        guess(typed, *choices)


@pytest.mark.parametrize(
    ("typed", "choices"), [("rank 10", ("rank 1", "full")), (-8, (1, 8)), (True, (1, 2)), ([1], (1, 2)), ("0.8", (8,))]
)
def test_what_only_looks_like_a_choice_is_refused(typed, choices):
    with pytest.raises(CourseError, match="is none of"):
        guess(typed, *choices)


@pytest.mark.parametrize(("typed", "read"), [("3", 3), (10.0, 10), (5, 5)])
def test_a_choice_of_numbers_may_be_text(typed, read):
    assert guess(typed, 1, 3, 5, 10) == read


@pytest.mark.parametrize("typed", ["T", "4", 0, ""])
def test_what_is_no_choice_is_refused_with_the_choices(typed):
    with pytest.raises(CourseError, match=r"is none of 1, 3, 5, 10\. Write one of these"):
        guess(typed, 1, 3, 5, 10)


def test_a_dict_is_read_entry_by_entry():
    assert guess({"soft": "0.9", "hard": None}, low=0) == {"soft": 0.9, "hard": None}
    with pytest.raises(CourseError, match="'better'"):
        guess({"soft": "better"}, low=0)


def test_a_figure_draws_no_guess_that_cannot_be_read():
    assert [as_number(value) for value in ("better", "45", None)] == [None, 45, None]
