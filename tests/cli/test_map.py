"""The map counts what is saved in the learner's own notebooks, and nothing else."""

import json
from pathlib import Path

import pytest

from cli import _map

CHECK = {"nbgrader": {"grade": True, "solution": False, "grade_id": "check_entropy"}}
WRITTEN = {"nbgrader": {"grade": True, "solution": True, "grade_id": "written"}}


def cell(kind: str, source: str, metadata: dict | None = None, said: str = "") -> dict:
    outputs = {"outputs": [{"output_type": "display_data", "data": {"text/plain": said}}]} if said else {}
    return {"cell_type": kind, "source": source, "metadata": metadata or {}, **outputs}


def write(folder: Path, guess: str = "None  # a number", answer: str = _map.EMPTY_ANSWER, said: str = "") -> None:
    cells = [
        cell("markdown", "# Lab 1. Cats\n\n**Your time:** about 70 minutes."),
        cell("code", f"my_guess = {guess}\nmy_guess = guess(my_guess)"),
        cell("code", 'check("entropy", entropy)', CHECK, said),
        cell("markdown", answer, WRITTEN),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{folder.name}.ipynb").write_text(json.dumps({"cells": cells}))


@pytest.fixture
def course(tmp_path) -> Path:
    write(tmp_path / "labs" / "01_cats")
    write(tmp_path / "my_labs" / "01_cats")
    (tmp_path / "README.md").write_text("| [01](labs/01_cats/01_cats.ipynb) | What is a cat? | fur |\n")
    return tmp_path


def row(course: Path) -> str:
    (found,) = [line for line in _map.text(course).splitlines() if line.startswith("| [Lab")]
    return found


def test_a_lab_has_its_question_its_minutes_and_a_link_to_the_copy(course):
    start = "| [Lab 1. Cats](01_cats/01_cats.ipynb) | What is a cat? | 70 |"
    assert row(course) == f"{start} 0 of 1 | 0 of 1 | 0 of 1 |"


@pytest.mark.parametrize(
    ("changed", "counts"),
    [
        ({"said": "[passed] entropy: Right."}, "1 of 1 | 0 of 1 | 0 of 1"),
        ({"said": "[not yet] entropy: No."}, "0 of 1 | 0 of 1 | 0 of 1"),
        ({"guess": "45  # None before"}, "0 of 1 | 1 of 1 | 0 of 1"),
        ({"guess": '{"a": 1, "b": None}'}, "0 of 1 | 0 of 1 | 0 of 1"),
        ({"answer": "Because."}, "0 of 1 | 0 of 1 | 1 of 1"),
    ],
)
def test_what_was_done_is_counted_from_the_saved_notebook(course, changed, counts):
    write(course / "my_labs" / "01_cats", **changed)
    assert row(course).endswith(f"| {counts} |")


@pytest.mark.parametrize("content", ["no JSON", "[]", '{"cells": [1]}', None])
def test_a_copy_that_cannot_be_read_counts_as_nothing_done(course, content):
    path = course / "my_labs" / "01_cats" / "01_cats.ipynb"
    path.unlink() if content is None else path.write_text(content)
    assert row(course).endswith("| 0 of 1 | 0 of 1 | 0 of 1 |")


def test_a_save_in_my_labs_renews_the_page_and_one_elsewhere_does_not(course):
    _map.after_save(str(course / "labs" / "01_cats" / "01_cats.ipynb"), model={}, contents_manager=None)
    assert not (course / "my_labs" / "map.md").exists()
    _map.after_save(str(course / "my_labs" / "01_cats" / "01_cats.ipynb"), model={}, contents_manager=None)
    assert "[Lab 1. Cats]" in (course / "my_labs" / "map.md").read_text()
