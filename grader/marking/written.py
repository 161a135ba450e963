"""The answer to a written question: what stands in its cell, and in new cells beside it.

Many learners leave the marked cell as it is and write into a new one below or above, or into the question. A person
marks these answers, so what may be one goes to that person; only where there is no text at all is the question not
answered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from grader.notebook.notebooks import Cell

_OF_A_LAB = re.compile(r"(.+)-\d+")  # a text's id as the build makes it: the grade_id above it, and a number
_FEW_TEXTS = 4
_PROSE = re.compile(r"(?:[^\W\d_]+[,;:]?[ \t]+){4,}")  # five words in a row, as no line of code has them


@dataclass(frozen=True)
class Written:
    """text: of the marked cell, without what the lab wrote, then of cells beside it. beside: whether there are such."""

    text: str
    beside: bool = False


def answers(
    released: tuple[Cell, ...], submitted: tuple[Cell, ...], pairs: dict[int, int], places: list[int]
) -> dict[int, Written]:
    """The answer at each of ``places``, which are indices of written questions in the release.

    pairs: index in the submission -> index in the release.
    """
    lab = [cell.source.strip() for cell in released if cell.kind != "code"]
    theirs = _texts_of_another_edition(released, submitted, pairs)
    own = dict.fromkeys(places, "")
    for index, place in pairs.items():
        if place in own:
            own[place] = "\n\n".join(filter(None, [own[place], _own_words(submitted[index].source, lab)]))
    beside: dict[int, list[str]] = {place: [] for place in places}
    for index, cell in enumerate(submitted):
        may_be = index not in theirs and _may_be_words(cell, new=index not in pairs)
        words = _own_words(cell.source, lab) if may_be else ""
        place = _beside(released, submitted, pairs, own, index) if words else None
        if place is not None:
            beside[place].append(words)
    for place in places:
        if place not in pairs.values() and not beside[place]:
            beside[place] += [own[other] for other in own if own[other] and _is_one_text(released, other, place)]
    texts = {place: "\n\n".join(filter(None, [own[place], *beside[place]])) for place in places}
    return {place: Written(texts[place], bool(beside[place])) for place in places}


def is_of_another_edition(released: tuple[Cell, ...], submitted: tuple[Cell, ...], pairs: dict[int, int]) -> bool:
    """Whether most texts of the lab read differently: no learner did that, the lab has changed since."""
    texts = [(released[place], submitted[index]) for index, place in pairs.items() if _is_plain_text(released[place])]
    changed = sum(one.source.split() != other.source.split() for one, other in texts)
    return len(texts) >= _FEW_TEXTS and changed > len(texts) / 2


def _texts_of_another_edition(
    released: tuple[Cell, ...], submitted: tuple[Cell, ...], pairs: dict[int, int]
) -> set[int]:
    """The cells that another edition of the lab wrote: no answers, though the released lab lacks their words."""
    if not is_of_another_edition(released, submitted, pairs):
        return set()
    known = {cell.grade_id for cell in released if cell.grade_id} | {"start"}
    named = {index for index, cell in enumerate(submitted) if _grade_id_above(cell) in known}
    return named | {index for index, place in pairs.items() if _is_plain_text(released[place])}


def _grade_id_above(cell: Cell) -> str:
    found = _OF_A_LAB.fullmatch(cell.identity)
    return found[1] if found else ""


def _is_plain_text(cell: Cell) -> bool:
    """A text of the lab's that asks for no answer."""
    return cell.kind != "code" and not cell.grade_id


def _own_words(text: str, lab: list[str]) -> str:
    """A text without the lines that the lab wrote, as they stand in a cell that was merged with one of the lab's."""
    known = {line.strip() for source in lab for line in source.split("\n")}
    kept = "\n".join(line for line in text.strip().split("\n") if not line.strip() or line.strip() not in known).strip()
    return "" if any(kept in source for source in lab) else kept


def _may_be_words(cell: Cell, new: bool) -> bool:
    """Whether a cell holds words: text of any kind, or sentences in a new cell of code."""
    return cell.kind != "code" or (new and not cell.defined and bool(_PROSE.search(cell.source)))


def _beside(
    released: tuple[Cell, ...], submitted: tuple[Cell, ...], pairs: dict[int, int], own: dict[int, str], index: int
) -> int | None:
    """The question that a cell with words stands beside; an open one before an answered one.

    A new cell stands beside a question where no cell of the lab is between; a copy of the marked cell wherever it is.
    The lab's own text beside an open question, such as its rubric, may hold the answer too; it stands above it.
    """
    if index in pairs:
        return None if pairs[index] in own else _open_one_beside(released, own, pairs[index])
    copied = [place for place in own if released[place].grade_id == submitted[index].grade_id]
    if copied:
        return copied[0]
    above = next((pairs[number] for number in range(index - 1, -1, -1) if number in pairs), -1)
    below = next((pairs[number] for number in range(index + 1, len(submitted)) if number in pairs), len(released))
    between = [place for place in own if above < place < below and place not in pairs.values()]
    near = [place for place in (above, *between, below) if place in own]
    return next((place for place in near if not own[place]), near[0] if near else None)


def _open_one_beside(released: tuple[Cell, ...], own: dict[int, str], place: int) -> int | None:
    """The nearest open question with nothing but text between it and the lab's cell at ``place``."""
    fitting = [other for other in own if not own[other] and _is_one_text(released, other, place)]
    return min(fitting, key=lambda other: (abs(other - place), other < place), default=None)


def _is_one_text(released: tuple[Cell, ...], one: int, other: int) -> bool:
    """Whether there is no code between two places of the lab, so that a learner may have merged what stands there."""
    return all(cell.kind != "code" for cell in released[min(one, other) : max(one, other) + 1])
