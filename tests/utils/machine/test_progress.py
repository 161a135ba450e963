"""In a notebook a bar is a line of text: no widget that is dead when the notebook is opened again."""

import pytest

from utils.machine import progress


class Line:
    """What the front end shows in one place."""

    def __init__(self, shown: dict):
        self.shown = [shown["text/plain"]]

    def update(self, shown: dict, raw: bool) -> None:
        self.shown.append(shown["text/plain"])


@pytest.fixture
def lines(monkeypatch) -> list[Line]:
    """The lines that bars leave in a notebook."""
    found: list[Line] = []

    def display(shown: dict, raw: bool, display_id: bool) -> Line:
        assert list(shown) == ["text/plain"]
        found.append(Line(shown))
        return found[-1]

    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    return found


def test_a_bar_is_one_line_that_ends_with_what_was_done(lines):
    bar = progress.bar(total=1500, desc="distilled", unit="step")
    bar.update(1500)
    bar.refresh()
    bar.close()
    (line,) = lines
    assert line.shown[-1].startswith("distilled: 1,500 of 1,500 steps in 00:0")


def test_a_bar_inside_a_bar_shares_its_line(lines):
    with progress.bar([1, 2], desc="sweep", unit="setting") as settings:
        for _ in settings:
            inner = progress.bar(total=3, desc="T 1", unit="step")
            inner.update(2)
            inner.refresh()
            inner.close()
    (line,) = lines
    assert any("sweep" in text and "| T 1" in text for text in line.shown)
    assert line.shown[-1].startswith("sweep: 2 of 2 settings in ")


def test_an_interrupted_bar_lets_the_next_one_have_a_line_of_its_own(lines):
    with pytest.raises(KeyboardInterrupt), progress.bar([1, 2], desc="first", unit="setting") as bar:
        bar.refresh()
        raise KeyboardInterrupt
    for _ in (bar := progress.bar([1], desc="second", unit="setting")):
        bar.refresh()
    assert [line.shown[-1].split(":")[0] for line in lines] == ["first", "second"]


def test_what_is_over_soon_leaves_no_line_where_it_was_not_worth_one(lines):
    with progress.bar(range(3), desc="judging", unit="batch", delay=60) as bar:
        list(bar)
    assert lines == []


def test_the_build_has_no_bars(lines, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    with progress.bar(range(3), desc="judging", unit="batch") as bar:
        assert list(bar) == [0, 1, 2]
    assert lines == []
