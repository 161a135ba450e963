"""A class is read from each list that a school has, and from several of them at once, without mixing two people up."""

import pytest

from grader.school import roster
from tests.grader.school.school import CANVAS, WORKSHEET, write
from utils.errors import CourseError

PLAIN = 'id,name,email\n998,"Müller, Zoë",zoe@x.org\n997,Anna-Lena O\'Neil,anna@x.org\n'


def known(tmp_path, *lists):
    found = roster.Roster()
    for number, text in enumerate(lists):
        found.add_list(write(tmp_path / f"{number}.csv", text))
    return found.students


def test_canvas_export_has_students_and_no_other_rows(tmp_path):
    students = known(tmp_path, CANVAS)
    assert [student.name for student in students] == ["Müller, Zoë", "O'Neil, Anna-Lena", "Person, Absent"]
    assert [student.canvas for student in students] == ["30211", "30212", "30213"]
    assert students[0].login == "zoe"


def test_moodles_worksheet_has_numbers_and_times(tmp_path):
    zoe, anna, absent = known(tmp_path, WORKSHEET)
    assert (zoe.number, zoe.name, zoe.email) == ("4711", "Zoë Müller", "zoe@x.org")
    assert zoe.submitted == "Friday, 16 May 2025, 3:05 PM"
    assert (anna.number, absent.submitted) == ("4712", "")


def test_moodles_worksheet_in_german_is_read(tmp_path):
    text = 'ID,"Vollständiger Name","E-Mail-Adresse"\n"Teilnehmer/in4711","Zoë Müller",zoe@x.org\n'
    (zoe,) = known(tmp_path, text)
    assert (zoe.number, zoe.id, zoe.name) == ("4711", "", "Zoë Müller")


def test_moodles_participants_need_no_id(tmp_path):
    (zoe,) = known(tmp_path, '"First name","Last name","Email address"\nZoë,Müller,zoe@x.org\n')
    assert (zoe.name, zoe.id) == ("Müller, Zoë", "")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_plain_list_is_read_as_a_spreadsheet_saves_it(tmp_path, encoding):
    path = tmp_path / "class.csv"
    path.write_bytes(PLAIN.replace(",", ";").replace("Müller;", "Müller,").encode(encoding))
    assert [student.name for student in roster.read_list(path)] == ["Müller, Zoë", "Anna-Lena O'Neil"]


def test_several_lists_add_up(tmp_path):
    zoe, anna, absent = known(tmp_path, PLAIN, CANVAS, WORKSHEET)
    assert (zoe.id, zoe.canvas, zoe.number, zoe.email) == ("998", "30211", "4711", "zoe@x.org")
    assert (anna.id, anna.canvas, anna.number) == ("997", "30212", "4712")
    assert absent.id == "30213"


def test_two_students_of_one_name_stay_two(tmp_path):
    both = "id,name,email\n1,Li Wei,a@x.org\n2,Li Wei,b@x.org\n"
    first, second = known(tmp_path, both)
    assert first.folder == "Li_Wei_1"
    assert second.folder == "Li_Wei_2"
    addresses = '"Full name","Email address",Identifier\n"Li Wei",b@x.org,"Participant 9"\n'
    assert [student.number for student in known(tmp_path, both, addresses)] == ["", "9"]


def test_a_list_that_cannot_tell_two_of_one_name_apart_is_refused(tmp_path):
    both = "id,name\n1,Li Wei\n2,Li Wei\n"
    with pytest.raises(CourseError, match="Several students are called 'Li Wei'"):
        known(tmp_path, both, "name,section\nLi Wei,A\n")
    with pytest.raises(CourseError, match="Several students are called 'Li Wei'"):
        known(tmp_path, "id,name\n1,Li Wei\n", "name,section\nLi Wei,A\nLi Wei,B\n")


def test_one_id_for_two_students_is_refused(tmp_path):
    with pytest.raises(CourseError, match="two students with the same id, '1': Ann and Bob"):
        known(tmp_path, "id,name\n1,Ann\n1,Bob\n")


@pytest.mark.parametrize("text", ["", "one column\nx\n", "a,b\n1,2\n"])
def test_what_is_no_list_is_said(tmp_path, text):
    with pytest.raises(CourseError, match=r"header of several columns|no column of names"):
        known(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nid;name;email\n998;Zoë Müller;zoe@x.org\n",
        "\r\n\nid,name,email\n998,Zoë Müller,zoe@x.org\n",
        "Student ID,Student Name,Email\n998,Zoë Müller,zoe@x.org\n , ,\n",
        "Student ID,Given name,Family name,Email\n998,Zoë,Müller,zoe@x.org\n",
    ],
)
def test_a_list_as_another_program_saves_it_is_read(tmp_path, text):
    (student,) = known(tmp_path, text)
    assert (student.id, student.email) == ("998", "zoe@x.org")
    assert student.name in ("Zoë Müller", "Müller, Zoë")


def test_a_spreadsheet_is_not_taken_for_a_csv(tmp_path):
    path = tmp_path / "class.xlsx"
    path.write_bytes(b"PK\x03\x04\x14\x00,;\n")
    with pytest.raises(CourseError, match="save it as CSV"):
        roster.read_list(path)


def test_a_kept_class_reads_back_as_it_was(tmp_path):
    made = roster.Roster()
    made.add_list(write(tmp_path / "list.csv", 'id,name,email\n1,"=HYPERLINK(1)",a@x.org\n2,\'t Hooft,b@x.org\n'))
    roster.save(tmp_path, made)
    assert "\n=HY" not in (tmp_path / roster.FILE).read_text() and ",=HY" not in (tmp_path / roster.FILE).read_text()
    assert sorted(roster.load(tmp_path).students, key=lambda student: student.id) == made.students
