"""What Lab 5 asks of a solution, on right ones, on some that are wrong in one way, and on what a model might write."""

import pytest

from utils.labs.arithmetic import questions
from utils.labs.traces import compact, extract_answer, is_repetitive, steps_are_consistent, trace_labels

RIGHT = "First, 7 + 5 = 12.\nTherefore, 12 * 3 = 36.\nFinally, 36 - 4 = 32.\nAnswer: 32"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (RIGHT, 32),
        (compact(RIGHT), 32),
        ("Answer: -7", -7),
        ("Answer:0\nAnswer: 5", 0),
        ("7 +5\nAnswer: 12\n8 +1\nAnswer: 9", 12),
        ("Answer: none\nAnswer: 4", None),
        ("Say Answer: 3", None),
        ("7+5=12", None),
        ("", None),
    ],
)
def test_the_answer_is_the_number_behind_the_first_mark(text, answer):
    assert extract_answer(text) == answer


@pytest.mark.parametrize(
    "wrong",
    [
        RIGHT.replace("= 12", "= 13"),
        RIGHT.replace("12 * 3 = 36", "13 * 3 = 39"),
        RIGHT.replace("Answer: 32", "Answer: 33"),
        RIGHT.replace("Answer: 32", "Answer: none"),
        "Answer: 32",
        "",
    ],
)
def test_one_wrong_place_makes_the_steps_inconsistent(wrong):
    assert steps_are_consistent(RIGHT) and steps_are_consistent(compact(RIGHT))
    assert not steps_are_consistent(wrong)


def test_too_many_steps_and_the_same_step_twice_are_repetitive():
    assert not is_repetitive(RIGHT, 3) and is_repetitive(RIGHT, 2)
    assert is_repetitive("7+5=12;12*3=36;7+5=12", 9)
    assert not is_repetitive("2+2=4;4-2=2;2+1=3", 9), "equal results are no repetition"


def test_the_short_form_is_the_task_s_own_and_stays_as_it_is():
    for one in questions(50, unknown=0.0):
        assert compact(one.trace()) == one.trace("compact") == compact(one.trace("compact"))
    assert compact("First, 1 + 1 = 3.") == "1+1=3"


def test_labels_count_the_trace_and_its_end_alone():
    assert trace_labels([5, 6], [7, 8, 0], 7, 0) == ([5, 6, 7, 8, 0, 0, 0], [-100, -100, 7, 8, 0, -100, -100])
    assert trace_labels([5, 6], [7, 8, 0], 5, 0) == ([5, 6, 7, 8, 0], [-100, -100, 7, 8, 0])
    assert trace_labels([5, 6], [7, 8, 0], 4, 0) is None
