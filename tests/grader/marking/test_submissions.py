"""Every student has files of their own, whatever the folder is called, and every file handed in is accounted for."""

import json
import os

import pytest

from grader.marking.holdings import other_lab
from grader.marking.matching import plan, read_release, with_modules
from grader.marking.submissions import Submission, find
from grader.notebook.notebooks import Cell, UnreadableError
from tests.grader.fixture_lab import NAME, RIGHT, SETUP, cell, honest, notebook, released, save, save_release, scaffold
from tests.privileges import as_an_ordinary_user
from utils.errors import CourseError


@pytest.fixture
def lab(tmp_path):
    return read_release(save_release(tmp_path / "labs"))


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
    assert len({submission.slug for submission in find(tmp_path / "submitted", lab).submissions}) == 2


@pytest.mark.parametrize(("one", "other"), [(b"n\xff", rb"n\xff"), (b"a\nb", rb"a\nb")])
def test_two_names_that_are_shown_alike_are_refused(lab, tmp_path, one, other):
    folder = tmp_path / "submitted"
    for name in (one, other):
        os.makedirs(os.path.join(os.fsencode(folder), name))
        with open(os.path.join(os.fsencode(folder), name, f"{NAME}.ipynb".encode()), "wb") as file:
            file.write(b"{}")
    with pytest.raises(CourseError, match=r"Two folders in .* Rename one of them"):
        find(folder, lab)


def picked(tmp_path, lab, files: dict[str, dict | str], others=()):
    """What is graded of a student who handed in these files. A text is no notebook's."""
    for name, content in files.items():
        path = tmp_path / "submitted" / "bob" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    (bob,) = find(tmp_path / "submitted", lab, others=others).submissions
    return bob


OTHER_NAMES = [
    f"{NAME} (1).ipynb", f"{NAME}-Copy1.ipynb", f"Copy of {NAME}.ipynb", f"Kopie von {NAME}.ipynb",
    f"doejane_12345_{NAME}-1.ipynb", "lab2_final_FINAL.ipynb", f"{NAME}.ipynb.txt", f"{NAME}.ipynb.json",
    f"{NAME}.IPYNB", f"Lab 2/{NAME}.ipynb", "a/b/c/Untitled.ipynb", f"{NAME}.json", f"{NAME}.txt", NAME,
]  # fmt: skip


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_the_only_file_that_holds_the_lab_s_cells_is_graded_and_it_is_said(lab, tmp_path, name):
    bob = picked(tmp_path, lab, {name: honest(), "notes.pdf": "%PDF"})
    assert bob.file == name and bob.cells()
    assert f"Graded: {name}, the only file that holds the lab's cells." in bob.notes
    assert "Also there: notes.pdf." in bob.notes


FULL = [f"{NAME}.ipynb", f"{NAME} (1).ipynb", f"{NAME}-Copy1.ipynb", f"new/{NAME}.ipynb"]
EMPTY = [f"{NAME}.ipynb", "A.ipynb", "z.ipynb"]


@pytest.mark.parametrize(("full", "empty"), [(full, empty) for full in FULL for empty in EMPTY if full != empty])
def test_of_two_notebooks_the_fuller_one_is_graded_and_it_is_said(lab, tmp_path, full, empty):
    half = released({"perplexity": RIGHT["perplexity"]})
    bob = picked(tmp_path, lab, {empty: released(), "half.ipynb": half, full: honest()})
    assert bob.file == full
    notes = " ".join(bob.notes)
    assert f"Graded: {full}, the fullest of 3 files (answers 4 of 4)." in notes
    assert f"Not graded: {empty} (answers 0)." in notes and "Not graded: half.ipynb (answers 1)." in notes


def test_a_commented_copy_of_the_scaffold_is_not_an_answer(lab, tmp_path):
    commented = {name: f"# my lab\n{scaffold(name)}" for name in RIGHT}
    files = {f"{NAME}.ipynb": released(commented), "x.ipynb": released({"perplexity": RIGHT["perplexity"]})}
    assert picked(tmp_path, lab, files).file == "x.ipynb"


def test_two_that_answer_as_much_are_said_to_and_two_alike_are_not(lab, tmp_path):
    other = released(RIGHT | {"perplexity": RIGHT["perplexity"] + "# mine"}, "Another essay.")
    bob = picked(tmp_path, lab, {f"{NAME}.ipynb": honest(), "b.ipynb": other})
    assert bob.file == f"{NAME}.ipynb" and "They answer as much: look which one counts." in bob.notes
    (tmp_path / "submitted" / "bob" / "b.ipynb").write_text(json.dumps(honest()))
    (bob,) = find(tmp_path / "submitted", lab).submissions
    assert bob.notes == (
        f"Graded: {NAME}.ipynb, the fullest of 2 files (answers 4 of 4).",
        "Not graded: b.ipynb (the same file).",
    )


