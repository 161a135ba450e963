"""A package that is not installed where it is graded is named, and only where it is the reason."""

import pytest

from cli.__main__ import main
from grader.marking import absent
from grader.marking.judge import Result
from tests.grader.fixture_lab import NAME, RIGHT, released, save
from tests.grader.marking.graded import CONFINED, grade

ADVICE = "Use torch or numpy instead; a module of your own is handed in beside the notebook."


def stopped(error: str, status: str = "wrong") -> Result:
    return Result("entropy", 0.0, 3.0, status, f"entropy stops with {error}. Read it.", ("an exception: NameError",))


@pytest.mark.parametrize(
    ("source", "name", "used"),
    [
        ("import nowhere", "nowhere", "nowhere"),
        ("import torch, nowhere.special", "nowhere", "nowhere"),
        ("import nowhere.special as sp", "sp", "`sp` of nowhere"),
        ("x = 1\n    from nowhere.special import entr, softmax as soft  # both", "soft", "`soft` of nowhere"),
        ("from nowhere import (\n    entr,\n    softmax,\n)", "softmax", "`softmax` of nowhere"),
    ],
)
def test_a_name_that_an_import_would_have_given_leads_to_its_package(source, name, used):
    found = absent.explained(stopped(f"NameError: name '{name}' is not defined"), ["%pip install nowhere", source])
    assert found.message == f"Not yet: entropy uses {used}, which is not installed where it is graded. {ADVICE}"
    assert absent.lacking([found]) == {"nowhere"}


def test_an_import_inside_of_the_function_is_told_alike():
    found = absent.explained(stopped("ModuleNotFoundError: No module named 'nowhere.special'"), [])
    assert found.message.startswith("Not yet: entropy uses nowhere, which is not installed where it is graded.")


def test_a_function_that_never_came_about_keeps_its_own_reason():
    before = Result("entropy", 0.0, 3.0, "missing", "Cell 4 stopped (ModuleNotFoundError: No module named 'nowhere').")
    found = absent.explained(before, [])
    assert found.message == f"{before.message} nowhere is not installed where it is graded. {ADVICE}"
    assert absent.lacking([found]) == set()


@pytest.mark.parametrize(
    ("result", "source"),
    [
        (stopped("NameError: name 'softmax' is not defined"), "from torch import softmax"),  # it is here
        (stopped("NameError: name 'nowhere' is not defined"), "import torch"),  # nobody imports it
        (stopped("ValueError: name 'nowhere' is not defined"), "import nowhere"),
        (stopped("ModuleNotFoundError: No module named 'utils.attic'"), "import nowhere"),
        (Result("entropy", 3.0, 3.0, "ok", "Right."), "import nowhere"),
    ],
)
def test_where_a_package_is_not_the_reason_it_is_not_named(result, source):
    assert absent.explained(result, [source]) == result


def test_the_row_and_the_command_name_it(home, capsys):
    answer = "from nowhere.special import kl\n" + RIGHT["distillation_loss"].replace("):\n", "):\n    kl\n", 1)
    save(home / "submissions", "fay", released(RIGHT | {"distillation_loss": answer}))
    rows, _ = grade(home)
    row = rows["fay", "distillation_loss"]
    assert (row["status"], row["misconceptions"]) == ("wrong", "nowhere is not installed where it is graded")
    assert rows["fay", "train_step"]["status"] == "ok"
    sandbox = [] if CONFINED else ["--no-sandbox"]
    folders = ["--submissions", str(home / "submissions"), "--out", str(home / "out"), "--labs", str(home / "labs")]
    assert main(["grade", NAME, *folders, "--student", "fay", *sandbox]) == 0
    assert "1 uses packages that are not installed here: 'nowhere'." in capsys.readouterr().out
