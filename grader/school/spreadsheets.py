"""CSV as a learning system exports it: comma, semicolon or tab, UTF-8 or a spreadsheet's older encoding, bounded."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from grader.notebook.notebooks import UnreadableError, read_file
from utils.errors import CourseError

MOST_BYTES = 16 << 20
MOST_ROWS = 100_000
_SPREADSHEET = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods, and the older .xls
_SEPARATOR = re.compile(r"sep=.\r?\n")  # what Excel reads as the separator, and writes for itself


@dataclass(frozen=True)
class Sheet:
    """path: where it was read. header and rows: as they are in the file, every row as long as the header."""

    path: Path
    delimiter: str
    header: list[str]
    rows: list[list[str]]

    def column(self, *names: str) -> int | None:
        """The place of the first column that has one of these names, in any case; None where there is none."""
        lowered = [title.strip().casefold() for title in self.header]
        return next((lowered.index(name) for name in names if name in lowered), None)


def read(path: Path) -> Sheet:
    """The table in a CSV file. Raises CourseError in a sentence where it is none."""
    try:
        content = read_file(path, MOST_BYTES)
    except UnreadableError as error:
        raise CourseError(f"{str(path)!r} cannot be used as a table. {error}") from None
    if content.startswith(_SPREADSHEET):
        raise CourseError(f"{str(path)!r} is a spreadsheet and not a CSV file: save it as CSV.")
    text = _SEPARATOR.sub("", _decoded(content).lstrip("\r\n"))
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    try:
        header, *rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)) or [[]]
    except csv.Error as error:
        raise CourseError(f"{str(path)!r} is not a CSV file ({error}): export it again as CSV.") from None
    if len(header) < 2:
        raise CourseError(f"{str(path)!r} has no header of several columns; its first line is {text[:60]!r}.")
    if len(rows) > MOST_ROWS:
        raise CourseError(f"{str(path)!r} has {len(rows):,} rows and at most {MOST_ROWS:,} are read.")
    width = len(header)
    return Sheet(path, delimiter, header, [(row + [""] * width)[:width] for row in rows if any(row)])


def _decoded(content: bytes) -> str:
    for encoding in ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")
