"""Which notebook is the learner's own?  Copies of labs/ in my_labs/, made once, and never changed by the course.

Neither an update nor a second start may overwrite an evening's work. A copy appears under its name only when it is
whole, and starting anew moves the old one aside before it makes another.
"""

import json
import os
import shutil
from datetime import datetime
from pathlib import Path

from utils.errors import CourseError
from utils.machine.lab_names import METADATA, PATTERN, is_called

MINE = "my_labs"


def released_labs(root: Path) -> list[Path]:
    """The folders of labs/ that hold their notebook."""
    return [folder for folder in sorted((root / "labs").glob(PATTERN)) if (folder / f"{folder.name}.ipynb").is_file()]


def copy_missing(root: Path) -> list[Path]:
    """Copy every lab that the learner does not have yet; returns the new folders."""
    made = []
    for released in released_labs(root):
        mine = root / MINE / released.name
        if not (mine / f"{released.name}.ipynb").exists():
            copy_lab(released, mine)
            made.append(mine)
    return made


def copy_lab(released: Path, mine: Path) -> None:
    """Copy a lab's folder; one of the learner's that is there already keeps every file it has."""
    partial = mine.with_name(f".{mine.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(released, partial, ignore=shutil.ignore_patterns(".ipynb_checkpoints"), copy_function=copy_file)
        if not mine.exists():
            partial.replace(mine)
            return
        for path in sorted(partial.rglob("*")):
            target = mine / path.relative_to(partial)
            if path.is_dir():
                target.mkdir(exist_ok=True)
            elif not target.exists():
                path.replace(target)
        shutil.rmtree(partial)
    except OSError as error:
        raise CourseError(
            f"Your copy of {mine.name} could not be made in {mine.parent} ({error.strerror}). Free some space, or copy "
            "the course into a folder of your own."
        ) from None


def copy_file(source: str, target: str) -> None:
    """Copy content without permissions: the course may be read-only, the copy is the learner's own."""
    shutil.copyfile(source, target)
    os.chmod(target, 0o644)


def others(notebook: Path) -> list[Path]:
    """Notebooks of the same lab beside the learner's, such as one that was given another name."""
    beside = sorted(notebook.parent.glob("*.ipynb"))
    return [path for path in beside if path != notebook and lab_of(path) == notebook.stem]


def find_copy(root: Path, number: str) -> Path:
    """The learner's notebook of a lab ("2", "02" or its name).  Raises CourseError that lists them."""
    labs = {folder.name: root / MINE / folder.name / f"{folder.name}.ipynb" for folder in released_labs(root)}
    if not labs:
        raise CourseError(f"There is no lab in {root / 'labs'}. Get a whole copy of the course.")
    for name, notebook in labs.items():
        if is_called(name, number):
            return notebook
    raise CourseError(f"There is no lab '{number}'. There are: {', '.join(labs)}.")


def start_anew(root: Path, notebook: Path) -> Path:
    """Move the learner's copy aside, make a new one, and return where the old one is."""
    mine = notebook.parent
    name = f"{mine.name}.kept-{datetime.now().strftime('%Y-%m-%d')}"
    kept = mine.with_name(name)
    count = 1
    while kept.exists():
        count += 1
        kept = mine.with_name(f"{name}-{count}")
    mine.replace(kept)
    copy_lab(root / "labs" / mine.name, mine)
    return kept


def is_outdated(root: Path, notebook: Path) -> bool:
    """Whether the course's lab has another version than the one that the learner's copy was made from."""
    mine, released = version(notebook), version(root / "labs" / notebook.parent.name / notebook.name)
    return bool(mine and released) and mine != released


def version(notebook: Path) -> str:
    """The version that the build wrote into a notebook, "" where there is none."""
    return written_into(notebook, "version")


def lab_of(notebook: Path) -> str:
    """The lab that a notebook was copied from, whatever it is called now, "" where that is not known."""
    return written_into(notebook, "lab")


def written_into(notebook: Path, key: str) -> str:
    """What the build wrote into a notebook, "" where there is nothing of it."""
    try:
        return str(json.loads(notebook.read_text(encoding="utf-8"))["metadata"][METADATA][key])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
