"""The class report counts misconceptions, names nobody unasked, and escapes everything."""

import csv
import io

import pytest

from grader.marking import report
from grader.marking.results import COLUMNS
from grader.marking.tables import joined
from utils.errors import CourseError


def row(student: str, exercise: str, score: object, misconceptions: str = "", status: str = "wrong") -> dict[str, str]:
    values = (student, "02_small_lab", exercise, str(score), "4", misconceptions, "a message", status)
    return dict(zip(COLUMNS, values, strict=True))


ROWS = [
    row("anna", "distillation_loss", 4, status="ok"),
    row("anna", "written", "", status="waiting"),
    row("<b>bob</b>", "distillation_loss", 2, "no shift; T^2 is missing", "partial"),
    row("<b>bob</b>", "written", 2, status="partial"),
    row("carl", "distillation_loss", 0, "no shift"),
    row("carl", "written", 0, status="missing"),
]


def test_misconceptions_are_counted_most_frequent_first():
    mistakes = report.summarise(ROWS).mistakes
    assert [(mistake.name, mistake.count) for mistake in mistakes] == [("no shift", 2), ("T^2 is missing", 1)]


def test_a_student_counts_once_and_a_semicolon_in_a_name_is_no_separator():
    twice = row("dora", "distillation_loss", 0, joined(["no shift", "no shift", "a mask; not of this batch"]))
    mistakes = report.summarise([*ROWS, twice]).mistakes
    counted = {mistake.name: mistake.count for mistake in mistakes}
    assert counted == {"no shift": 3, "T^2 is missing": 1, "a mask; not of this batch": 1}


def test_scores_and_difficulty_count_what_is_marked():
    found = report.summarise(ROWS)
    assert found.shares == (1.0, 0.5, 0.0)
    assert (found.mean, found.median, found.unmarked) == (0.5, 0.5, 1)
    assert {item.exercise: item.facility for item in found.items} == {"distillation_loss": 0.5, "written": 0.25}
    assert found.bins == (1, 0, 0, 0, 0, 1, 0, 0, 0, 1)


def test_whoever_answered_nothing_is_counted_and_said():
    empty = [row("dora", name, 0, status="missing") for name in ("distillation_loss", "written")]
    found = report.summarise([*ROWS, *empty])
    assert (report.summarise(ROWS).empty, found.empty, found.mean) == (0, 1, 0.375)
    assert "1 of them answers nothing" in report.as_html(found, names=False)
    assert "answers nothing" not in report.as_html(report.summarise(ROWS), names=False)


def test_whoever_waits_for_all_marks_is_in_no_average():
    waiting = row("erin", "written", "", status="ok")
    found = report.summarise([*ROWS, waiting])
    assert (found.students, found.mean, found.median) == (4, 0.5, 0.5)
    alone = report.summarise([waiting])
    assert (alone.mean, alone.median, alone.shares) == (None, None, ())
    assert "Nothing is marked yet" in report.as_html(alone, names=False)


def test_students_are_named_only_when_asked():
    found = report.summarise(ROWS)
    for text in (report.as_html(found, names=False), report.as_csv(found, names=False)):
        assert "carl" not in text and "bob" not in text
    assert "carl" in report.as_html(found, names=True) and "carl" in report.as_csv(found, names=True)


def test_the_page_is_escaped_and_needs_nothing_beside_it():
    page = report.as_html(report.summarise(ROWS), names=True)
    assert "<b>bob" not in page and "&lt;b&gt;bob" in page
    assert not any(sign in page for sign in ("<script", "<link", "src=", "url(", "http://", "https://"))
    assert "prefers-color-scheme: dark" in page and "width=device-width" in page


def test_the_table_has_as_many_columns_everywhere():
    for names in (False, True):
        rows = list(csv.reader(io.StringIO(report.as_csv(report.summarise(ROWS), names))))
        assert len({len(each) for each in rows}) == 1


def test_a_missing_or_foreign_file_is_said(tmp_path):
    with pytest.raises(CourseError, match="grade first"):
        report.read(tmp_path / "results.csv", "02")
    (tmp_path / "results.csv").write_text("a,b\n1,2\n")
    with pytest.raises(CourseError, match="columns"):
        report.read(tmp_path / "results.csv", "02")


def test_a_lab_that_is_not_there_is_said_with_those_that_are(tmp_path):
    with open(tmp_path / "results.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(ROWS)
    assert len(report.read(tmp_path / "results.csv", "2")) == len(ROWS)
    with pytest.raises(CourseError, match="02_small_lab"):
        report.read(tmp_path / "results.csv", "07")
