"""`course.py build --check` speaks of every lab, and its exit code is what CI reads."""

import argparse
import io
from pathlib import Path

import pytest

from cli import build
from utils.errors import CourseError


@pytest.fixture
def course(tmp_path) -> Path:
    """Two labs that have a source and nothing else."""
    for name in ("01_first", "02_second"):
        folder = tmp_path / "solutions" / name
        folder.mkdir(parents=True)
        (folder / f"{name}.py").write_text('# %% tags=["set-up"]\n1')
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    return tmp_path


def start(course: Path, **settings: object) -> int:
    usual = {"lab": None, "check": False, "profile": None, "again": False}
    return build.main(argparse.Namespace(**usual | settings), course)


def test_check_ends_with_one_and_names_every_lab_that_drifted(course, monkeypatch, capsys):
    def check(lab):
        if lab.number == "01":
            raise CourseError("01 cannot be put together.")
        return ["02 differs in cell 3."]

    monkeypatch.setattr("grader.notebook.build.check", check)
    assert start(course, check=True) == 1
    said = capsys.readouterr().err
    assert said.splitlines() == [
        "01 cannot be put together.",
        "Mend that, and then: python3 course.py build 01",
        "02 differs in cell 3.",
        "Build it again from its source, where changes belong: python3 course.py build 02",
    ]


def test_check_ends_with_zero_where_nothing_drifted(course, monkeypatch, capsys):
    monkeypatch.setattr("grader.notebook.build.check", lambda lab: [])
    assert start(course, check=True) == 0
    assert capsys.readouterr().out == "The notebooks of 2 labs agree with their sources.\n"


@pytest.mark.parametrize(("asked", "profile"), [(None, "embedded"), ("smoke", "smoke")])
def test_one_lab_is_built_in_the_profile_that_was_asked_for(course, monkeypatch, asked, profile):
    built = []
    monkeypatch.delenv("COURSE_PROFILE", raising=False)
    monkeypatch.setattr(
        "grader.notebook.build.build", lambda lab, profile, again: built.append((lab.name, profile, again))
    )
    assert start(course, lab="2", profile=asked) == 0
    assert built == [("02_second", profile, False)]


@pytest.mark.parametrize("check", [True, False])
def test_an_unknown_profile_is_said_before_anything_is_built(course, monkeypatch, check):
    with pytest.raises(CourseError, match=r"no profile 'huge'\. Choose one of: smoke, embedded, full\."):
        start(course, profile="huge", check=check)
    monkeypatch.setenv("COURSE_PROFILE", "huge")
    with pytest.raises(CourseError, match=r"no profile 'huge' \(COURSE_PROFILE\)"):
        start(course, check=check)


@pytest.mark.parametrize("place", ["labs", "solutions"])
def test_a_course_that_cannot_be_written_is_said_before_anything_is_built(course, monkeypatch, place):
    monkeypatch.setattr("grader.notebook.build.build", lambda *_: pytest.fail("built"))

    def refuse(dir: Path) -> io.BytesIO:
        if place in dir.parts:
            raise PermissionError(13, "Permission denied")
        return io.BytesIO()

    monkeypatch.setattr("utils.machine.workspace.tempfile.TemporaryFile", refuse)
    with pytest.raises(CourseError, match=rf"{place}/01_first' \(Permission denied\): build needs a course"):
        start(course, again=True)


@pytest.mark.parametrize("settings", [{}, {"check": True}])
def test_what_a_source_must_obey_is_said_before_any_lab_is_executed(course, monkeypatch, capsys, settings):
    monkeypatch.setattr("grader.notebook.build.build", lambda *_: pytest.fail("built"))
    (course / "solutions" / "02_second" / "02_second.py").write_text('# %% tags=["notbook-only"]\n1')
    if settings:
        assert start(course, **settings) == 1
        said = capsys.readouterr().err
    else:
        with pytest.raises(CourseError) as error:
            start(course)
        said = str(error.value)
    assert "02_second.py, it has 0 code cells with the tag 'set-up'" in said
    assert "02_second.py, cell 1: the tag 'notbook-only' means nothing here" in said
