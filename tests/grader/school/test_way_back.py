"""From a download to grades and feedback that the same system takes back, with the course's own commands."""

import re
import zipfile

import pytest
from nbgrader.api import Gradebook

from cli.__main__ import main
from grader.marking import assignment, feedback, gradebook, results
from grader.marking.journal import Entry
from grader.marking.judge import Result
from grader.marking.matching import read_release
from grader.marking.submissions import find
from tests.grader.fixture_lab import save_release
from tests.grader.marking.graded import CONFINED
from tests.grader.school.school import CANVAS, CANVAS_FILES, LAB, MOODLE_FILES, WORKSHEET, write, zipped

LATE = """
timezone = "Europe/Berlin"
[deadlines]
02 = 2025-05-14T23:59:00
[rule]
percent = 10
"""
POINTS = 10.0


class Term:
    """A class on disk, graded without a sandbox's minutes: `publish` is what `grade` writes for people."""

    def __init__(self, tmp_path, text, files):
        self.home, self.out, self.labs = tmp_path / "class", tmp_path / "graded", tmp_path / "labs"
        self.list = write(tmp_path / "list.csv", text)
        self.lab = read_release(save_release(self.labs))
        self.run("intake", "02", zipped(tmp_path / "in.zip", *files), "--roster", self.list, "--labs", self.labs,
                 "--timezone", "Europe/Berlin")  # fmt: skip
        self.grade()

    def run(self, verb, *arguments):
        assert main([verb, *map(str, (*arguments, "--class", self.home))]) == 0

    def grade(self):
        entries = []
        self.out.mkdir()
        with gradebook.opened(str(self.out / "gradebook.db")) as book:
            assignment.enter(book, self.lab)
            for each in find(self.home / "submitted", self.lab).submissions:
                rows = tuple(Result(task.name, POINTS, POINTS, "ok", "Right.") for task in self.lab.tasks)
                entries.append(Entry(each.student, self.lab.name, "", 0.0, rows, ()))
                gradebook.record(book, self.lab, each.student, rows)
        results.write(self.out / "results.csv", entries)
        for entry in entries:
            feedback.write(self.out / "feedback" / entry.student / f"{LAB}.html", self.lab, entry, {})

    def handed_back(self):
        self.run("handback", "02", "--out", self.out)
        with zipfile.ZipFile(self.out / f"feedback_{LAB}.zip") as archive:
            return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.fixture
def canvas(tmp_path):
    return Term(tmp_path, CANVAS, CANVAS_FILES)


@pytest.fixture
def moodle(tmp_path):
    return Term(tmp_path, WORKSHEET, MOODLE_FILES)


def test_canvas_reads_user_and_attachment_from_every_name_of_the_zip(canvas):
    files = canvas.handed_back()
    assert set(files) == set(CANVAS_FILES)
    for name in files:  # as infer_comment_context_from_filename does
        parts = [part for part in name.split("_") if part != "LATE"]
        assert [part for part in parts if re.fullmatch(r"\d+", part)][:2] in (["30211", "998877"], ["30212", "998878"])


def test_canvas_gets_a_notebook_because_it_keeps_the_name(canvas):
    import nbformat

    notebook = nbformat.reads(canvas.handed_back()[CANVAS_FILES[0]], as_version=4)
    nbformat.validate(notebook)
    (cell,) = notebook.cells
    assert "Muller_Zoe_30211" in cell.source and "<style" not in cell.source


def test_moodle_finds_the_participant_in_every_name_of_the_zip(moodle):
    files = moodle.handed_back()
    for name in files:  # as is_valid_filename_for_import does
        parts = name.split("/")[0].split("_", 4)
        assert parts[1] in ("4711", "4712") and parts[2:4] == ["assignsubmission", "file"]
    assert [name.split("/")[1] for name in files] == [f"feedback_{LAB}.html"] * 2


def test_lateness_is_on_the_page_in_the_grades_and_in_nbgraders_gradebook(moodle):
    write(moodle.home / "late.toml", LATE)
    pages = moodle.handed_back()
    zoe, anna = (pages[name.replace(f"{LAB}.ipynb", f"feedback_{LAB}.html")] for name in MOODLE_FILES)
    whole = POINTS * len(moodle.lab.tasks)
    assert f"1 day and 15 hours after the deadline; {whole / 5:g} points are taken off." in zoe
    assert "after the deadline" not in anna
    moodle.run("grades", "--out", moodle.out)
    assert "Zoë Müller" in (moodle.out / "grades.csv").read_text(encoding="utf-8")
    with Gradebook(f"sqlite:///{moodle.out / 'gradebook.db'}") as book:
        found = {each.student.id: each for each in book.assignments[0].submissions}
        assert found["Zoe_Muller_4711"].late_submission_penalty == whole / 5
        assert found["Zoe_Muller_4711"].total_seconds_late == pytest.approx(39.1 * 3600, abs=60)
        assert found["Anna_Lena_ONeil_4712"].late_submission_penalty == 0
        assert book.find_student("Zoe_Muller_4711").email == "zoe@x.org"


