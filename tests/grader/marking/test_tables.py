"""A table reads back as it was written, has no formula in it, and says in a sentence where it is not whole."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.marking import results
from grader.marking.journal import Entry
from grader.marking.judge import Result
from grader.marking.tables import as_csv, from_csv, joined, separated
from utils.errors import CourseError

LINES = st.text(st.characters(exclude_categories=("C", "Z")), max_size=20)
CELLS = st.builds("".join, st.tuples(st.sampled_from(["", "'", "=", "-", "+", "@"]), LINES))
NAMES = ["no shift", "a mask; not of this batch", "\\", ";", "student || teacher", "E; no shift\\; no shift"]


@given(st.lists(st.tuples(CELLS, CELLS), max_size=5))
def test_cells_come_back_as_they_were(rows):
    assert from_csv(as_csv(rows)) == [list(row) for row in rows]


@given(st.lists(LINES.filter(bool), max_size=5))
def test_a_list_in_a_cell_comes_back_as_it_was(names):
    assert separated(joined(names)) == names


def test_a_plain_list_reads_like_one():
    assert joined(["no shift", "T missing"]) == "no shift; T missing"
    assert separated(joined(NAMES)) == NAMES


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\t=1", " =1", "\r=1", "\uff1d1", "'=1"])
def test_no_cell_is_a_formula(text):
    ((cell,),) = csv.reader(io.StringIO(as_csv([[text]])))
    assert cell.startswith(("'", "\\"))


def test_numbers_stay_numbers():
    assert as_csv([[-1, 0.5, ""]]) == "-1,0.5,\n"


def test_no_text_of_a_result_makes_another_row(tmp_path):
    odd = Result("loss", 0.0, 4.0, "wrong", "a\r\nb\rc", ("E\ra\rb", "x; y", "=1"))
    results.write(tmp_path / "results.csv", [Entry("a\rb", "02_lab", "", 0.0, (odd,), ())])
    (row,) = results.read(tmp_path / "results.csv")
    assert (row["student"], row["message"], row["status"]) == ("a\\rb", "a b c", "wrong")
    assert separated(row["misconceptions"]) == ["E\\ra\\rb", "x; y", "=1"]


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("a", "row 2: it has 1 cells of 8"),
        ("a,02_lab,loss,x,4,,m,ok", "score is 'x', no number"),
        ("a,02_lab,loss,nan,4,,m,ok", "score is 'nan', no number"),
        ("a,02_lab,loss,1,,,m,ok", "max_score is '', no number"),
        ('a,"02_lab', "cannot be read"),
    ],
)
def test_a_damaged_table_is_said(tmp_path, row, complaint):
    (tmp_path / "results.csv").write_text(",".join(results.COLUMNS) + "\n" + row + "\n")
    with pytest.raises(CourseError, match=complaint):
        results.read(tmp_path / "results.csv")
