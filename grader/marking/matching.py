"""Which cell of a submission is which cell of the released lab, and what is run and asked in which order?

A submission's metadata is a claim: cells get copied, deleted, moved, turned into text, given another's name. The
released lab alone says what counts and for how much; the claim only helps to find it. So no grade depends on it, and
honest work with a lost label is not lost.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from grader.marking import written
from grader.marking.written import Written
from grader.notebook.labs import EXPENSIVE, SET_UP
from grader.notebook.notebooks import Cell, UnreadableError, parse
from utils.errors import CourseError

_CHECK = re.compile(r"^[ \t]*check\(", re.MULTILINE)


@dataclass(frozen=True)
class Task:
    """What the released lab gives points for. name: the function's, or the grade_id of a written question.

    grade_cells: (grade_id, points) of each of nbgrader's cells that hold these points. place: index in the release.
    asserted: these cells are run, as nbgrader does; else the function is judged.
    """

    name: str
    written: bool
    grade_cells: tuple[tuple[str, float], ...]
    place: int
    asserted: bool = False

    @property
    def points(self) -> float:
        return sum(points for _, points in self.grade_cells)


@dataclass(frozen=True)
class Release:
    """The lab as learners got it. name: such as ``02_distill_a_student``."""

    name: str
    cells: tuple[Cell, ...]
    tasks: tuple[Task, ...]
    content: bytes


@dataclass(frozen=True)
class Step:
    """One cell to run: ``all`` of it or its ``definitions``. asks: the exercises that are asked *before* it runs.

    place: of a cell that is the lab's own, unchanged, its index in the release; it runs only where it is needed.
    """

    number: int
    source: str
    part: str = "all"
    asks: tuple[str, ...] = ()
    place: int | None = None


@dataclass(frozen=True)
class Plan:
    """steps: in the submission's order. written: grade_id -> answer. remarks: what is unusual, a sentence each."""

    steps: tuple[Step, ...]
    written: dict[str, Written]
    remarks: tuple[str, ...]


def read_release(path: Path) -> Release:
    """Read the released lab. Raises CourseError where it holds nothing to grade."""
    try:
        content = path.read_bytes()
        cells = parse(content)
    except (OSError, UnreadableError) as error:
        raise CourseError(f"The released lab {str(path)!r} cannot be read: {error}") from None
    tasks = tuple(_tasks(cells))
    if not tasks:
        raise CourseError(f"{path.name} holds no cell with points: is it the lab as `course.py release` writes it?")
    return Release(path.stem, cells, tasks, content)


def _tasks(cells: tuple[Cell, ...]) -> list[Task]:
    solutions = {cell.grade_id for cell in cells if cell.solution and not cell.grade}
    judged = {cell.grade_id.removeprefix("check_") for cell in cells if _is_check(cell) and _is_judged(cell)}
    tasks: dict[str, Task] = {}
    latest = ""
    for place, cell in enumerate(cells):
        if cell.solution and not cell.grade:
            latest = cell.grade_id
        if not (cell.grade or cell.task) or not cell.grade_id:
            continue
        written, asserted = cell.solution or cell.task, _is_check(cell) and not _is_judged(cell)
        wanted = cell.grade_id.removeprefix("check_")
        name = cell.grade_id if written else wanted if wanted in solutions else latest or wanted
        name = cell.grade_id if asserted and name in judged else name
        earlier = tasks[name].grade_cells if name in tasks else ()
        tasks[name] = Task(name, written, (*earlier, (cell.grade_id, cell.points)), place, asserted)
    return list(tasks.values())


def _is_judged(cell: Cell) -> bool:
    """Whether a check calls the course's `check`, whose exercise the judge knows."""
    return bool(_CHECK.search(cell.source))


def plan(lab: Release, submitted: tuple[Cell, ...]) -> Plan:
    """What to run and to ask for one submission."""
    pairs = match(lab.cells, submitted)
    asked_at = {task.place: task.name for task in lab.tasks if not task.written}
    written_at = {task.place: task.name for task in lab.tasks if task.written}
    answers = written.answers(lab.cells, submitted, pairs, list(written_at))
    copies = {_text(cell): place for place, cell in enumerate(lab.cells) if not _is_function(cell)}
    steps = []
    for index, cell in enumerate(submitted):
        place = pairs[index] if index in pairs else copies.get(_text(cell))
        original = lab.cells[place] if place is not None else None
        if place in written_at or not _is_code(cell, original) or _is_replaced(index, cell, original, submitted):
            continue
        asks = (asked_at[place],) if index in pairs and place in asked_at else ()
        part = _part(cell, original)
        if part or asks:
            unchanged = original is not None and original.source.strip() == cell.source.strip()
            own = place if unchanged and not _is_function(original) else None
            steps.append(Step(index + 1, _source(cell, original) if part else "", part or "all", asks, own))
    return Plan(
        tuple(steps),
        {written_at[place]: answer for place, answer in answers.items()},
        tuple(_remarks(lab, submitted, pairs)),
    )


def with_modules(made: Plan, modules: dict[str, str]) -> Plan:
    """The plan with modules that are handed in beside the notebook, where its cells can import them.

    modules: file's name -> text.
    """
    files = [Step(0, f"%%writefile {name}\n{text}") for name, text in modules.items()]
    return replace(made, steps=(*files, *made.steps))