def test_a_notebook_that_lies_alone_under_the_usual_name_needs_no_word(lab, tmp_path):
    assert picked(tmp_path, lab, {f"{NAME}.ipynb": honest()}).notes == ()


def test_what_a_computer_left_is_neither_graded_nor_mentioned(lab, tmp_path):
    left = ["__MACOSX/._x.ipynb", ".DS_Store", f"._{NAME}.ipynb", f".ipynb_checkpoints/{NAME}-checkpoint.ipynb"]
    bob = picked(tmp_path, lab, {f"{NAME}.ipynb": honest()} | dict.fromkeys(left, "x"))
    assert bob.file == f"{NAME}.ipynb" and bob.notes == ()


@pytest.fixture
def another(tmp_path):
    """A released lab of the same course: 01_other."""
    path = tmp_path / "labs" / "01_other" / "01_other.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook(ANOTHER)))
    return read_release(path)


ANOTHER = [
    cell("code", "def entropy(p):\n    raise NotImplementedError", "entropy", solution=True),
    cell("code", "check('entropy', entropy)", "check_entropy", grade=True, points=3),
    cell("markdown", "Write your answer here.", "written_other", grade=True, solution=True, points=2),
]


def test_another_lab_s_notebook_beside_it_is_no_rival(lab, another, tmp_path):
    files = {"01_other.ipynb": notebook(ANOTHER), "01_other/01_other.ipynb": notebook(ANOTHER)}
    bob = picked(tmp_path, lab, files | {f"{NAME}.ipynb": honest()}, [another])
    assert bob.file == f"{NAME}.ipynb" and bob.notes == ()


@pytest.mark.parametrize("name", ["01_other.ipynb", "my lab.ipynb"])
def test_only_another_lab_s_notebook_is_said_by_its_number(lab, another, tmp_path, name):
    bob = picked(tmp_path, lab, {name: notebook(ANOTHER)}, [another])
    assert (bob.path, bob.status) == (None, "missing")
    assert bob.problem == f"There is no notebook {NAME}.ipynb; there is {name} (Lab 1's notebook)."


def test_another_lab_is_known_without_its_metadata(lab, another):
    bare = tuple(Cell("code", source) for source in ("def entropy(p):\n    return 1", "print(2)"))
    assert other_lab(lab, [another], bare) is another
    assert other_lab(lab, [another], (Cell("code", "x = 1"), Cell("markdown", "Write your answer here."))) is None
    assert other_lab(lab, [another], (*bare, Cell("code", RIGHT["perplexity"]))) is None


NBCONVERT = """#!/usr/bin/env python
# coding: utf-8

# # A small lab

# In[1]:


{setup}

# In[ ]:


{loss}


# In[7]:


{check}


# ## A title
#\N{SPACE}
# and text

# Because it is the target.

# In[ ]:


x = 1
"""
VS_CODE = """# %%
{setup}
# %%
{loss}
# %%
{check}
# %% [markdown]
# Because it is the target.
# %%
x = 1
"""


@pytest.mark.parametrize("text", [NBCONVERT, VS_CODE], ids=["nbconvert", "VS Code"])
def test_a_script_exported_from_the_notebook_is_graded_where_there_is_no_notebook(lab, tmp_path, text):
    check = "check('distillation_loss', distillation_loss)"
    script = text.format(setup=SETUP, loss=RIGHT["distillation_loss"].strip(), check=check)
    bob = picked(tmp_path, lab, {"lab2.py": script})
    assert bob.notes == ("Graded: lab2.py, a script exported from the notebook; no notebook holds the lab's cells.",)
    cells = [(each.kind, each.source) for each in bob.cells()]
    assert ("code", RIGHT["distillation_loss"].strip()) in cells and ("code", check) in cells
    assert ("markdown", "Because it is the target.") in cells and cells[-1] == ("code", "x = 1")


def test_a_script_beside_the_notebook_is_only_mentioned(lab, tmp_path):
    bob = picked(tmp_path, lab, {f"{NAME}.ipynb": honest(), "lab.py": RIGHT["perplexity"]})
    assert bob.file == f"{NAME}.ipynb" and bob.notes == ("Also there: lab.py.",)


def test_a_notebook_that_cannot_be_read_says_why_under_any_name(lab, tmp_path):
    bob = picked(tmp_path, lab, {"doe_lab2.ipynb": "PK zip"})
    assert (bob.file, bob.status) == ("doe_lab2.ipynb", "unreadable")
    with pytest.raises(UnreadableError, match="JSON cannot be read"):
        bob.cells()


