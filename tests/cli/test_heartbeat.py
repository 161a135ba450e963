"""Where nobody watches a bar, a run says from time to time where it is."""

import io
import sys
import time

from cli._heartbeat import SECONDS, heartbeat


class Watched(io.StringIO):
    def isatty(self) -> bool:
        return True


def wait_for(stream: io.StringIO, words: str) -> None:
    while words not in stream.getvalue():
        time.sleep(0.005)


def test_a_line_says_where_a_run_is_and_none_comes_after_its_end(monkeypatch):
    stream, where = io.StringIO(), ["Step 1"]
    monkeypatch.setattr(sys, "stderr", stream)
    with heartbeat(lambda: where[0], seconds=0.01):
        wait_for(stream, "still in 'Step 1'")
        where[0] = "Step 2"
        wait_for(stream, "still in 'Step 2'")
    assert SECONDS <= 30


def test_in_a_terminal_the_bar_is_enough(monkeypatch):
    stream = Watched()
    monkeypatch.setattr(sys, "stderr", stream)
    with heartbeat(lambda: "Step 1", seconds=0.001):
        time.sleep(0.05)
    assert stream.getvalue() == ""
