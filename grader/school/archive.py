"""The course as learners get it: one zip with labs, library and models, and no solution, grader, test or benchmark.

Files are named here, not left out by name: what an instructor keeps in the folder, such as a class or a gradebook,
never gets in. Of `benchmarks/` the recorded numbers come along, for labs draw them; of the commands `lab` and `doctor`.
"""

from __future__ import annotations

import ast
import contextlib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from utils.errors import CourseError
from utils.machine.lab_names import PATTERN, is_called

NAME = "distillation-course"
VERBS = ("lab", "doctor")
_FILES = (
    "course.py",
    "pyproject.toml",
    "environment.yml",
    "constraints.txt",
    "requirements*.txt",
    "LICENSE",
    "docs/*.md",
)
_TREES = ("utils/**/*", "benchmarks/results/*.json")
_JUNK = {"__pycache__", ".ipynb_checkpoints", ".DS_Store"}
README = """\
# Distil a language model, and know whether it worked

    python3 course.py lab        opens the labs in JupyterLab; your copies lie in my_labs/
    python3 course.py doctor     says what is on this computer

You need Python 3.11 to 3.14 (on Windows say `py` for `python3`). The first start makes `.venv` and says before it
downloads what and how much.
"""


@dataclass(frozen=True)
class Made:
    path: Path
    files: int
    megabytes: float
    labs: tuple[str, ...]


def write(root: Path, target: Path, lab: str | None = None) -> Made:
    """Write the archive. lab: the only one in it, by number or name. Raises CourseError where there is none."""
    names = [path.parent.name for path in sorted((root / "labs").glob(f"{PATTERN}/*.ipynb"))]
    labs = tuple(dict.fromkeys(name for name in names if lab is None or is_called(name, lab)))
    if not labs:
        raise CourseError(
            f"There is no released lab {lab or ''} in {str(root / 'labs')!r} (there: {', '.join(names)})."
        )
    files = sorted(set(_files(root, labs)))
    draft = target.with_suffix(".partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_entry("README.md"), README)
            for file in files:
                archive.writestr(_entry(file.relative_to(root).as_posix()), file.read_bytes())
        draft.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise CourseError(f"{str(target)!r} cannot be written ({error.strerror}).") from None
    return Made(target, len(files) + 1, target.stat().st_size / 1e6, labs)


def _entry(name: str) -> zipfile.ZipInfo:
    """The same file gives the same archive."""
    entry = zipfile.ZipInfo(f"{NAME}/{name}", (1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _files(root: Path, labs: tuple[str, ...]) -> Iterator[Path]:
    for pattern in (*_FILES, *_TREES, *(f"labs/{name}/**/*" for name in labs)):
        for path in root.glob(pattern):
            if path.is_file() and not path.is_symlink() and not _JUNK & set(path.relative_to(root).parts):
                yield path
    yield from commands(root / "cli")


def commands(folder: Path) -> set[Path]:
    """The modules of the verbs that learners get, with all that these import of the folder."""
    found, waiting = set(), ["__init__", "__main__", "_packages", *VERBS]  # course.py itself imports _packages
    while waiting:
        path = folder / f"{waiting.pop()}.py"
        if path in found:
            continue
        found.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cli."):
                waiting.append(node.module.removeprefix("cli."))
            elif isinstance(node, ast.ImportFrom) and node.module == "cli":
                waiting += [alias.name for alias in node.names]
    return found
