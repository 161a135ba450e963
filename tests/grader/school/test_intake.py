"""Nothing of a download is lost: every file is somewhere, and every student of it has a folder that `grade` reads."""

import json
import zipfile

import pytest

from grader.marking.matching import read_release
from grader.marking.submissions import find
from grader.school import intake, roster
from tests.grader.fixture_lab import save_release
from tests.grader.school.school import (
    CANVAS,
    CANVAS_FILES,
    LAB,
    MOODLE_FILES,
    NOTEBOOK,
    WORKSHEET,
    folders,
    take_in,
    write,
    zipped,
)  # fmt: skip
from utils.errors import CourseError

NAMED = {"Muller_Zoe_30211": [f"{LAB}.ipynb"], "ONeil_Anna_Lena_30212": [f"{LAB}.ipynb"]}


@pytest.fixture
def canvas_list(tmp_path):
    return write(tmp_path / "canvas.csv", CANVAS)


def test_canvas_zip_becomes_folders_that_grade_reads(tmp_path, canvas_list):
    summary = take_in(tmp_path / "class", zipped(tmp_path / "in.zip", *CANVAS_FILES), canvas_list)
    assert folders(tmp_path / "class") == NAMED
    assert [student.name for student in summary.absent] == ["Person, Absent"]
    assert not summary.strangers and not summary.unmatched and not summary.remarks
    late, punctual = summary.rows
    assert (late.late, late.id, late.attachment) == ("LATE", "30211", "998877")
    assert not punctual.late
    lab = read_release(save_release(tmp_path / "labs"))
    found = find(tmp_path / "class" / "submitted", lab).submissions
    assert [each.content() for each in found] == [NOTEBOOK, NOTEBOOK]
    assert [each.slug for each in found] == list(NAMED)


def test_an_unpacked_folder_is_the_same(tmp_path, canvas_list):
    with zipfile.ZipFile(zipped(tmp_path / "in.zip", *CANVAS_FILES)) as archive:
        archive.extractall(tmp_path / "in")
    take_in(tmp_path / "class", tmp_path / "in", canvas_list)
    assert folders(tmp_path / "class") == NAMED


@pytest.mark.parametrize("flat", [True, False])
def test_moodles_download_brings_times_from_the_worksheet(tmp_path, flat):
    from grader.school.times import zone_called

    names = [name.replace("_/", "_") for name in MOODLE_FILES] if flat else MOODLE_FILES
    sheet = write(tmp_path / "sheet.csv", WORKSHEET)
    home = tmp_path / "class"
    summary = take_in(home, zipped(tmp_path / "in.zip", *names), sheet, zone=zone_called("Europe/Berlin"))
    assert summary.rows[0].submitted == "2025-05-16T15:05:00+02:00"
    assert set(folders(home)) == {"Zoe_Muller_4711", "Anna_Lena_ONeil_4712"}
    stamp = home / "submitted" / "Zoe_Muller_4711" / LAB / "timestamp.txt"
    assert stamp.read_text() == "2025-05-16 13:05:00 UTC\n"


def test_the_next_labs_numbers_are_others_and_the_folders_the_same(tmp_path):
    take_in(tmp_path / "class", zipped(tmp_path / "1.zip", *MOODLE_FILES), write(tmp_path / "1.csv", WORKSHEET))
    numbers = str.maketrans({"7": "8"})
    files = [name.replace("_471", "_481") for name in MOODLE_FILES]
    sheet = write(tmp_path / "2.csv", WORKSHEET.replace("Participant 471", "Participant 481"))
    settings = intake.Settings("03_next", tmp_path / "class", (sheet,))
    summary = intake.run(zipped(tmp_path / "2.zip", *(name.translate(numbers) for name in files)), settings)
    assert {row.folder for row in summary.rows} == {"Zoe_Muller_4711", "Anna_Lena_ONeil_4712"}
    assert len(roster.load(tmp_path / "class").students) == 3


