"""Does a marked solution say what is true of each step, and does the student go on from the step that was changed?"""

import pytest

from utils.figures.reasoning import (
    StepEditor,
    changed,
    describe_frontier,
    frontier,
    show_solution,
    solution_page,
    solution_text,
)
from utils.labs.arithmetic import Question

CHAIN = Question(7, (("+", 5), ("*", 3), ("-", 4)))
FALSE = "First, 7 + 5 = 12.\nFinally, 13 * 3 = 39.\nAnswer: 39"


def test_each_step_has_its_sign_and_word():
    page = solution_page(CHAIN, FALSE)
    for words in ("7 + 5 = 12</code> <span", "✓ right", "✗ wrong", "– skipped", "answer 39, it should be 32"):
        assert words in page
    assert solution_text(CHAIN, FALSE).splitlines()[1:4] == [
        "✓ 7 + 5 = 12 (right)", "✗ 13 * 3 = 39 (wrong)", "– 39 - 4 (skipped)"
    ]  # fmt: skip


def test_what_a_model_writes_cannot_write_into_the_page():
    assert "<b>9" not in solution_page(CHAIN, "Answer: <b>9").replace("&lt;b&gt;", "")


def test_a_right_solution_is_said_to_be_right(capsys):
    assert "✓ answer 32, right" in solution_page(CHAIN, CHAIN.trace())
    show_solution(CHAIN, CHAIN.trace())
    assert "Question: 7 +5 *3 -4" in capsys.readouterr().out


def test_a_changed_step_ends_the_beginning():
    assert changed(CHAIN.trace(), 2, 40) == "First, 7 + 5 = 12.\nTherefore, 12 * 3 = 40.\n"


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("Finally, 40 - 4 = 36.\nAnswer: 36", "goes on from your number"),
        ("Finally, 36 - 4 = 32.\nAnswer: 32", "does not take up your number"),
        ("Answer: 32", "writes no further step"),
    ],
)
def test_the_editor_tells_whether_the_student_follows(rest, said):
    asked = []
    editor = StepEditor(CHAIN, CHAIN.trace(), lambda beginning: asked.append(beginning) or rest)
    assert editor.result.value == 13, "another result than the step's own is suggested"
    editor.step.value = 2
    assert editor.result.value == 37
    editor.result.value = 40
    editor.button.click()
    assert asked == [changed(CHAIN.trace(), 2, 40)]
    assert said in editor.said.value and "✗ wrong" in editor.page.value


def test_the_frontier_has_a_mark_for_each_arm_and_words():
    rows = [
        {"arm": f"arm {i}", "characters": 10.0 * i, "accuracy": 0.2 * i, "low": 0.1 * i, "high": 0.3 * i}
        for i in (1, 2)
    ]
    figure = frontier(rows)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["arm 1", "arm 2"]
    assert "arm 2: 20 characters, right 0.400" in describe_frontier(rows)
