"""Text beside a written question reaches the person who marks it."""

import copy
import json

import pytest

from grader.marking import results
from grader.marking.matching import plan, read_release
from grader.notebook.notebooks import parse
from tests.grader.fixture_lab import RIGHT, WRITTEN, cell, honest, released, save_release

ESSAY = "The teacher is frozen, since it is the target."


@pytest.fixture
def lab(tmp_path):
    return read_release(save_release(tmp_path))


def row(lab, content: dict):
    """(status, score, text that is marked) of the lab's written question."""
    made = plan(lab, parse(json.dumps(content).encode()))
    result = results.written(next(task for task in lab.tasks if task.written), made)
    return result.status, result.score, made.written[WRITTEN].text


def with_cells(where: int, *cells: dict, written: str = "") -> dict:
    """A submission with new cells before the cell at ``where``; the question's own is the last, -1."""
    content = released(RIGHT, written)
    place = len(content["cells"]) + where + 1 if where < 0 else where
    content["cells"][place:place] = cells
    return content


NEW = {
    "markdown below": (-1, cell("markdown", ESSAY)),
    "raw below": (-1, cell("raw", ESSAY)),
    "code below": (-1, cell("code", ESSAY)),
    "a comment below": (-1, cell("code", f"# {ESSAY}")),
    "markdown above": (-2, cell("markdown", ESSAY)),
}


@pytest.mark.parametrize(("where", "new"), NEW.values(), ids=NEW)
@pytest.mark.parametrize("bare", [False, True], ids=["metadata", "none"])
def test_a_new_cell_beside_the_question_is_the_answer(lab, where, new, bare):
    content = with_cells(where, new)
    for each in content["cells"] if bare else ():
        each["metadata"] = {}
        each.pop("id")
    status, score, text = row(lab, content)
    assert (status, score) == ("partial", None) and ESSAY in text


def test_several_new_cells_and_the_marked_one_are_read_together(lab):
    content = with_cells(-1, cell("markdown", "Second."), cell("markdown", "Third."), written="First.")
    assert row(lab, content) == ("partial", None, "First.\n\nSecond.\n\nThird.")


@pytest.mark.parametrize("first", [True, False])
def test_a_copy_of_the_marked_cell_is_read_wherever_it_is(lab, first):
    content = released(RIGHT)
    *others, marked = content["cells"]
    copied = copy.deepcopy(marked) | {"source": ESSAY}
    content["cells"] = [copied, *others, marked] if first else [marked, others[0], copied, *others[1:]]
    assert ESSAY in row(lab, content)[2]


@pytest.mark.parametrize("new", [[ESSAY], ["Two cells.", ESSAY]])
def test_where_the_marked_cell_is_gone_the_text_in_its_place_is_read(lab, new):
    content = with_cells(-1, *(cell("markdown", text) for text in new))
    content["cells"] = [each for each in content["cells"] if each["id"] != WRITTEN]
    status, score, text = row(lab, content)
    assert status in ("waiting", "partial") and score is None and ESSAY in text


def test_no_answer_is_still_none(lab):
    assert row(lab, released(RIGHT)) == ("missing", 0.0, "")
    for new in (
        cell("markdown", "  "),
        cell("code", "x = [1, 2]\nprint(x)"),
        cell("markdown", "Write your answer here."),
        cell("markdown", "your answer here."),
    ):
        assert row(lab, with_cells(-1, new))[0] == "missing"


def test_text_elsewhere_in_the_notebook_is_no_answer(lab):
    assert row(lab, with_cells(1, cell("markdown", ESSAY)))[0] == "missing"


def test_an_answer_in_its_own_cell_waits(lab):
    assert row(lab, honest())[:2] == ("waiting", None)


def test_between_two_questions_the_text_belongs_to_the_open_one(lab, tmp_path):
    content = released()
    content["cells"].append(cell("markdown", "Write here.", "written_two", grade=True, solution=True, points=1))
    path = tmp_path / "two.ipynb"
    path.write_text(json.dumps(content))
    two = read_release(path)
    content["cells"][-2]["source"] = "The first answer."
    content["cells"].insert(-1, cell("markdown", ESSAY))
    made = plan(two, parse(json.dumps(content).encode()))
    assert made.written[WRITTEN].text == "The first answer." and made.written["written_two"].text == ESSAY


TEXTS = ("start-1", "start-2", "check_train_step-1", f"{WRITTEN}-1", f"{WRITTEN}-2")  # as the build calls them
REMARK = "The notebook is of another edition of the lab: "


def edition(words: str, changed: int = len(TEXTS)) -> dict:
    """The lab with five texts, the last two below the question; `changed` of them say other words."""
    content = released(RIGHT)
    texts = [
        cell("markdown", f"About {name}{words if number < changed else ''}.") | {"id": name}
        for number, name in enumerate(reversed(TEXTS))
    ]
    content["cells"] = [*texts[4:1:-1], *content["cells"], *texts[1::-1]]
    return content


@pytest.fixture
def told(tmp_path):
    """The lab with its five texts as released."""
    path = tmp_path / "told.ipynb"
    path.write_text(json.dumps(edition("")))
    return read_release(path)


def remarks(lab, content: dict) -> list[str]:
    return [text for text in plan(lab, parse(json.dumps(content).encode())).remarks if text.startswith(REMARK)]


def test_the_texts_of_another_edition_of_the_lab_are_no_answer(told):
    content = edition(", as it was told last year")
    gone = cell("markdown", "This lab no longer has this text.") | {"id": f"{WRITTEN}-3"}
    content["cells"].append(gone)
    assert row(told, content) == ("missing", 0.0, "") and remarks(told, content)
    place = next(index for index, each in enumerate(content["cells"]) if each["id"] == WRITTEN)
    content["cells"].insert(place + 1, cell("markdown", ESSAY))
    assert row(told, content) == ("partial", None, ESSAY)


def test_a_learner_who_writes_into_the_lab_s_texts_is_still_read(told):
    content = edition(f". {ESSAY}", changed=2)
    assert row(told, content)[0] == "partial" and ESSAY in row(told, content)[2] and not remarks(told, content)


def test_other_spaces_and_line_ends_make_no_other_edition(told):
    content = edition("")
    for each in content["cells"]:
        each["source"] = each["source"].replace(" ", "\r\n")
    assert not remarks(told, content)
