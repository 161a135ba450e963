"""What a stranger writes fits on one line and into every file."""

import json

import pytest

from grader.marking.plain_text import escaped, one_line, whole_characters
from grader.notebook.notebooks import parse
from tests.grader.fixture_lab import cell, notebook
from utils.machine.workspace import write_whole

BROKEN = "half \ud800\r\nof\x1b[2J\x00 \u202eit\u2028"


def test_one_line_holds_words_and_single_spaces():
    assert one_line(BROKEN, 100) == "half of [2J it"
    assert one_line("Zoë \N{SNOWMAN} 日本", 100) == "Zoë \N{SNOWMAN} 日本"
    assert one_line("a" * 10**6, 20) == "a" * 20


def test_a_name_stays_itself_where_it_can_be_shown():
    assert escaped("Zoë\r\n\ud800") == r"Zoë\r\n\ud800"


def test_halves_of_characters_become_question_marks():
    assert whole_characters("a\ud800\nb") == "a?\nb"


def test_labels_of_cells_are_one_line():
    made = cell("code", "1", BROKEN, tags=(BROKEN,)) | {"id": BROKEN}
    (read,) = parse(json.dumps(notebook([made])).encode())
    assert {read.grade_id, read.identity, *read.tags} == {"half of [2J it"}


@pytest.mark.parametrize("text", ["half \ud800", "line\r\nline\r"])
def test_any_text_can_be_written(tmp_path, text):
    write_whole(tmp_path / "page", text)
    assert (tmp_path / "page").read_bytes().decode() == whole_characters(text)
    assert [path.name for path in tmp_path.iterdir()] == ["page"]
