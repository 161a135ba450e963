"""Ways out of a lab: the labs before and after it, its solution, and the glossary.

All links are relative. They lead to the same places from labs/, from solutions/ and from a learner's my_labs/.
"""

from __future__ import annotations

import re
from pathlib import Path

from grader.notebook.labs import Lab, labs_in
from utils.errors import CourseError

WAYS_ON = "ways-on"  # the id of the cell that the build writes at the end of a lab

GLOSSARY = Path("docs") / "glossary.md"
_LAST_HINT = re.compile(r"<details><summary>Hint 3.*?(?=</details>)", re.DOTALL)
_ENTRY = re.compile(r"^## (.+)\n+((?:.+\n?)+)", re.MULTILINE)


def title(lab: Lab) -> str:
    """The lab's own title, such as "Lab 1. What a teacher knows"."""
    found = re.search(r"^# # (.+)$", lab.source.read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise CourseError(f"{lab.source.name} has no title: begin its first cell with '# Lab …'.")
    return found[1].strip()


def neighbours(lab: Lab) -> str:
    """Links to the labs before and after this one, and to the list of all."""
    labs = labs_in(lab.root)
    place = [other.name for other in labs].index(lab.name)
    links = []
    if place:
        links.append(f"Before: [{title(labs[place - 1])}]({_notebook(labs[place - 1])})")
    if place + 1 < len(labs):
        links.append(f"Next: [{title(labs[place + 1])}]({_notebook(labs[place + 1])})")
    return " · ".join([*links, "[All labs](../../README.md#the-labs)", f"[Glossary](../../{GLOSSARY.as_posix()})"])


def end(lab: Lab) -> str:
    """The last cell of a lab."""
    return f"---\n\n[This lab, solved and executed]({_solution(lab)}) · {neighbours(lab)}"


def with_solutions(text: str, lab: Lab) -> str:
    """A lab's text, in which whoever has opened an exercise's last hint finds the solution."""
    pointer = f"\nStill stuck? [The solved lab]({_solution(lab)}) has this function under the same heading.\n\n"
    return _LAST_HINT.sub(lambda hint: hint[0].rstrip("\n") + "\n" + pointer, text)


def term(root: Path, shown: str, name: str = "") -> str:
    """A link to a word of the glossary, with its first sentence as a tooltip.  Raises CourseError for another word."""
    entries = glossary(root)
    name = name or shown
    if name not in entries:
        raise CourseError(f"The glossary has no {name!r}. It has: {', '.join(entries)}.")
    first = re.split(r"(?<=[.])\s", entries[name], maxsplit=1)[0].replace('"', "'")
    return f'[{shown}](../../{GLOSSARY.as_posix()}#{name.replace(" ", "-")} "{first}")'


def glossary(root: Path) -> dict[str, str]:
    """Each word of docs/glossary.md with its explanation."""
    path = root / GLOSSARY
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return {word.strip(): " ".join(words.split()) for word, words in _ENTRY.findall(text)}


def _notebook(lab: Lab) -> str:
    return f"../{lab.name}/{lab.name}.ipynb"


def _solution(lab: Lab) -> str:
    return f"../../solutions/{lab.name}/{lab.name}.ipynb"
