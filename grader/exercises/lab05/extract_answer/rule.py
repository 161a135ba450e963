"""What is right, and the pieces that wrong and right ways to write extract_answer share."""

from __future__ import annotations

import re

MARK = r"(?:^|;)Answer:"


def extract_answer(text):
    """The whole number behind the first mark, or None.

    A mark is ``Answer:`` at the beginning of a line, or right behind a ``;``. Any number of spaces may follow it, and
    anything may follow the number. None: there is no mark, or no whole number follows the first one.
    """
    found = re.search(MARK + r" *(-?\d+)?", text, re.MULTILINE)
    return int(found[1]) if found and found[1] else None
