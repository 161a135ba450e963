"""Every student has files of their own, whatever the folder is called."""

import os

import pytest

from grader.marking.matching import release
from grader.marking.submissions import Submission, find
from tests.grader.fixture_lab import NAME, honest, save, save_release
from utils.errors import CourseError


@pytest.fixture
def lab(tmp_path):
    return release(save_release(tmp_path / "labs"))


@pytest.mark.parametrize("name", ["anna", "Anna.B_2@x.example", "anna-12", "a" * 100])
def test_a_plain_name_is_its_own(name):
    assert Submission(name, None).slug == name


@pytest.mark.parametrize("name", ["X Y", "a.", "Zoë", "a" * 101, "anna-0123456789ab"])
def test_another_name_gets_a_safe_one_that_no_folder_can_take(name):
    made = Submission(name, None).slug
    assert made != name and Submission(made, None).slug not in (made, name)


def test_a_folder_named_as_another_students_files_takes_nothing_from_him(lab, tmp_path):
    names = ["X Y", Submission("X Y", None).slug]
    for name in names:
        save(tmp_path / "submitted", name, honest())
    assert len({submission.slug for submission in find(tmp_path / "submitted", lab)}) == 2


@pytest.mark.parametrize(("one", "other"), [(b"n\xff", rb"n\xff"), (b"a\nb", rb"a\nb")])
def test_two_names_that_are_shown_alike_are_refused(lab, tmp_path, one, other):
    folder = tmp_path / "submitted"
    for name in (one, other):
        os.makedirs(os.path.join(os.fsencode(folder), name))
        with open(os.path.join(os.fsencode(folder), name, f"{NAME}.ipynb".encode()), "wb") as file:
            file.write(b"{}")
    with pytest.raises(CourseError, match=r"Two folders in .* Rename one of them"):
        find(folder, lab)


def test_a_notebook_of_another_name_is_named(lab, tmp_path):
    folder = tmp_path / "submitted" / "bob"
    folder.mkdir(parents=True)
    (folder / "my lab.ipynb").write_text("{}")
    (tmp_path / "submitted" / "eve").mkdir()
    bob, eve = find(tmp_path / "submitted", lab)
    assert bob.problem == f"There is no notebook {NAME}.ipynb; there is my lab.ipynb." and not eve.problem