def test_a_page_says_it_once_and_takes_it_back(moodle):
    write(moodle.home / "late.toml", LATE)
    moodle.handed_back()
    page = moodle.out / "feedback" / "Zoe_Muller_4711" / f"{LAB}.html"
    assert moodle.handed_back() and page.read_text().count("after the deadline") == 1
    write(moodle.home / "late.toml", LATE.replace("05-14", "05-30"))
    assert moodle.handed_back() and "after the deadline" not in page.read_text()


def graded_for_real(term, *options) -> str:
    """The late student's page after `grade` has run on what was taken in."""
    sandbox = [] if CONFINED else ["--no-sandbox"]
    folders = ["--submissions", str(term.home / "submitted"), "--out", str(term.out), "--labs", str(term.labs)]
    assert main(["grade", "02", *folders, *sandbox, *options]) == 0
    return (term.out / "feedback" / "Zoe_Muller_4711" / f"{LAB}.html").read_text(encoding="utf-8")


def test_grading_again_keeps_the_note_and_counts_the_penalty_of_what_is_earned_now(moodle, capsys):
    write(moodle.home / "late.toml", LATE)
    assert "after the deadline" not in graded_for_real(moodle)  # nobody has said what class this is
    moodle.run("grades", "--out", moodle.out)
    with Gradebook(f"sqlite:///{moodle.out / 'gradebook.db'}") as book:
        notebook = book.find_submission_notebook(LAB, LAB, "Zoe_Muller_4711")
        essay = next(grade for grade in notebook.grades if grade.name.startswith("written"))
        essay.manual_score, essay.needs_manual_grade = 5.0, False
        book.db.commit()
        before = notebook.late_submission_penalty
    page = graded_for_real(moodle, "--again")
    assert page.count("after the deadline") == 1 and f"{before + 1:g} points are taken off." in page
    assert "Late work: 1 page says it" in capsys.readouterr().out
    with Gradebook(f"sqlite:///{moodle.out / 'gradebook.db'}") as book:
        notebook = book.find_submission_notebook(LAB, LAB, "Zoe_Muller_4711")
        assert notebook.late_submission_penalty == before + 1
    (moodle.home / "late.toml").write_text("[deadlines\n")
    assert "after the deadline" not in graded_for_real(moodle)
    assert "Late work is not counted on the pages: " in capsys.readouterr().out


def test_canvas_export_is_filled(canvas, tmp_path):
    canvas.run("grades", "--out", canvas.out, "--canvas", write(tmp_path / "export.csv", CANVAS))
    assert "Lab 2 (1234)" in (canvas.out / "canvas.csv").read_text(encoding="utf-8")


def test_moodles_worksheet_is_filled(moodle, capsys):
    moodle.run("grades", "--out", moodle.out, "--moodle", f"02={moodle.list}", "--decimal-comma")
    assert "2 grades filled in" in capsys.readouterr().out
    assert (moodle.out / f"moodle_{LAB}.csv").read_text(encoding="utf-8").startswith("Identifier,Full name")


def test_extra_credit_of_formgrader_is_in_the_grades(canvas):
    with Gradebook(f"sqlite:///{canvas.out / 'gradebook.db'}") as book:
        notebook = book.find_submission_notebook(LAB, LAB, "Muller_Zoe_30211")
        notebook.grades[0].extra_credit = 3.0
        book.db.commit()
    canvas.run("grades", "--out", canvas.out)
    (row,) = [line for line in (canvas.out / "grades.csv").read_text().splitlines() if line.startswith("Muller_Zoe")]
    assert f",{POINTS * len(canvas.lab.tasks) + 3:g}," in row


def test_nothing_to_hand_back_is_said(canvas, capsys):
    import shutil

    shutil.rmtree(canvas.out / "feedback")
    assert main(["handback", "02", "--class", str(canvas.home), "--out", str(canvas.out)]) == 1
    assert "no feedback for 02_small_lab" in capsys.readouterr().err


def test_grades_without_a_class_or_a_grading_say_what_to_do(tmp_path, canvas, capsys):
    assert main(["grades", "--class", str(tmp_path / "none"), "--out", str(canvas.out)]) == 1
    assert "run `course.py intake` first" in capsys.readouterr().err
    assert main(["grades", "--class", str(canvas.home), "--out", str(tmp_path / "none")]) == 1
    assert "grade first" in capsys.readouterr().err


def test_anonymous_folders_keep_names_out_of_the_gradebook(tmp_path):
    from grader.school import in_gradebook
    from grader.school.grades import Grade
    from grader.school.roster import Student

    student = Student("1", "Müller, Zoë", folder="student_0123456789")
    with gradebook.opened(str(tmp_path / "gradebook.db")) as book:
        book.add_student(student.folder)
        in_gradebook.record(book, [Grade(student, {})])
        assert not book.find_student(student.folder).last_name
