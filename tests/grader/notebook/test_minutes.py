"""A lab's minutes follow from its text, its exercises, its guesses, its questions and the computer's seconds."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from grader.notebook.labs import NOTEBOOK_ONLY
from grader.notebook.minutes import WORDS_PER_MINUTE, minutes

ANSWER = {"nbgrader": {"solution": True}}


def words(count: int, before: str = "") -> object:
    return new_markdown_cell(before + "word " * count)


@pytest.mark.parametrize(
    ("more", "seconds", "expected"),
    [
        ([], 0, 25),
        ([words(10 * WORDS_PER_MINUTE)], 0, 35),
        ([words(0, "**Time:** about 15 minutes.")], 0, 40),
        ([new_code_cell("my_guess = None")] * 5, 0, 30),
        ([new_markdown_cell("a sketch " * 900, metadata=ANSWER)], 0, 40),
        ([words(0, "{{ table(results.rows) }}\n\n")] * 9, 0, 35),
        ([words(0, "| a | b |\n|:--|--:|\n| 1 | 2 |\n\n")] * 9, 0, 35),
        ([new_code_cell("slider()", metadata={"tags": [NOTEBOOK_ONLY]})] * 4, 0, 35),
        ([], 28 * 60, 50),  # the computer makes no second attempt
    ],
)
def test_each_part_of_the_work_counts(more, seconds, expected):
    main, optional = minutes([words(20 * WORDS_PER_MINUTE), *more], {"seconds": seconds})
    assert (main.work, optional.work) == (expected, 0)


def test_an_optional_part_is_counted_apart_until_the_next_heading_of_its_kind():
    cells = [
        words(1500, "# Lab\n\n## Step\n\n"),
        words(1500, "## Optional second half\n\n"),
        words(1500, "### Step 5\n\n"),
        words(1500, "## After this\n\n"),
    ]
    steps = {"Step": 60.0, "Step 5": 180.0}
    main, optional = minutes(cells, {"seconds": 240.0, "steps": steps})
    assert (main.work, optional.work) == (25, 25)
    assert (main.seconds, optional.seconds) == (60.0, 180.0)