def test_whoever_is_on_no_list_gets_a_folder_and_is_said(tmp_path, canvas_list):
    archive = zipped(tmp_path / "in.zip", *CANVAS_FILES, f"newcomer_40000_5_{LAB}.ipynb")
    summary = take_in(tmp_path / "class", archive, canvas_list)
    assert [student.folder for student in summary.strangers] == ["newcomer_40000"]
    assert "newcomer_40000" in folders(tmp_path / "class")
    assert "newcomer" in summary.remarks[0]
    later = write(tmp_path / "later.csv", CANVAS + '"Comer, New",40000,s9,new,A,,,\n')
    assert not take_in(tmp_path / "class", archive, later).strangers
    assert "newcomer_40000" in folders(tmp_path / "class")


def test_two_of_one_name_are_told_apart_by_number_and_never_merged(tmp_path):
    sheet = WORKSHEET + '"Participant 4714","Zoë Müller",zoe2@x.org,Submitted,,15.00,Yes,-,-,\n'
    second = MOODLE_FILES[0].replace("4711", "4714")
    archive = zipped(tmp_path / "in.zip", *MOODLE_FILES, second)
    take_in(tmp_path / "known", archive, write(tmp_path / "sheet.csv", sheet))
    assert {"Zoe_Muller_4711", "Zoe_Muller_4714"} <= set(folders(tmp_path / "known"))
    plain = write(tmp_path / "plain.csv", "id,name\n1,Zoë Müller\n2,Anna-Lena O'Neil\n")
    summary = take_in(tmp_path / "unknown", archive, plain)
    assert {"Zoe_Muller_4711", "Zoe_Muller_4714", "Anna_Lena_ONeil_2"} == set(folders(tmp_path / "unknown"))
    assert [student.number for student in summary.strangers] == ["4711", "4714"]


def test_a_file_that_finds_its_student_later_is_not_kept_twice(tmp_path, canvas_list):
    home, archive = tmp_path / "class", zipped(tmp_path / "in.zip", *CANVAS_FILES)
    take_in(home, archive, write(tmp_path / "plain.csv", "id,name\n7,Zoë Müller\n8,Li Wei\n9,Zoë Müller\n"))
    assert set(folders(home)) == {"mullerzoe_30211", "oneilannalena_30212"}
    (home / roster.FILE).unlink()
    take_in(home, archive, canvas_list)
    assert folders(home) == NAMED


def test_a_number_whose_name_is_another_is_not_believed(tmp_path):
    files = [f"Group 7_4711_assignsubmission_file/{LAB}.ipynb"]
    summary = take_in(tmp_path / "class", zipped(tmp_path / "in.zip", *files), write(tmp_path / "s.csv", WORKSHEET))
    assert [student.name for student in summary.strangers] == ["Group 7"]
    assert "'Zoë Müller' on the roster" in summary.remarks[0]


def test_moodles_anonymous_download_goes_by_number(tmp_path):
    files = [f"Participant_4711_assignsubmission_file/{LAB}.ipynb"]
    summary = take_in(tmp_path / "class", zipped(tmp_path / "in.zip", *files), write(tmp_path / "s.csv", WORKSHEET))
    assert summary.rows[0].folder == "Zoe_Muller_4711"


def test_a_file_that_says_nothing_is_kept_apart(tmp_path):
    summary = take_in(tmp_path / "class", zipped(tmp_path / "in.zip", *CANVAS_FILES, f"bob_{LAB}.ipynb", "notes.txt"))
    assert summary.unmatched == (f"bob_{LAB}.ipynb", "notes.txt")
    assert sorted(path.name for path in (tmp_path / "class" / "unmatched" / LAB).iterdir()) == sorted(summary.unmatched)


def test_of_two_notebooks_on_canvas_the_later_is_graded_and_both_are_kept(tmp_path):
    files = [f"ann_1_20_{LAB}-1.ipynb", f"ann_1_9_{LAB}.ipynb", "ann_1_21_notes.pdf"]
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for number, name in enumerate(files):
            archive.writestr(name, f"{number}")
    take_in(tmp_path / "class", tmp_path / "in.zip")
    folder = tmp_path / "class" / "submitted" / "ann_1" / LAB
    kept = {path.name: path.read_text() for path in folder.iterdir()}
    assert kept == {f"{LAB}.ipynb": "0", f"{LAB}-2.ipynb": "1", "notes.pdf": "2"}


