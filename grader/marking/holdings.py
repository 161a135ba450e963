"""Which lab is a notebook of, and how much of it is answered?

A file's name is a habit of its browser, so the cells tell: those that carry points, found as in `matching`.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.marking import written
from grader.marking.matching import Release, match
from grader.notebook.notebooks import Cell

_OPEN = "raise NotImplementedError"


def held(lab: Release, cells: tuple[Cell, ...]) -> int:
    """How many of the lab's cells with answers or points a notebook has, by grade_id, id, text or name defined."""
    own = {
        place for place, cell in enumerate(lab.cells) if cell.grade_id and (cell.solution or cell.grade or cell.task)
    }
    found = {place for index, place in match(lab.cells, cells).items() if _is_sure(cells[index], lab.cells[place])}
    return len(own & found)


def _is_sure(cell: Cell, original: Cell) -> bool:
    """Whether more than the place tells that it is this cell. The text to be replaced stands in every lab."""
    same_text = cell.source.strip() == original.source.strip() and original.kind == "code"
    return cell.grade_id == original.grade_id or same_text or original.grade_id in cell.defined


def other_lab(lab: Release, others: Sequence[Release], cells: tuple[Cell, ...]) -> Release | None:
    """The lab whose notebook this is, where it is none of ``lab``'s."""
    if held(lab, cells):
        return None
    counts = [held(other, cells) for other in others]
    return others[counts.index(max(counts))] if any(counts) else None


def called(lab: Release) -> str:
    """A lab in a sentence: Lab 1, or its name where it has no number."""
    number = lab.name.partition("_")[0]
    return f"Lab {int(number)}" if number.isdecimal() else lab.name


def answered(lab: Release, cells: tuple[Cell, ...]) -> int:
    """How many of the lab's functions and written questions are not as released."""
    pairs = match(lab.cells, cells)
    solutions = [place for place, cell in enumerate(lab.cells) if cell.solution]
    asked = [place for place in solutions if lab.cells[place].grade]
    texts = written.answers(lab.cells, cells, pairs, asked)
    functions = set(solutions) - set(asked)
    changed = [place for place in functions if _is_written(place, lab.cells[place], cells, pairs)]
    return len(changed) + sum(bool(answer.text) for answer in texts.values())


def questions(lab: Release) -> int:
    """How many cells wait for an answer in the lab as released."""
    return sum(cell.solution for cell in lab.cells)


def _is_written(place: int, original: Cell, cells: tuple[Cell, ...], pairs: dict[int, int]) -> bool:
    """Whether some cell holds this function in another text than the released one."""
    defining = [cell for cell in cells if original.grade_id in cell.defined]
    its = defining or [cells[index] for index, found in pairs.items() if found == place]
    return any(cell.source.strip() not in ("", original.source.strip()) and _OPEN not in cell.source for cell in its)
