"""The pair of Labs 5 and 6: it loads, the teacher solves what it was made for, and rows hold what they should."""

import pytest

from utils.labs import reasoning
from utils.labs.arithmetic import questions


@pytest.fixture(scope="module")
def pair():
    return reasoning.load_reasoning_pair()


def test_the_teacher_solves_most_questions_and_the_student_almost_none(pair):
    asked = questions(40, split="validation", seed=9)
    right = [
        reasoning.right_answers(asked, reasoning.written(model, pair.tokenizer, asked)).mean()
        for model in (pair.teacher, pair.student)
    ]
    assert right[0] > 0.9 and right[1] < 0.3
    assert 7 < pair.compression < 9


def test_every_character_of_the_task_is_a_token_that_comes_back(pair):
    for one in questions(50, (1, 2, 3, 7), unknown=0.3):
        for form in ("verbose", "compact", "answer"):
            ids = reasoning.ids_of(pair.tokenizer, one.trace(form))
            assert len(ids) == len(one.trace(form)) and pair.tokenizer.decode(ids) == one.trace(form)
    assert pair.tokenizer.eos_token_id != pair.tokenizer.pad_token_id


def test_a_row_counts_the_trace_and_the_end_of_text(pair):
    (one,) = questions(1)
    (row,) = reasoning.rows_of([one], [one.trace()], pair.tokenizer)
    counted = [token for token, label in zip(row.input_ids, row.labels, strict=True) if label >= 0]
    assert pair.tokenizer.decode(counted[:-1]) == one.trace() and counted[-1] == pair.tokenizer.eos_token_id
    assert pair.tokenizer.decode(row.input_ids[: -len(counted)]) == one.text + "\n"


def test_the_majority_is_the_answer_that_most_give():
    assert reasoning.majority(["Answer: 3", "Answer: 4", "Answer: 4", "nothing"]) == 4
    assert reasoning.majority(["Answer: 3", "Answer: 4"]) == 3
    assert reasoning.majority(["", "Answer: none"]) is None
