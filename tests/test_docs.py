"""What the pages in docs/ say is what was recorded."""

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
