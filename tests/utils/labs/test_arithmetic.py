"""The task of Labs 5 and 6: every solution is right in each form, and every written step is marked."""

import pytest

from utils.errors import CourseError
from utils.labs.arithmetic import FORMS, LEAST, LONGER, MOST, TRAINED, Question, equations, marked, questions

CHAIN = Question(7, (("+", 5), ("*", 3), ("-", 4)))
GAP = Question(7, (("+", 5), ("*", None), ("-", 4)))


def test_a_chain_is_worked_out_from_left_to_right():
    assert CHAIN.text == "7 +5 *3 -4"
    assert CHAIN.values == [7, 12, 36, 32] and CHAIN.answer == 32
    assert CHAIN.trace() == "First, 7 + 5 = 12.\nTherefore, 12 * 3 = 36.\nFinally, 36 - 4 = 32.\nAnswer: 32"
    assert CHAIN.trace("compact") == "7+5=12;12*3=36;36-4=32;Answer: 32"
    assert CHAIN.trace("answer") == "Answer: 32"
    assert Question(2, (("-", 9),)).trace() == "Finally, 2 - 9 = -7.\nAnswer: -7"


def test_a_question_with_a_missing_number_has_no_answer():
    assert GAP.answer is None and GAP.values == [7, 12]
    assert GAP.trace() == "First, 7 + 5 = 12.\nTherefore, 12 * ? is not known.\nAnswer: none"
    assert GAP.trace("compact") == "7+5=12;12*?;Answer: none"


def test_questions_follow_from_their_seed_and_the_splits_share_none():
    drawn = {split: questions(300, split=split, seed=4) for split in ("train", "tune", "validation")}
    texts = [one.text for some in drawn.values() for one in some]
    assert len(set(texts)) == 900
    assert questions(300, seed=4) == drawn["train"] != questions(300, seed=5)
    assert {len(one.operations) for one in drawn["train"]} == set(TRAINED)
    assert {len(one.operations) for one in questions(50, LONGER)} == set(LONGER)
    assert all(LEAST <= value <= MOST for some in drawn.values() for one in some for value in one.values)


def test_so_many_questions_lack_a_number_as_were_asked_for():
    assert all(one.answer is not None for one in questions(200))
    missing = sum(one.answer is None for one in questions(400, unknown=0.25))
    assert 70 <= missing <= 130


def test_more_questions_than_a_split_has_are_refused():
    with pytest.raises(CourseError, match=r"hardly more than .* questions of 1 operations, and 2000 were asked for"):
        questions(2000, (1,), "validation")


@pytest.mark.parametrize("form", FORMS[:2])
def test_every_step_of_a_right_solution_is_right(form):
    for one in questions(100, seed=2):
        marks = marked(one, one.trace(form))
        assert [mark for _, mark in marks] == ["right"] * len(one.operations)
        assert [step[3] for step in equations(one.trace(form))] == one.values[1:]


@pytest.mark.parametrize(
    ("trace", "marks"),
    [
        ("7+5=13;13*3=39;39-4=35;Answer: 35", ["wrong", "right", "right"]),  # a false sum, then faithful to it
        ("7+5=12;13*3=39;39-4=35;Answer: 35", ["right", "wrong", "right"]),  # starts from another number
        ("7+5=12;36-4=32;Answer: 32", ["right", "skipped", "wrong"]),  # 36 is a number that nobody computed
        ("7+5=12;12*3=36;Answer: 32", ["right", "right", "skipped"]),
        ("7+5=12;12+1=13;12*3=36;36-4=32;Answer: 32", ["right", "wrong", "right", "right"]),
        ("Answer: 32", ["skipped"] * 3),
        ("", ["skipped"] * 3),
    ],
)
def test_each_step_has_its_mark(trace, marks):
    assert [mark for _, mark in marked(CHAIN, trace)] == marks
