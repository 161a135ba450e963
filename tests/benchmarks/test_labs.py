"""The figures of a lab's header can be measured for every lab that has a source, whether or not a list knows it."""

import sys

import pytest

from benchmarks import labs


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """Measure labs of a course that has 04 and 05, without running them; returns what is written of each."""
    written = {}
    for name in ("04_new", "05_long"):
        source = tmp_path / "solutions" / name / f"{name}.py"
        source.parent.mkdir(parents=True)
        source.write_text("")
    monkeypatch.setattr(labs, "ROOT", tmp_path)
    monkeypatch.setattr(labs, "measure", lambda lab, profile: {"seconds": 1.0, "memory_mb": 1})
    monkeypatch.setattr(labs, "write_result", lambda name, result: written.update({name: result}))

    def measure(*numbers: str) -> dict:
        monkeypatch.setattr(sys, "argv", ["labs", *numbers])
        labs.main()
        return written

    return measure


def test_every_lab_that_has_a_source_is_measured_in_both_profiles(measured):
    written = measured("04", "05")
    assert [written[name]["smoke"]["seconds"] for name in ("lab_04", "lab_05")] == [1.0, 1.0]


def test_a_lab_that_is_not_there_is_refused_at_once(measured, capsys):
    with pytest.raises(SystemExit):
        measured("04", "06")
    assert "'04', '05'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        measured()


def test_the_time_below_a_heading_is_counted_once_for_each_stay():
    said = [("-- Set up\n", 2.0), ("a warning\n", 3.0), ("-- Step 1\n", 5.0), ("-- Set up\n", 9.0)]
    assert labs.seconds_by_heading(said, 10.0) == {"Set up": 4.0, "Step 1": 4.0}
