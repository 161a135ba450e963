"""Everybody in the class has a row, and the systems get their own files back with nothing changed but the grades."""

import csv
import io

import pytest

from grader.school import exports, grades
from grader.school.grades import ABSENT, Grade, LabGrade
from grader.school.intake import Row
from grader.school.lateness import Lateness, Policy
from grader.school.roster import Student
from tests.grader.school.school import CANVAS, LAB, WORKSHEET, write
from utils.errors import CourseError

ZOE = Student("998", "Müller, Zoë", "zoe", "zoe@x.org", "A", "30211", "Zoe")
ANNA = Student("997", "O'Neil, Anna-Lena", "anna", "anna@x.org", "A", "30212", "Anna")
AWAY = Student("996", "Person, Absent", "abs", "abs@x.org", "A", "30213", "Away")
CLASS = [ZOE, ANNA, AWAY]
TITLES = {LAB: ["Lab 2"]}


def mark(student, exercise, score, status="ok", most=10):
    return {"student": student, "lab": LAB, "exercise": exercise, "score": score, "max_score": most, "status": status}


MARKS = [
    mark("Zoe", "loss", "7.5"),
    mark("Zoe", "why", "", most=5),
    mark("Anna", "loss", "10"),
    mark("Anna", "why", "5", most=5),
]


def compute(marks=MARKS, extra=None):
    return grades.compute(marks, CLASS, {LAB: [Row("f", "Zoe"), Row("g", "Anna")]}, Policy(), extra or {})


def made(**points):
    """A grade of 15 for everybody named; None for nothing handed in."""
    labs = {
        name: LabGrade(LAB, value or 0.0, 15.0, status="graded" if value is not None else ABSENT)
        for name, value in points.items()
    }
    return [Grade(student, {LAB: labs[student.folder]}) for student in CLASS]


def table(path, delimiter=","):
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8")), delimiter=delimiter))


def test_everybody_in_the_class_has_a_row(tmp_path):
    grades.write(tmp_path / "grades.csv", compute())
    header, *rows = table(tmp_path / "grades.csv")
    found = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    assert list(found) == ["Zoe", "Anna", "Away"]
    assert (found["Zoe"]["total"], found["Zoe"]["waiting"], found["Zoe"]["maximum"]) == ("7.5", "1", "15")
    assert (found["Anna"]["total"], found["Anna"]["waiting"], found["Anna"][LAB]) == ("15", "0", "15")
    assert (found["Away"][f"{LAB} status"], found["Away"][LAB], found["Away"]["total"]) == (ABSENT, "", "0")
    assert found["Zoe"]["canvas"] == "30211"


def test_a_graded_folder_that_is_in_no_class_has_a_row():
    found = {grade.student.folder: grade for grade in compute([*MARKS, mark("stranger", "loss", "3")])}
    assert found["stranger"].total == 3.0


def test_a_mark_that_waits_for_another_look_is_not_final():
    for status in ("waiting", "stale"):
        (anna,) = [g for g in compute([mark("Anna", "why", "4", status)]) if g.student is ANNA]
        assert (anna.total, anna.waiting) == (4.0, 1)


def test_extra_credit_counts():
    (anna,) = [g for g in compute(extra={("Anna", LAB): 2.0}) if g.student is ANNA]
    assert (anna.total, anna.labs[LAB].extra) == (17.0, 2.0)


def test_a_penalty_never_makes_a_grade_negative():
    assert LabGrade(LAB, 3.0, 15.0, late=Lateness(penalty=5.0)).points == 0.0


def test_a_decimal_comma_comes_with_semicolons(tmp_path):
    grades.write(tmp_path / "grades.csv", compute(), ",")
    header, zoe, *_ = table(tmp_path / "grades.csv", ";")
    assert dict(zip(header, zoe, strict=True))["total"] == "7,5"


def test_no_name_is_a_formula_in_the_grades(tmp_path):
    student = Student("1", "=HYPERLINK(1)", folder="x")
    grades.write(tmp_path / "grades.csv", [Grade(student, {})])
    assert ",'=HYPERLINK" in (tmp_path / "grades.csv").read_text()


def fill_canvas(tmp_path, found, settings=None, text=CANVAS, rows=(), titles=None):
    template = write(tmp_path / "in.csv", text)
    report = exports.canvas(
        template, tmp_path / "out.csv", found, titles or TITLES, rows, settings or exports.Settings()
    )
    return report, table(tmp_path / "out.csv", ";" if ";" in text else ",")


def test_canvas_gets_its_header_ids_and_rows_back(tmp_path):
    report, rows = fill_canvas(tmp_path, made(Zoe=7.5, Anna=15.0, Away=None))
    assert rows == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Lab 2 (1234)"],
        ["", "", "", "", "", "Manual Posting"],
        ["    Points Possible", "", "", "", "", "30"],
        ["Müller, Zoë", "30211", "s1", "zoe", "A", "15"],
        ["O'Neil, Anna-Lena", "30212", "s2", "anna", "A", "30"],
        ["Person, Absent", "30213", "s3", "abs", "A", ""],
        ["Student, Test", "1", "", "", "A", ""],
    ]
    assert report.filled == 2
    assert "counts to 30" in report.remarks[0]


def test_absence_is_a_zero_where_that_is_wanted(tmp_path):
    _, rows = fill_canvas(tmp_path, made(Zoe=None, Anna=None, Away=None), exports.Settings(absent_zero=True))
    assert [row[-1] for row in rows[3:6]] == ["0", "0", "0"]


