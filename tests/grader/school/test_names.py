"""A file's owner is read from its name as Canvas and Moodle write it; a name is the same however it is spelled."""

from pathlib import PurePosixPath

import pytest

from grader.school.names import Owner, ascii_name, is_of_lab, name_keys, owner

LAB = "02_distill_a_student"
FILE = f"{LAB}.ipynb"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"mullerzoe_30211_998877_{FILE}", Owner("canvas", "30211", "mullerzoe", FILE, "998877")),
        (f"mullerzoe_LATE_30211_998877_{FILE}", Owner("canvas", "30211", "mullerzoe", FILE, "998877", True)),
        (f"anon_k3X9a_998877_{FILE}", Owner("canvas", "k3X9a", "", FILE, "998877")),
        (f"LATE_anon_k3X9a_998877_{FILE}", Owner("canvas", "k3X9a", "", FILE, "998877", True)),
        ("mullerzoe_30211_text.html", Owner("canvas", "30211", "mullerzoe", "text.html")),
        (f"a_b_1_2_{FILE}", Owner("canvas", "1", "a_b", FILE, "2")),
        (f"Zoë Müller_4711_assignsubmission_file_{FILE}", Owner("moodle", "4711", "Zoë Müller", FILE)),
        (f"Zoë Müller_4711_assignsubmission_file_/{FILE}", Owner("moodle", "4711", "Zoë Müller", FILE)),
        (f"Zoë Müller_4711_assignsubmission_file/{FILE}", Owner("moodle", "4711", "Zoë Müller", FILE)),
        (f"lab 2/Zoë Müller_4711_assignsubmission_file/sub/{FILE}", Owner("moodle", "4711", "Zoë Müller", FILE)),
        (f"zoe/{LAB}/{FILE}", Owner("folder", "zoe", "zoe", FILE)),
    ],
)
def test_a_files_owner_is_read_from_its_name(path, expected):
    found = owner(PurePosixPath(path))
    assert Owner(found.system, found.id, found.name, found.file, found.attachment, found.late) == expected


def test_a_file_for_the_same_student_keeps_the_systems_prefix():
    folder = "Zoë Müller_4711_assignsubmission_file_"
    assert owner(PurePosixPath(f"{folder}/{FILE}")).prefix == f"{folder}/"
    assert owner(PurePosixPath(f"{folder}{FILE}")).prefix == folder


def test_a_name_that_says_nothing_has_no_owner():
    assert owner(PurePosixPath(f"bob_{FILE}")) is None
    assert owner(PurePosixPath(FILE)) is None


@pytest.mark.parametrize(
    "name", [FILE, f"{LAB}-1.ipynb", f"{LAB}-Copy1.ipynb", f"Copy of {FILE}", f"{LAB} (2).ipynb", f"{LAB}-1-2.ipynb"]
)
def test_copies_of_a_lab_are_of_the_lab(name):
    assert is_of_lab(name, LAB)


@pytest.mark.parametrize("name", ["03_other.ipynb", f"{LAB}_old.ipynb", f"{LAB}.py", "essay.pdf"])
def test_other_files_are_not(name):
    assert not is_of_lab(name, LAB)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller, Zoë", "Zoë Müller"),
        ("Müller, Zoë", "mullerzoe"),
        ("Zoë Müller", "müllerzoë"),
        ("Mueller Zoe", "Zoë Müller"),
        ("Anna-Lena O'Neil", "oneilannalena"),
        ("von der Leyen, Anna Maria", "Anna Maria von der Leyen"),
        ("Zoë Müller", "Zoe\u0308 Mu\u0308ller"),
    ],
)
def test_one_name_in_two_spellings_is_the_same(one, other):
    assert name_keys(one) & name_keys(other)


@pytest.mark.parametrize(("one", "other"), [("Zoë Müller", "Zoë Möller"), ("Anna Maria Li", "Anna Li"), ("", "")])
def test_other_names_are_not(one, other):
    assert not name_keys(one) & name_keys(other)


def test_a_name_becomes_plain_letters():
    assert ascii_name("Müller, Zoë") == "Muller_Zoe"
    assert ascii_name("李雷") == ""
