"""A stranger's text, made fit for every place where it may be shown: file, page, terminal, table, database.

It is cleaned once, where it enters, so that nothing behind has to think of it. Otherwise a name with half a character
could not be written, and one with a line's end would make two rows out of one.
"""

from __future__ import annotations

import re

_HALVES = re.compile("[\ud800-\udfff]")  # of characters, each alone
_NOT_SHOWN = re.compile(  # controls, line ends of every kind, and what turns the direction of writing
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def whole_characters(text: str) -> str:
    """The text with a question mark for each half of a character, as it stands in JSON and in no file."""
    return _HALVES.sub("?", text)


def one_line(text: str, most: int) -> str:
    """At most ``most`` characters on one line, a space for each run of spaces and of what is not shown."""
    return " ".join(_NOT_SHOWN.sub(" ", text[: 2 * most]).split())[:most]


def escaped(text: str) -> str:
    """The text with what is not shown in Python's spelling: a name that stays itself and is one line."""
    return _NOT_SHOWN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