def test_canvas_with_semicolons_gets_semicolons(tmp_path):
    text = (
        CANVAS.replace(",", ";").replace("Müller;", "Müller,").replace("Neil;", "Neil,").replace("Person;", "Person,")
    )
    text = text.replace("Student; Test", "Student, Test")
    _, rows = fill_canvas(tmp_path, made(Zoe=7.1, Anna=1.0, Away=None), exports.Settings(","), text)
    assert rows[3][-1] == "14,2"


def test_a_grade_that_waits_stays_out_of_the_import(tmp_path):
    found = made(Zoe=7.5, Anna=15.0, Away=None)
    found[0] = Grade(ZOE, {LAB: LabGrade(LAB, 7.5, 15.0, waiting=1)})
    text = CANVAS.replace("zoe,A,3,,", "zoe,A,3,11,")
    report, rows = fill_canvas(tmp_path, found, text=text)
    assert rows[3][-1] == "11"
    assert report.waiting == ("Müller, Zoë",)


def test_canvas_rows_find_a_class_that_was_read_from_another_list(tmp_path):
    plain = [Grade(Student("998", "Zoë Müller", folder="Zoe"), {LAB: LabGrade(LAB, 15.0, 15.0)})]
    _, rows = fill_canvas(tmp_path, plain)
    assert rows[3][-1] == "30"
    other = [Grade(Student("1", "Z. M.", folder="Zoe"), {LAB: LabGrade(LAB, 15.0, 15.0)})]
    report, rows = fill_canvas(tmp_path, other, rows=[Row("f", "Zoe", "canvas", "30211")])
    assert rows[3][-1] == "30"
    assert report.unknown == ("O'Neil, Anna-Lena", "Person, Absent")


@pytest.mark.parametrize("title", ["Lab 3", "Lab"])
def test_an_assignment_that_is_not_there_or_not_one_is_said(tmp_path, title):
    text = CANVAS.replace("Homework (55)", "Lab 20 (55)")
    with pytest.raises(CourseError, match=r"assignments? with 'Lab.*--title"):
        fill_canvas(tmp_path, made(Zoe=1.0, Anna=1.0, Away=None), text=text, titles={LAB: [title]})


def fill_moodle(tmp_path, found, settings=None, text=WORKSHEET):
    rows = [Row("f", "Zoe", "moodle", "4711"), Row("g", "Anna", "moodle", "4712")]
    template = write(tmp_path / "in.csv", text)
    report = exports.moodle(template, tmp_path / "out.csv", found, LAB, rows, settings or exports.Settings())
    return report, table(tmp_path / "out.csv")


def test_moodle_gets_its_worksheet_back_with_grades_alone_changed(tmp_path):
    _, rows = fill_moodle(tmp_path, made(Zoe=7.5, Anna=15.0, Away=None))
    before = list(csv.reader(io.StringIO(WORKSHEET)))
    assert [row[4] for row in rows] == ["Grade", "7.5", "15", ""]
    assert [row[:4] + row[5:] for row in rows] == [row[:4] + row[5:] for row in before]


def test_moodle_gets_the_locales_comma(tmp_path):
    _, rows = fill_moodle(tmp_path, made(Zoe=7.5, Anna=15.0, Away=None), exports.Settings(","))
    assert rows[1][4] == "7,5"


def test_grades_are_scaled_to_what_moodle_counts_to_and_one_above_is_said(tmp_path):
    text = WORKSHEET.replace("15.00", "100.00")
    report, rows = fill_moodle(tmp_path, made(Zoe=7.5, Anna=16.5, Away=None), text=text)
    assert [row[4] for row in rows] == ["Grade", "50", "110", ""]
    assert "above the maximum, which Moodle skips: Participant 4712" in report.remarks[1]


def test_canvas_takes_a_grade_above_the_maximum_and_nothing_else_is_said(tmp_path):
    report, rows = fill_canvas(tmp_path, made(Zoe=16.5, Anna=1.0, Away=None))
    assert rows[3][-1] == "33"
    assert report.remarks[1] == "1 are above the maximum: Müller, Zoë."


@pytest.mark.parametrize(
    ("possible", "most"),
    [
        ("1,000.00", 1000),
        ("1.000,00", 1000),
        ("1 000,5", 1000.5),
        ("1,000", 1000),
        ("30,0", 30),
        ("1.234.567", 1234567),
    ],
)
def test_the_points_that_canvas_counts_to_are_read_in_any_locale(tmp_path, possible, most):
    text = CANVAS.replace("Points Possible,,,,,10,30", f'Points Possible,,,,,10,"{possible}"')
    _, rows = fill_canvas(tmp_path, made(Zoe=7.5, Anna=15.0, Away=None), text=text)
    assert rows[4][-1] == f"{most:.10g}"


@pytest.mark.parametrize("possible", ["(read only)", "nan", "inf", "-5", "0"])
def test_what_is_no_number_of_points_scales_nothing(tmp_path, possible):
    text = CANVAS.replace("Points Possible,,,,,10,30", f"Points Possible,,,,,10,{possible}")
    report, rows = fill_canvas(tmp_path, made(Zoe=7.5, Anna=15.0, Away=None), text=text)
    assert (rows[3][-1], report.remarks) == ("7.5", ())


def test_absentees_are_found_by_address(tmp_path):
    _, rows = fill_moodle(tmp_path, made(Zoe=1.0, Anna=1.0, Away=None), exports.Settings(absent_zero=True))
    assert rows[3][4] == "0"


def test_another_table_is_no_worksheet(tmp_path):
    with pytest.raises(CourseError, match="not Moodle's grading worksheet: it has no column 'Last modified"):
        fill_moodle(tmp_path, made(Zoe=1.0, Anna=1.0, Away=None), text=CANVAS.replace("Homework (55)", "Grade"))
