"""Which of a student's files is graded, and what is said about the others?

A notebook of the usual name that lies alone is taken unread. In any other case the cells decide: the notebook that
holds the lab's cells is graded, of several the fullest, and the instructor is told which and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.marking import holdings
from grader.marking.folder import File
from grader.marking.matching import Release
from grader.notebook.notebooks import Cell, UnreadableError, parse, read_file
from grader.notebook.scripts import parse_script

_MOST_OPENED = 20
_MOST_NAMED = 5


@dataclass(frozen=True)
class Choice:
    """file: what is graded; None where nothing can be, for the reason in ``problem``. notes: a sentence each."""

    file: File | None = None
    problem: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Opened:
    """A file and what it is: so many answers of the lab (None: it is none of it), and a few words where not."""

    file: File
    content: bytes = b""
    answered: int | None = None
    words: str = ""


def cells_of(path: Path) -> tuple[Cell, ...]:
    """The cells of a notebook, or of a script exported from one. Raises UnreadableError."""
    content = read_file(path)
    return parse_script(content) if path.suffix.lower() == ".py" else parse(content)


def choose(files: Sequence[File], lab: Release, others: Sequence[Release] = ()) -> Choice:
    """The file to grade among a student's. others: the course's other labs, whose notebooks may lie there too."""
    files = [file for file in files if not _is_of(file, others)] if _has(files, lab) else list(files)
    notebooks = [file for file in files if file.is_notebook]
    if len(notebooks) == 1 and _is_usual(notebooks[0], lab):
        return Choice(notebooks[0], notes=_also_there(files, notebooks))
    for tried in (notebooks, [file for file in files if file.may_be_a_notebook], [f for f in files if f.is_script]):
        opened = [_open(file, lab, others) for file in tried[:_MOST_OPENED]]
        fitting = [each for each in opened if each.answered is not None]
        if fitting:
            return _fullest(fitting, opened, files, lab)
    usual = next((file for file in notebooks if _is_usual(file, lab)), None)
    only = notebooks[0] if len(notebooks) == 1 and not _is_readable(notebooks[0]) else None
    if usual or only:
        return Choice(usual or only, notes=_also_there(files, [usual or only]))
    return Choice(problem=_nothing(files, lab, others))


def _has(files: Sequence[File], lab: Release) -> bool:
    return any(file.is_notebook and file.stem == lab.name for file in files)


def _is_usual(file: File, lab: Release) -> bool:
    """Whether it is called as the lab is, and lies where it is looked for."""
    return file.shown in (f"{lab.name}.ipynb", f"{lab.name}/{lab.name}.ipynb")


def _is_of(file: File, others: Sequence[Release]) -> bool:
    """Whether it is called as another lab's notebook, or lies in that lab's folder."""
    names = {other.name for other in others}
    return bool(names & {file.stem, *Path(file.shown).parts[:-1]})


def _open(file: File, lab: Release, others: Sequence[Release]) -> _Opened:
    try:
        content = read_file(file.path)
        cells = cells_of(file.path)
    except UnreadableError as error:
        return _Opened(file, words=f"cannot be read: {str(error)[3:].rstrip('.')}")
    other = holdings.other_lab(lab, others, cells)
    if other is not None:
        return _Opened(file, content, words=f"{holdings.called(other)}'s notebook")
    if not holdings.held(lab, cells):
        return _Opened(file, content, words="holds none of the lab's cells")
    return _Opened(file, content, holdings.answered(lab, cells))


def _is_readable(file: File) -> bool:
    try:
        cells_of(file.path)
    except UnreadableError:
        return False
    return True


def _fullest(fitting: list[_Opened], opened: list[_Opened], files: Sequence[File], lab: Release) -> Choice:
    """The file with most answers; of several the one that is called as the lab."""
    best = max(fitting, key=lambda each: (each.answered, _is_usual(each.file, lab), each.file.stem == lab.name))
    notes = [] if _is_usual(best.file, lab) and len(fitting) == 1 else [_why(best, fitting, lab)]
    rivals = [each for each in fitting if each is not best]
    for each in rivals[:_MOST_NAMED]:
        same = "the same file" if each.content == best.content else f"answers {each.answered}"
        notes.append(f"Not graded: {each.file.shown} ({same}).")
    if any(each.answered == best.answered and each.content != best.content for each in rivals):
        notes.append("They answer as much: look which one counts.")
    notes += [f"Not graded: {each.file.shown} ({each.words})." for each in opened if each.words][:_MOST_NAMED]
    return Choice(best.file, notes=(*notes, *_also_there(files, [each.file for each in opened])))


def _why(best: _Opened, fitting: list[_Opened], lab: Release) -> str:
    name, asked = best.file.shown, holdings.questions(lab)
    if best.file.is_script:
        return f"Graded: {name}, a script exported from the notebook; no notebook holds the lab's cells."
    if len(fitting) > 1:
        return f"Graded: {name}, the fullest of {len(fitting)} files (answers {best.answered} of {asked})."
    return f"Graded: {name}, the only file that holds the lab's cells."


def _also_there(files: Sequence[File], known: Sequence[File]) -> tuple[str, ...]:
    rest = [file.shown for file in files if file not in known]
    return (f"Also there: {_named(rest)}.",) if rest else ()


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(name[:100] for name in names[:_MOST_NAMED]) + more


def _nothing(files: Sequence[File], lab: Release, others: Sequence[Release]) -> str:
    """What lies there instead of the lab's notebook; empty where nothing does."""
    if not files:
        return ""
    opened = [_open(file, lab, others) for file in files[:_MOST_OPENED] if file.is_notebook]
    words = {each.file: f" ({each.words})" for each in opened}
    there = _named([f"{file.shown}{words.get(file, '')}" for file in files])
    return f"There is no notebook {lab.name}.ipynb; there is {there}."