def test_files_beside_the_folders_belong_to_whom_their_names_say(lab, another, tmp_path):
    folder = tmp_path / "submitted"
    save(folder, "anna", released())
    for name in (f"bob_{NAME}.ipynb", f"anna_{NAME}.ipynb", f"Zoë Müller - {NAME} (1).ipynb", "carl.ipynb"):
        (folder / name).write_text(json.dumps(honest()))
    apart = ["roster.csv", ".DS_Store", "bob_01_other.ipynb"]
    for name in apart:
        (folder / name).write_text("x")
    for name in ("__MACOSX", ".ipynb_checkpoints", "empty", ".hidden"):
        (folder / name).mkdir()
    (folder / ".ipynb_checkpoints" / f"{NAME}-checkpoint.ipynb").write_text(json.dumps(honest()))
    found = find(folder, lab, others=[another])
    assert {each.student: each.file for each in found.submissions} == {
        "anna": f"anna_{NAME}.ipynb", "bob": f"bob_{NAME}.ipynb", "carl": "carl.ipynb", "empty": "",
        "Zoë Müller": f"Zoë Müller - {NAME} (1).ipynb",
    }  # fmt: skip
    assert sorted(found.apart) == sorted([*apart, "__MACOSX", ".ipynb_checkpoints", ".hidden"])


def test_a_folder_without_a_notebook_says_what_is_there(lab, tmp_path):
    folder = tmp_path / "submitted" / "bob"
    folder.mkdir(parents=True)
    (folder / "my lab.ipynb").write_text('{"cells": []}')
    (folder / "essay.docx").write_text("PK")
    (tmp_path / "submitted" / "eve").mkdir()
    bob, eve = find(tmp_path / "submitted", lab).submissions
    assert bob.problem == (
        f"There is no notebook {NAME}.ipynb; there is essay.docx, my lab.ipynb (holds none of the lab's cells)."
    )
    assert (bob.status, eve.status, eve.problem) == ("missing", "missing", f"There is no notebook {NAME}.ipynb.")


def test_what_may_not_be_read_costs_its_own_student_alone_and_says_why(lab, tmp_path):
    for student in ("anna", "bob", "carl", "dora"):
        save(tmp_path / "submitted", student, honest())
    (tmp_path / "submitted" / "anna" / "pictures").mkdir()
    closed = [tmp_path / "submitted" / "bob", tmp_path / "submitted" / "anna" / "pictures"]
    notebook = tmp_path / "submitted" / "carl" / f"{NAME}.ipynb"
    for path in (*closed, notebook):
        path.chmod(0)
    try:
        with as_an_ordinary_user():
            anna, bob, carl, dora = find(tmp_path / "submitted", lab).submissions
            with pytest.raises(UnreadableError, match=r"It cannot be opened \(Permission denied\)"):
                carl.cells()
            assert anna.cells() == dora.cells()
    finally:
        for path in closed:
            path.chmod(0o700)
    assert anna.notes == ("Also there: pictures.",)
    assert (bob.status, bob.problem) == ("unreadable", "The folder cannot be read (Permission denied).")


def test_where_only_jupyter_s_own_copy_is_left_it_is_named(lab, tmp_path):
    kept = f".ipynb_checkpoints/{NAME}-checkpoint.ipynb"
    bob = picked(tmp_path, lab, {kept: honest()})
    assert (bob.path, bob.status) == (None, "missing")
    assert bob.problem.startswith(f"There is no notebook {NAME}.ipynb. Jupyter has kept {kept}: is it the answer?")


def test_a_module_beside_the_notebook_is_handed_on_with_it(lab, tmp_path):
    files = {f"{NAME}.ipynb": honest(), "my_loss.py": "x = 1", "02_lab.py": "x = 2", "deeper/other.py": "x = 3"}
    bob = picked(tmp_path, lab, files)
    assert bob.modules() == {"my_loss.py": "x = 1"}
    made = with_modules(plan(lab, bob.cells()), bob.modules())
    assert made.steps[0].source == "%%writefile my_loss.py\nx = 1"


def test_a_module_that_is_a_link_or_no_text_is_left_out(lab, tmp_path):
    bob = picked(tmp_path, lab, {f"{NAME}.ipynb": honest(), "mine.py": "x = 1"})
    folder = bob.path.parent
    (folder / "linked.py").symlink_to(folder / "mine.py")
    (folder / "binary.py").write_bytes(b"\xff\xfe\xfa")
    (bob,) = find(tmp_path / "submitted", lab).submissions
    assert bob.modules() == {"mine.py": "x = 1"}
