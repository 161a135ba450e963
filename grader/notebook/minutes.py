"""How many minutes does a lab take?  Counted from its source: reading, looking, writing code, answering, computing.

Each exercise says its own time in its text. Whatever a heading of the first two levels calls "optional", up to the next
such heading, is counted apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode

from grader.notebook.labs import NOTEBOOK_ONLY

WORDS_PER_MINUTE = 150  # of a text with formulas and figures, read once and understood
PREDICTION, WRITTEN = 1.0, 15.0  # minutes for a guess, and for a written answer with numbers looked up
TABLE, PICTURE = 1.0, 2.0  # minutes for a table of results, and for a figure to look at or a slider to move
SECOND_ATTEMPT = 1.1  # times the reader's own minutes: the first attempt at an exercise is often wrong
_OWN_TIME = re.compile(r"\*\*Time:\*\* about (\d+) minutes")
_GUESS = re.compile(r"^my_\w+ = .*None", re.MULTILINE)
_HEADING = re.compile(r"^(#{1,4}) +(.+)$", re.MULTILINE)
_TABLE = re.compile(r"\{\{ ?table\(|^\|[ :|-]*--", re.MULTILINE)  # made of results, or typed
_WORD = re.compile(r"\w[\w'’-]*")


@dataclass(frozen=True)
class Minutes:
    """Minutes of work, and seconds that the computer takes of them; each in multiples of 5 minutes."""

    work: int
    seconds: float


def minutes(cells: Sequence[NotebookNode], measured: Mapping) -> tuple[Minutes, Minutes]:
    """The lab's main part and its optional one.  measured: seconds, and steps with the seconds below each heading."""
    optional, level, headings = [], 0, set()
    for cell in cells:
        if cell.cell_type == "markdown":
            for marks, words in _HEADING.findall(cell.source):
                if len(marks) <= 2 and (not level or len(marks) <= level):
                    level = len(marks) if "optional" in words.casefold() else 0
                headings |= {words} if level else set()
        optional.append(bool(level))
    apart = sum(seconds for heading, seconds in measured.get("steps", {}).items() if heading in headings)
    parts = ((False, measured["seconds"] - apart), (True, apart))
    return tuple(_minutes([c for c, o in zip(cells, optional, strict=True) if o is which], s) for which, s in parts)


def _minutes(cells: Sequence[NotebookNode], seconds: float) -> Minutes:
    texts = [cell.source for cell in cells if cell.cell_type == "markdown" and not _is_answer(cell)]
    work = sum(len(_WORD.findall(text)) for text in texts) / WORDS_PER_MINUTE
    work += sum(float(stated) for text in texts for stated in _OWN_TIME.findall(text))
    work += TABLE * sum(len(_TABLE.findall(text)) for text in texts)
    work += PICTURE * sum(NOTEBOOK_ONLY in cell.metadata.get("tags", []) for cell in cells)
    work += PREDICTION * sum(len(_GUESS.findall(cell.source)) for cell in cells if cell.cell_type == "code")
    work += WRITTEN * sum(_is_answer(cell) for cell in cells if cell.cell_type == "markdown")
    return Minutes(5 * -(-round(SECOND_ATTEMPT * work + seconds / 60) // 5), seconds)


def _is_answer(cell: NotebookNode) -> bool:
    """Whether a learner writes this cell: the sketch in it is no text to read."""
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))
