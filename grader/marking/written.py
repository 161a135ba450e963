"""The answer to a written question: what stands in its cell, and in new cells beside it.

Many learners leave the marked cell as it is and write into a new one below or above. A person marks these answers, so
what may be one goes to that person; only where there is no text at all is the question not answered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from grader.notebook.notebooks import Cell

_PROSE = re.compile(r"(?:[^\W\d_]+[,;:]?[ \t]+){4,}")  # five words in a row, as no line of code has them


@dataclass(frozen=True)
class Written:
    """text: of the marked cell, without what the lab wrote there, then of new cells beside it. beside: if there are."""

    text: str
    beside: bool = False


def answers(
    released: tuple[Cell, ...], submitted: tuple[Cell, ...], pairs: dict[int, int], places: list[int]
) -> dict[int, Written]:
    """The answer at each of ``places``, which are indices of written questions in the release.

    pairs: index in the submission -> index in the release.
    """
    own = {place: _own(released[place], submitted, pairs, place) for place in places}
    texts = {place: [text] if text else [] for place, text in own.items()}
    beside: set[int] = set()
    for index, cell in enumerate(submitted):
        if index in pairs or not _is_text(cell, released):
            continue
        place = _beside(released, submitted, pairs, own, index)
        if place is not None:
            texts[place].append(cell.source.strip())
            beside.add(place)
    return {place: Written("\n\n".join(texts[place]), place in beside) for place in places}


def _own(original: Cell, submitted: tuple[Cell, ...], pairs: dict[int, int], place: int) -> str:
    """What stands in the marked cell; nothing where it is as released or not there."""
    text = next((submitted[index].source.strip() for index, found in pairs.items() if found == place), "")
    return "" if text == original.source.strip() else text


def _is_text(cell: Cell, released: tuple[Cell, ...]) -> bool:
    """Whether a new cell holds words: text of any kind, or sentences in a cell of code."""
    text = cell.source.strip()
    if not text or any(text == original.source.strip() for original in released):
        return False
    return cell.kind != "code" or (not cell.defined and bool(_PROSE.search(text)))


def _beside(
    released: tuple[Cell, ...],
    submitted: tuple[Cell, ...],
    pairs: dict[int, int],
    own: dict[int, str],
    index: int,
) -> int | None:
    """The question that a new cell stands beside, with no cell of the lab between; an open one before an answered one.

    A copy of a marked cell stands beside it wherever it is. Where the marked cell is gone, its neighbours tell.
    """
    copied = [place for place in own if released[place].grade_id == submitted[index].grade_id]
    if copied:
        return copied[0]
    above = next((pairs[number] for number in range(index - 1, -1, -1) if number in pairs), -1)
    below = next((pairs[number] for number in range(index + 1, len(submitted)) if number in pairs), len(released))
    between = [place for place in own if above < place < below and place not in pairs.values()]
    near = [place for place in (above, *between, below) if place in own]
    return next((place for place in near if not own[place]), near[0] if near else None)
