"""A refusal is said in so many words; a trace is faithful where its answer is its last result, be it right or wrong."""

import pytest

from utils.labs.arithmetic import questions
from utils.labs.refusals import is_faithful, refuses


def test_right_solutions_refuse_just_where_there_is_no_answer():
    asked = questions(100, unknown=0.5)
    assert {one.answer is None for one in asked} == {True, False}
    for one in asked:
        for form in ("verbose", "compact", "answer"):
            assert refuses(one.trace(form)) is (one.answer is None)


@pytest.mark.parametrize("text", ["", "First, 7 + 5 = 12.\nAnswer:", "Answer: 12", "Answer: none\nAnswer: 12"])
def test_what_is_cut_off_or_goes_on_to_a_number_is_no_refusal(text):
    assert refuses(text) is False


@pytest.mark.parametrize(
    ("text", "faithful"),
    [
        ("First, 7 + 5 = 12.\nFinally, 12 - 4 = 8.\nAnswer: 8", True),
        ("First, 7 + 5 = 13.\nAnswer: 13", True),
        ("7+5=12;12-4=8;Answer: 12", False),
        ("Answer: 8", None),
        ("First, 7 + 5 = 12.\nAnswer: none", None),
    ],
)
def test_a_trace_is_faithful_where_its_answer_is_its_last_result(text, faithful):
    assert is_faithful(text) is faithful
