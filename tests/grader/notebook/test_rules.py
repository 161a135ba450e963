# ruff: noqa: E501 (a case is one line)
"""What the source of a lab must obey is said in a sentence that names the cell and says what to do."""

import pytest

from grader.notebook.build import prepare
from grader.notebook.labs import labs_in
from utils.errors import CourseError


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('tags=["set-up"]', "", "it has 0 code cells with the tag 'set-up': give it to exactly one."),
        ('tags=["notebook-only"]', 'tags=["notebok-only"]', "cell 8: the tag 'notebok-only' means nothing here: use one of"),
        ("# %% [markdown]\n# ", "# %% [markdown] ", "cell [0-9]+: '.*' would be lost: put it below the line"),
        ('"written_why"', '"squares"', "cell 10: the grade_id 'squares' is used twice"),
        ('"written_why"', '"why?"', "cell 10: the grade_id 'why\\?' must be 1 to 50 letters"),
        ('"points": 10, ', "", "cell 5: it is graded and gives None points: write a number above 0."),
        ('"locked": true, "points": 10', '"points": 10', "cell 5: its nbgrader metadata lacks locked: copy the line"),
        ("def squares(x):", "def square(x):", "cell 4: its grade_id is 'squares', and it defines no function of that name"),
        ("    ### BEGIN SOLUTION\n", "", "cell 4: the answer needs a line '### BEGIN SOLUTION' above it"),
        ('"check_squares"', '"check_cubes"', "cell 4: the next cell must check squares: grade true, grade_id 'check_squares'"),
        ('"check_squares"', '"check_cubes"', "cell 5: it checks 'cubes', and no cell asks for that function"),
        ('"check_squares"', '"check_cubes"', "cell 5: it checks cubes, and utils/checks/tables has no table of it: .* makes"),
        ('check("squares", squares)', "pass", r'cell 5: it must call check\("squares", squares\)'),
        ('print("noise"', 'squares(1); print("noise"', "cell 7: it uses squares, .* put the use beneath `if ready.squares.:`"),
        ("# | 2 | Says why |", "# | 3 | Says why |", "cell 10: it gives 2 points, and its rubric 3: make them equal."),
        ("Rubric", "Marks", r"cell 10: the cell above it needs a table '\| Points \| Rubric \|'"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_said_before_anything_is_executed(tiny_lab, old, new, sentence):
    source = tiny_lab.source.read_text(encoding="utf-8")
    assert old in source
    tiny_lab.source.write_text(source.replace(old, new), encoding="utf-8")
    with pytest.raises(CourseError, match=rf"09_squares\.py, {sentence}"):
        prepare(tiny_lab)


@pytest.mark.parametrize(
    "use", ["if ready(squares):\n    squares(1)", "def later():\n    return squares(1)", "square = 1"]
)
def test_a_use_that_waits_for_ready_is_no_problem(tiny_lab, use):
    source = tiny_lab.source.read_text(encoding="utf-8")
    tiny_lab.source.write_text(source.replace('print("noise"', f'{use}\nprint("noise"'), encoding="utf-8")
    prepare(tiny_lab)


def test_a_source_that_is_not_named_as_its_folder_is_refused(tiny_lab):
    tiny_lab.source.rename(tiny_lab.source.with_name("08_squares.py"))
    with pytest.raises(CourseError, match=r"solutions/09_squares/08_squares.py is no lab: .* Call it 09_squares.py"):
        labs_in(tiny_lab.root)
