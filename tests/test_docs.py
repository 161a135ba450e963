"""What the pages in docs/ say is what was recorded, and what they show runs."""

import re

import pytest

from utils.machine.workspace import ROOT

SPEED = ROOT / "docs" / "speed.md"


def test_the_page_on_speed_shows_what_was_recorded():
    from benchmarks.pages import with_sections
    from benchmarks.speed import sections

    text = SPEED.read_text(encoding="utf-8")
    assert with_sections(text, "speed", sections()) == text


def test_a_part_without_its_place_in_the_page_is_said():
    from benchmarks.pages import with_sections
    from utils.errors import CourseError

    with pytest.raises(CourseError, match="0 places for 'step'"):
        with_sections("a page", "speed", {"step": "new"})


def test_the_example_for_models_of_your_own_trains_on_kept_hidden_states(tmp_path, monkeypatch, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", SPEED.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    monkeypatch.chdir(tmp_path)
    found: dict = {}
    exec(compile(example, "docs/speed.md", "exec"), found)
    assert found["history"].steps_done == found["history"].steps_total > 0
    assert list((tmp_path / "outputs" / "teacher").glob("*/*.safetensors"))
    assert str(found["history"].epoch_losses()) in capsys.readouterr().out