def _source(cell: Cell, original: Cell | None) -> str:
    """What is run of a cell. A changed set-up cell, also one of an older release, comes behind the lab's own."""
    if original is None or SET_UP not in original.tags or original.source.strip() == cell.source.strip():
        return cell.source
    return f"{original.source}\n\n{cell.source}"


def _is_code(cell: Cell, original: Cell | None) -> bool:
    """Code, or a solution that was turned into text by a slip of the keyboard."""
    return cell.kind == "code" or (original is not None and original.solution and original.kind == "code")


def _is_replaced(index: int, cell: Cell, original: Cell | None, submitted: tuple[Cell, ...]) -> bool:
    """An untouched scaffold whose function the learner wrote in another cell: run last, it would undo that."""
    if original is None or not _is_function(original) or cell.source.strip() != original.source.strip():
        return False
    others = (other for number, other in enumerate(submitted) if number != index and other.kind == "code")
    return any(original.grade_id in other.defined and other.source.strip() != cell.source.strip() for other in others)


def _part(cell: Cell, original: Cell | None) -> str:
    """How much of a cell is run: checks and long training not, but what a learner defined inside them is kept."""
    if original is None or not (_is_check(original) or EXPENSIVE & set(original.tags)):
        return "all"
    return "" if cell.source.strip() == original.source.strip() else "definitions"


def match(released: tuple[Cell, ...], submitted: tuple[Cell, ...]) -> dict[int, int]:
    """Index in the submission -> index in the release. By grade_id, id, text, defined names, then position."""
    pairs: dict[int, int] = {}
    for label in (_grade_id, _identity, _text):
        places = {label(cell): place for place, cell in reversed(list(enumerate(released))) if label(cell)}
        _pair(pairs, places, [label(cell) for cell in submitted])
    solutions = {cell.grade_id: place for place, cell in enumerate(released) if _is_function(cell)}
    names = [next(iter(sorted(cell.defined & solutions.keys())), "") for cell in submitted]
    _pair(pairs, solutions, names)
    return pairs | _by_position(released, submitted, pairs)


def _pair(pairs: dict[int, int], places: dict[str, int], labels: list[str]) -> None:
    """Add what is new on both sides: the first cell of the submission with a label gets the place of that label."""
    taken = set(pairs.values())
    for index, label in enumerate(labels):
        place = places.get(label)
        if index not in pairs and place is not None and place not in taken:
            pairs[index] = place
            taken.add(place)


def _grade_id(cell: Cell) -> str:
    return cell.grade_id


def _identity(cell: Cell) -> str:
    return cell.identity


def _text(cell: Cell) -> str:
    return cell.source.strip()


def _is_function(cell: Cell) -> bool:
    return cell.solution and not cell.grade and cell.kind == "code"


def _by_position(released: tuple[Cell, ...], submitted: tuple[Cell, ...], pairs: dict[int, int]) -> dict[int, int]:
    """Between two cells that are known, unknown ones belong together where there are as many of the same kinds."""
    found: dict[int, int] = {}
    known = [(-1, -1), *sorted(pairs.items()), (len(submitted), len(released))]
    for (index, place), (next_index, next_place) in pairwise(known):
        mine, theirs = range(index + 1, next_index), range(place + 1, next_place)
        kinds = [submitted[number].kind for number in mine]
        if kinds and kinds == [released[number].kind for number in theirs]:
            both = zip(mine, theirs, strict=True)
            found |= {number: place for number, place in both if not _is_check(released[place])}
    return found


def _is_check(cell: Cell) -> bool:
    return cell.grade and not cell.solution


def _remarks(lab: Release, submitted: tuple[Cell, ...], pairs: dict[int, int]) -> list[str]:
    remarks = []
    if not any(cell.grade_id for cell in submitted):
        remarks.append("The cells carry no grading metadata; they were found by their text and the names they define.")
    if written.is_of_another_edition(lab.cells, submitted, pairs):
        said = "its texts beside a question count as the lab's, and not as an answer"
        remarks.append(f"The notebook is of another edition of the lab: {said}.")
    counts = Counter(cell.grade_id for cell in submitted if cell.grade_id)
    remarks += [f"The cell {name} is there {count} times." for name, count in counts.items() if count > 1]
    places = set(pairs.values())
    for place, cell in enumerate(lab.cells):
        if cell.grade_id and place not in places:
            remarks.append(f"The cell {cell.grade_id} is missing.")
    order = [place for _, place in sorted(pairs.items()) if lab.cells[place].grade_id]
    if order != sorted(order):
        remarks.append("The cells stand in another order than in the lab.")
    for index, place in sorted(pairs.items()):
        original, cell = lab.cells[place], submitted[index]
        if original.grade_id and cell.kind != original.kind:
            remarks.append(f"The cell {original.grade_id} is of type {cell.kind}, in the lab {original.kind}.")
        elif _is_check(original) and cell.source.strip() != original.source.strip():
            remarks.append(f"The check {original.grade_id} was changed; what it says does not count.")
    return remarks
