"""What is in a notebook that anybody may have made by any means?  Cells, or one sentence why not.

A submission is bytes from a stranger: a link to somebody else's file, 200 MB, JSON 200,000 deep, an older format,
another encoding. Here it becomes plain cells under stated bounds, without a schema check whose time it could choose. So
one file neither stops a batch nor reads what it may not.
"""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from grader.marking.plain_text import one_line, whole_characters

MOST_BYTES = 32 << 20
MOST_VALUES = 4_000_000  # in its JSON: one of a few bytes takes a hundred once it is read
MOST_CELLS = 2000
MOST_SOURCE = 1 << 20
_MOST_LABEL = 200  # characters of an id
_MOST_TAGS = 100
_BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_NO_NOTEBOOKS = (  # how a file begins, what it is, and what to hand in instead
    (b"pk\x03\x04", "a zip archive: unpack it, and hand in the notebook"),
    (b"\x1f\x8b", "a compressed file: unpack it, and hand in the notebook"),
    (b"%pdf", "a PDF: hand in the notebook itself"),
    (b"version https://git-lfs", "a pointer of git LFS: run `git lfs pull`, and hand in the file itself"),
    (b"<!doctype html", "a web page: download the notebook itself"),
    (b"<html", "a web page: download the notebook itself"),
)
_CONFLICT = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)
_DEFINITION = re.compile(r"^(?:async[ \t]+)?(?:def|class)[ \t]+([A-Za-z_]\w*)|^([A-Za-z_]\w*)[ \t]*=[^=]", re.MULTILINE)


class UnreadableError(Exception):
    """A submission's file is no notebook that can be graded; the message is one sentence for its author."""


@dataclass(frozen=True)
class Cell:
    """One cell. kind: code, markdown or raw. identity: nbformat's id. The rest is nbgrader's metadata, as claimed."""

    kind: str
    source: str
    identity: str = ""
    grade_id: str = ""
    tags: tuple[str, ...] = ()
    grade: bool = False
    solution: bool = False
    locked: bool = False
    task: bool = False
    points: float = 0.0

    @property
    def defined(self) -> set[str]:
        """Names that a line at the left margin defines, by a search of the text: nothing of it is parsed or run."""
        return {first or second for first, second in _DEFINITION.findall(self.source)}


def read_file(path: Path, most: int = MOST_BYTES) -> bytes:
    """The bytes of a regular file of its own: no link of either kind, no device, no pipe, not too large."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if os.path.islink(path):
            raise UnreadableError("It is a link to another file, not a notebook: hand in the file itself.") from None
        raise UnreadableError(f"It cannot be opened ({error.strerror}).") from None
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode):
        os.close(descriptor)
        raise UnreadableError("It is not an ordinary file.")
    with os.fdopen(descriptor, "rb") as file:
        if about.st_nlink > 1:
            raise UnreadableError("It is a hard link, one file under several names: hand in a copy of its own.")
        if about.st_size > most:
            raise UnreadableError(
                f"It has {about.st_size / 1e6:.0f} MB and at most {most / 1e6:.0f} MB are read:"
                " clear the outputs and hand it in again."
            )
        return file.read(most + 1)[:most]


def parse(content: bytes) -> tuple[Cell, ...]:
    """The cells of a notebook of format 3 or 4. Raises UnreadableError."""
    if not content.strip():
        raise UnreadableError("It is empty.")
    beginning = content[:100].lstrip().lower()
    for start, kind in _NO_NOTEBOOKS:
        if beginning.startswith(start):
            raise UnreadableError(f"It is not a notebook but {kind}.")
    try:
        text = content.decode(_encoding(content))
    except UnicodeDecodeError:
        raise UnreadableError("It is not text in UTF-8 or UTF-16: save it again in Jupyter.") from None
    values = sum(map(text.count, "{[,"))
    if values > MOST_VALUES:
        raise UnreadableError(
            f"It holds about {values:,} values and at most {MOST_VALUES:,} are read: clear the outputs and hand it in"
            " again."
        )
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError, MemoryError) as error:
        raise UnreadableError(_why_no_json(text, error)) from None
    entries = _entries(notebook)
    if len(entries) > MOST_CELLS:
        raise UnreadableError(f"It has {len(entries):,} cells and at most {MOST_CELLS:,} are read.")
    return tuple(_cell(entry) for entry in entries if isinstance(entry, dict))


def _why_no_json(text: str, error: Exception) -> str:
    if _CONFLICT.search(text):
        return "It holds two versions that git could not merge (<<<<<<< and >>>>>>>): choose one, and save it again."
    if not isinstance(error, json.JSONDecodeError):
        return "It is not a notebook: its JSON cannot be read. Save it again in Jupyter."
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
        return "It is cut short: its JSON cannot be read to an end. Save it again in Jupyter, or hand it in again."
    where = f"line {error.lineno}: {error.msg}"
    return f"It is not a notebook: its JSON cannot be read ({where}). Save it again in Jupyter."


def _encoding(content: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding
    return json.detect_encoding(content)


def _entries(notebook: object) -> list:
    """The list of cells, wherever the format keeps it."""
    if isinstance(notebook, dict):
        cells = notebook.get("cells")
        worksheets = notebook.get("worksheets")
        if isinstance(cells, list):
            return cells
        if isinstance(worksheets, list):
            sheets = [sheet.get("cells") for sheet in worksheets if isinstance(sheet, dict)]
            return [cell for sheet in sheets if isinstance(sheet, list) for cell in sheet]
    raise UnreadableError("It is JSON but no notebook: it has no cells.")


def _cell(entry: dict) -> Cell:
    kind = entry.get("cell_type")
    metadata = _mapping(entry.get("metadata"))
    marks = _mapping(metadata.get("nbgrader"))
    tags = metadata.get("tags")
    points = marks.get("points")
    language = _mapping(metadata.get("vscode")).get("languageId")
    if kind == "code" and language in ("plaintext", "markdown", "raw"):  # text, as VS Code keeps it
        kind = "raw"
    return Cell(
        kind=kind if kind in ("code", "markdown", "raw") else "markdown",
        source=_source(entry.get("source", entry.get("input", ""))),
        identity=_text(entry.get("id")),
        grade_id=_text(marks.get("grade_id")),
        tags=tuple(_text(tag) for tag in tags[:_MOST_TAGS]) if isinstance(tags, list) else (),
        grade=marks.get("grade") is True,
        solution=marks.get("solution") is True,
        locked=marks.get("locked") is True,
        task=marks.get("task") is True,
        points=float(points) if isinstance(points, (int, float)) and 0 <= points < 1e6 else 0.0,
    )


def _mapping(value: object) -> dict:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return one_line(value, _MOST_LABEL) if isinstance(value, str) else ""


def _source(value: object) -> str:
    lines = value if isinstance(value, list) else [value]
    text = "".join(line for line in lines if isinstance(line, str))
    if len(text) > MOST_SOURCE:
        raise UnreadableError(f"One of its cells has {len(text):,} characters and at most {MOST_SOURCE:,} are read.")
    return whole_characters(text.replace("\r\n", "\n").replace("\r", "\n"))
