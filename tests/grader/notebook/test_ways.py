"""From every lab there is a way on, a way back, to its solution and to the words it uses."""

import pytest

from grader.notebook import ways
from grader.notebook.build import prepare
from grader.notebook.labs import Lab
from utils.errors import CourseError


@pytest.fixture
def three(tmp_path):
    """Three labs with a title each."""
    labs = [Lab(tmp_path, f"{number:02}_part") for number in (1, 2, 3)]
    for lab in labs:
        lab.source.parent.mkdir(parents=True)
        lab.source.write_text(f"# %% [markdown]\n# # Lab {lab.number}. Part\n")
    return labs


def test_each_lab_leads_to_the_one_before_and_the_one_after(three):
    first, middle, last = map(ways.neighbours, three)
    assert "Before" not in first and "Next: [Lab 02. Part](../02_part/02_part.ipynb)" in first
    assert "Before: [Lab 01. Part](../01_part/01_part.ipynb)" in middle and "Next: [Lab 03. Part]" in middle
    assert "Next" not in last and "Before: [Lab 02. Part]" in last
    assert all("(../../README.md#the-labs)" in text and "glossary" in text for text in (first, middle, last))


def test_the_solution_is_named_behind_the_last_hint_and_at_the_end(three):
    hints = (
        "<details><summary>Hint 2</summary>\na\n</details>\n<details><summary>Hint 3: b</summary>\n\nc\n\n</details>"
    )
    text = ways.with_solutions(hints, three[0])
    second, third = text.split("</details>")[:2]
    assert (
        "solved lab" not in second
        and "c\n\nStill stuck? [The solved lab](../../solutions/01_part/01_part.ipynb)" in third
    )
    assert "../../solutions/01_part/01_part.ipynb" in ways.end(three[0])


def test_a_word_is_linked_with_its_first_sentence(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "glossary.md").write_text(
        '# Words\n\n## nat\n\nThe unit of\n"surprise". One more.\n\n## row\n\nA b.\n'
    )
    assert ways.glossary(tmp_path) == {"nat": 'The unit of "surprise". One more.', "row": "A b."}
    assert ways.term(tmp_path, "nats", "nat") == "[nats](../../docs/glossary.md#nat \"The unit of 'surprise'.\")"
    with pytest.raises(CourseError, match=r"no 'bit'\. It has: nat, row"):
        ways.term(tmp_path, "bit")


def test_a_built_lab_has_its_ways(tiny_lab):
    cells = prepare(tiny_lab).learner.cells
    assert "[All labs]" in cells[0].source and "solved and executed" in cells[-1].source
