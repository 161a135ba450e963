"""The map of the labs: a page in my_labs/ with each lab, its question, its minutes, and what the learner has done.

It is made of what is saved in the learner's own notebooks, at every start of `course.py lab` and at every save. So
there is nothing to keep, and nothing that an update could lose.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

from cli._copies import MINE, released_labs
from utils.errors import CourseError
from utils.machine.workspace import write_whole

NAME = "map.md"
EMPTY_ANSWER = "Write your answer here."  # what the build leaves of a written answer
_GUESS = re.compile(r"^(my_\w+) = (?!guess\()(.+)$", re.MULTILINE)
_ROW = re.compile(r"^\| \[\d+\]\(labs/([^/]+)/[^)]*\) \| ([^|]+) \|", re.MULTILINE)


def write_map(root: Path) -> Path:
    """Write the page anew; returns it."""
    page = root / MINE / NAME
    write_whole(page, text(root), otherwise="copy the course into a folder of your own")
    return page


def after_save(os_path: str, **_: object) -> None:
    """For JupyterLab: a notebook was saved; the page follows where it lies among the learner's own."""
    path = Path(os_path)
    if path.suffix == ".ipynb" and path.parent.parent.name == MINE:
        with suppress(CourseError, OSError, ValueError):
            write_map(path.parents[2])


def text(root: Path) -> str:
    """The page, in Markdown."""
    questions = dict(_ROW.findall(_read(root / "README.md")))
    rows = [row(root, released, questions.get(released.name, "")) for released in released_labs(root)]
    lines = [
        "# Your labs",
        "",
        "| lab | question | minutes | checks passed | guesses made | answers written |",
        "|:--|:--|--:|--:|--:|--:|",
        *rows,
        "",
        "This page counts what is saved in the notebooks of this folder. After you have saved one, close the page and",
        "open it again. The labs' words are in the [glossary](../docs/glossary.md).",
        "",
    ]
    return "\n".join(lines)


def row(root: Path, released: Path, question: str) -> str:
    """One lab's line of the table."""
    given, mine = (cells(folder / f"{released.name}.ipynb") for folder in (released, root / MINE / released.name))
    title = re.search(r"^# (.+)$", "\n".join(source(cell) for cell in given), re.MULTILINE)
    minutes = re.search(r"about (\d+) minutes", "\n".join(source(cell) for cell in given))
    checks = [grade_id(cell).removeprefix("check_") for cell in given if is_check(cell)]
    shown = "\n".join(outputs(cell) for cell in mine)
    passed = sum(f"[passed] {name}:" in shown for name in checks)
    guesses = {name for cell in given for name, _ in _GUESS.findall(source(cell))}
    made = {name for cell in mine for name, value in _GUESS.findall(source(cell)) if "None" not in value.split("#")[0]}
    written = {grade_id(cell) for cell in given if is_written(cell)}
    answers = {grade_id(cell) for cell in mine if is_written(cell) and source(cell).strip() not in ("", EMPTY_ANSWER)}
    link = f"[{title[1] if title else released.name}]({released.name}/{released.name}.ipynb)"
    numbers = [(passed, checks), (len(guesses & made), guesses), (len(written & answers), written)]
    counted = [f"{done} of {len(asked)}" if asked else "–" for done, asked in numbers]
    return f"| {' | '.join([link, question.strip(), minutes[1] if minutes else '–', *counted])} |"


def cells(notebook: Path) -> list[dict]:
    """A notebook's cells; none where it cannot be read."""
    try:
        found = json.loads(_read(notebook) or "{}").get("cells", [])
    except (ValueError, AttributeError):
        return []
    return [cell for cell in found if isinstance(cell, dict)]


def source(cell: dict) -> str:
    return "".join(cell.get("source", ""))


def outputs(cell: dict) -> str:
    return "\n".join("".join(output.get("data", {}).get("text/plain", "")) for output in cell.get("outputs", []))


def grade_id(cell: dict) -> str:
    return cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "")


def is_check(cell: dict) -> bool:
    marks = cell.get("metadata", {}).get("nbgrader", {})
    return cell.get("cell_type") == "code" and bool(marks.get("grade")) and not marks.get("solution")


def is_written(cell: dict) -> bool:
    marks = cell.get("metadata", {}).get("nbgrader", {})
    return cell.get("cell_type") == "markdown" and bool(marks.get("grade"))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
