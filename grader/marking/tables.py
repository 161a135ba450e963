"""Tables of comma-separated values that hold strangers' text, and read back as what was written.

A cell is one line and never a formula; a list in a cell has its own marks escaped. So a name with a line's end adds no
row, one with a semicolon does not count as two, and no spreadsheet runs ``=HYPERLINK(...)``.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from grader.marking.plain_text import escaped

# The wide signs are formulas to some spreadsheets too; a line alone, Moodle's "nothing", is one to none.
_FORMULA = re.compile(r"(?!-$)\s*[=+\-@\uff1d\uff0b\uff0d\uff20']")
_SIGN = re.compile(r"[\\;]")
_ENTRY = re.compile(r"(?:[^\\;]|\\.)+")


def as_csv(rows: Iterable[Sequence[object]], delimiter: str = ",") -> str:
    """The table as text. A cell that a spreadsheet would compute, or that begins with ', gets a ' before it."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(
        [_cell(value) for value in row] for row in rows
    )
    return text.getvalue()


def from_csv(text: str) -> list[list[str]]:
    """The rows that `as_csv` wrote. Raises csv.Error where the text is no table."""
    return [[cell.removeprefix("'") for cell in row] for row in csv.reader(io.StringIO(text, newline=""), strict=True)]


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = escaped(value)
    return f"'{text}" if _FORMULA.match(text) else text


def joined(entries: Iterable[str]) -> str:
    """A list in one cell, separated by semicolons; one inside of an entry gets a backslash."""
    return "; ".join(_SIGN.sub(r"\\\g<0>", escaped(entry)) for entry in entries)


def separated(text: str) -> list[str]:
    """The list that `joined` wrote."""
    return [re.sub(r"\\(.)", r"\1", entry.strip()) for entry in _ENTRY.findall(text) if entry.strip()]
