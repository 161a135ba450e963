"""What is graded again keeps the marks that somebody gave by hand for the same answer, and no other."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from grader.marking import batch
from grader.marking.matching import read_release
from grader.sandbox import importable
from tests.grader.fixture_lab import NAME, RIGHT, WRITTEN, honest, released, save
from tests.grader.marking.graded import SHARED, WRONG, grade, gradebook, hand_in, mark, page_of, seen, settings_of


def test_a_mark_counts_for_the_answer_it_was_given_for_alone(home, capsys):
    """A later answer waits for another look; until then the machine's score counts, or none."""
    only = {"students": ("bob",)}
    hand_in(home, "bob", released({"perplexity": RIGHT["perplexity"], "distillation_loss": WRONG}, "Old essay."))
    grade(home, **only)
    mark(home, "bob", check_distillation_loss=2.0, **{WRITTEN: 4.0})
    rows, _ = grade(home, **only)
    assert seen(rows["bob", "distillation_loss"]) == ("2", "partial") and seen(rows["bob", WRITTEN]) == ("4", "partial")

    hand_in(home, "bob", released(RIGHT, "New essay."))
    rows, _ = grade(home, **only)
    assert seen(rows["bob", "distillation_loss"]) == ("4", "stale")
    assert "marked 2 of 4 by hand, before the last change" in rows["bob", "distillation_loss"]["message"]
    assert seen(rows["bob", WRITTEN]) == ("", "stale")
    assert "By hand: 2 were marked before the last change" in page_of(home, "bob")
    rows, anew = grade(home, **only)
    assert not anew and seen(rows["bob", WRITTEN]) == ("", "stale")

    mark(home, "bob", check_distillation_loss=4.0, **{WRITTEN: 5.0})
    rows, _ = grade(home, **only)
    assert seen(rows["bob", "distillation_loss"]) == ("4", "ok") and seen(rows["bob", WRITTEN]) == ("5", "ok")


def test_a_mark_stays_where_its_answer_did(home):
    """Another answer of the notebook has changed, or all is graded again."""
    grade(home, students=("anna",))
    mark(home, "anna", **{WRITTEN: 4.0})
    hand_in(home, "anna", released(RIGHT | {"perplexity": WRONG}, honest()["cells"][-1]["source"]))
    for again in (False, True):
        rows, anew = grade(home, students=("anna",), again=again)
        assert anew == ["anna"] and seen(rows["anna", WRITTEN]) == ("4", "partial")


def test_a_grading_that_was_killed_before_the_gradebook_knew_forgets_no_stale_mark(home, monkeypatch):
    grade(home, students=("anna",))
    mark(home, "anna", **{WRITTEN: 4.0})
    hand_in(home, "anna", released(RIGHT, "Another essay."))
    monkeypatch.setattr(batch.gradebook, "record", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        grade(home, students=("anna",))
    monkeypatch.undo()
    rows, anew = grade(home, students=("anna",))
    assert not anew and seen(rows["anna", WRITTEN]) == ("", "stale")


def test_other_points_run_nothing_again_and_marks_by_hand_keep_their_share(home):
    grade(home, students=("anna", "bob"))
    mark(home, "anna", **{WRITTEN: 4.0})
    path = home / "labs" / NAME / f"{NAME}.ipynb"
    path.write_text(path.read_text().replace('"points": 4.0', '"points": 8.0').replace('"points": 5.0', '"points": 10'))
    told = []
    summary = batch.run(
        settings_of(home, students=("anna", "bob")), lambda progress: told.append(progress.again), SHARED[0]
    )
    assert told == [True, True]
    assert summary.points == (
        "check_distillation_loss gives 8 points instead of 4.",
        f"{WRITTEN} gives 10 points instead of 5. 1 by hand were rescaled with it.",
    )
    rows, _ = grade(home, students=("anna", "bob"))
    assert seen(rows["anna", "distillation_loss"]) == ("8", "ok") and seen(rows["bob", "distillation_loss"]) == (
        "0",
        "wrong",
    )
    assert seen(rows["anna", WRITTEN]) == ("8", "partial") and rows["anna", WRITTEN]["max_score"] == "10"
    with gradebook(home) as book:
        assert book.find_grade("check_distillation_loss", NAME, NAME, "anna").auto_score == 8.0
        assert book.find_submission(NAME, "anna").max_score == 8.0 + 3.0 + 3.0 + 10.0


def test_points_that_were_none_cannot_be_rescaled(home):
    path = home / "labs" / NAME / f"{NAME}.ipynb"
    whole = path.read_text()
    path.write_text(whole.replace('"points": 4.0', '"points": 0').replace('"points": 5.0', '"points": 0'))
    grade(home, students=("anna",))
    mark(home, "anna", **{WRITTEN: 1.0})
    path.write_text(whole)
    rows, anew = grade(home, students=("anna",))
    assert anew == ["anna"] and seen(rows["anna", "distillation_loss"]) == ("4", "ok")
    assert seen(rows["anna", WRITTEN]) == ("", "stale")


def test_marks_of_one_lab_stay_in_the_results_when_another_is_graded(home):
    grade(home, students=("anna",))
    mark(home, "anna", **{WRITTEN: 4.0})
    first = settings_of(home).lab
    second = home / "labs" / "03_other" / "03_other.ipynb"
    second.parent.mkdir()
    second.write_text((home / "labs" / NAME / f"{NAME}.ipynb").read_text())
    save(home / "more", "anna", honest()).rename(home / "more" / "anna" / "03_other.ipynb")
    settings = replace(settings_of(home), lab=read_release(second), folder=home / "more", others=(first,))
    batch.run(settings, lambda progress: None, SHARED[0])
    with open(home / "out" / "results.csv", newline="", encoding="utf-8") as file:
        rows = {(row["lab"], row["exercise"]): row for row in csv.DictReader(file)}
    assert seen(rows[NAME, WRITTEN]) == ("4", "partial") and seen(rows["03_other", WRITTEN]) == ("", "waiting")


def test_again_grades_what_has_not_changed(home):
    both = ("anna", "carl")
    grade(home, students=both)
    assert grade(home, students=both, again=True)[1] == ["anna", "carl"]
    assert grade(home, students=("carl",), again=True)[1] == ["carl"]
    assert grade(home, students=both)[1] == []


def test_other_packages_mean_another_grading_and_are_named(home, monkeypatch):
    students = {"students": ("carl",)}
    grade(home, **students)
    found = importable.versions()
    monkeypatch.setattr(importable, "versions", lambda: (*found, "scipy-99.0"))
    summary = batch.run(settings_of(home, **students), lambda progress: None, SHARED[0])
    assert (summary.graded, summary.news) == (1, ("scipy-99.0",))
    summary = batch.run(settings_of(home, **students), lambda progress: None, SHARED[0])
    assert (summary.graded, summary.news) == (0, ())


def test_the_packages_of_this_python_are_among_what_a_result_depends_on():
    versions = importable.versions()
    assert f"numpy-{np.__version__}" in versions and any(each.startswith("Python-3") for each in versions)