def test_a_wrong_lab_is_not_renamed_into_the_right_one(tmp_path):
    take_in(tmp_path / "class", zipped(tmp_path / "in.zip", "ann_1_20_03_other.ipynb"))
    assert folders(tmp_path / "class") == {"ann_1": ["03_other.ipynb"]}


def test_a_second_download_replaces_its_students_and_keeps_the_others(tmp_path, canvas_list):
    home = tmp_path / "class"
    take_in(home, zipped(tmp_path / "1.zip", *CANVAS_FILES, f"bob_{LAB}.ipynb"), canvas_list)
    again = f"mullerzoe_30211_999999_{LAB}-2.ipynb"
    summary = take_in(home, zipped(tmp_path / "2.zip", again, content=b"new"))
    assert folders(home) == NAMED
    assert (home / "submitted" / "Muller_Zoe_30211" / LAB / f"{LAB}.ipynb").read_bytes() == b"new"
    rows = intake.read_rows(home, LAB)
    assert {row.file for row in rows} == {again, CANVAS_FILES[1], f"bob_{LAB}.ipynb"}
    assert [student.name for student in summary.absent] == ["Person, Absent"]
    assert (home / "unmatched" / LAB / f"bob_{LAB}.ipynb").exists()


def test_a_list_that_is_refused_changes_nothing(tmp_path, canvas_list):
    home = tmp_path / "class"
    take_in(home, zipped(tmp_path / "1.zip", *CANVAS_FILES), canvas_list)
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    sheet = write(tmp_path / "sheet.csv", WORKSHEET.replace("Friday, 16 May 2025, 3:05 PM", "the day after"))
    with pytest.raises(CourseError, match="'the day after' of Zoë Müller is not understood"):
        take_in(home, zipped(tmp_path / "2.zip", *MOODLE_FILES), sheet)
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_folders_of_nbgraders_exchange_bring_their_time(tmp_path):
    (tmp_path / "submitted" / "zoe" / LAB).mkdir(parents=True)
    (tmp_path / "submitted" / "zoe" / LAB / f"{LAB}.ipynb").write_bytes(NOTEBOOK)
    (tmp_path / "submitted" / "zoe" / LAB / "timestamp.txt").write_text("2025-05-14 12:00:00.123456 UTC")
    summary = take_in(tmp_path / "class", tmp_path / "submitted", write(tmp_path / "c.csv", CANVAS))
    assert {row.folder for row in summary.rows} == {"Muller_Zoe_30211"}
    assert {row.time_from for row in summary.rows} == {"nbgrader"}
    assert summary.rows[0].submitted.startswith("2025-05-14T12:00:00")


def test_anonymous_folders_say_nothing_and_stay(tmp_path, canvas_list):
    archive = zipped(tmp_path / "in.zip", *CANVAS_FILES)
    take_in(tmp_path / "class", archive, canvas_list, anonymous=True)
    first = set(folders(tmp_path / "class"))
    assert all(name.startswith("student_") for name in first) and len(first) == 2
    take_in(tmp_path / "class", archive, anonymous=True)
    assert set(folders(tmp_path / "class")) == first


def test_a_hostile_name_is_a_plain_one_here(tmp_path):
    name = "ann_1_20_;rm -rf $(x)`\n<b>.ipynb"
    take_in(tmp_path / "class", zipped(tmp_path / "in.zip", name))
    ((kept,),) = folders(tmp_path / "class").values()
    assert kept == "_rm -rf _(x)___b_.ipynb"
    assert [row.file for row in intake.read_rows(tmp_path / "class", LAB)] == [name.replace("\n", "\\n")]


def test_the_notebook_is_copied_byte_for_byte(tmp_path):
    take_in(tmp_path / "class", zipped(tmp_path / "in.zip", CANVAS_FILES[0]))
    (path,) = (tmp_path / "class").glob(f"submitted/*/{LAB}/{LAB}.ipynb")
    assert json.loads(path.read_bytes()) == json.loads(NOTEBOOK) and path.read_bytes() == NOTEBOOK
