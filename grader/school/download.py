"""A download of submissions, a zip or a folder of strangers' files, read within bounds.

What Canvas and Moodle make has no entry that leads out of its folder, no link and no password. An archive that has one
was made by somebody else, and nothing of it is unpacked. Sizes are looked at before anything is written.
"""

from __future__ import annotations

import os
import shutil
import stat
import unicodedata
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO

from utils.errors import CourseError
from utils.machine.files import require_open

MOST_FILES = 20_000
MOST_BYTES_PER_FILE = 256 << 20
MOST_BYTES = 4 << 30
_JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class Item:
    """One file. path: inside of the download. problem: why it is not copied, or ""."""

    path: PurePosixPath
    size: int
    changed: datetime
    source: zipfile.ZipInfo | Path
    problem: str = ""


class Download:
    """The files of a zip or a folder, and their content."""

    def __init__(self, items: list[Item], archive: zipfile.ZipFile | None):
        self.items = items
        self._archive = archive

    def copy(self, item: Item, target: Path) -> None:
        """Write one file. Raises CourseError where it cannot be read whole."""
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._open(item) as source, open(target, "xb") as copy:
                shutil.copyfileobj(source, copy)
        except PermissionError as error:
            raise CourseError(f"{str(item.path)!r} cannot be read ({error.strerror}): allow it, or copy it.") from None
        except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
            raise CourseError(f"{str(item.path)!r} cannot be unpacked ({error}): download it again.") from None

    def text(self, item: Item, most: int) -> str:
        """The beginning of a file, as text."""
        with self._open(item) as source:
            return source.read(most).decode("utf-8", "replace")

    def _open(self, item: Item) -> IO[bytes]:
        if isinstance(item.source, Path):
            return open(item.source, "rb")
        assert self._archive is not None
        return self._archive.open(item.source)


@contextmanager
def opened(path: Path) -> Iterator[Download]:
    """The download at a path. Raises CourseError where it is none, too large, or made to do harm."""
    if path.is_dir():
        yield Download(_bounded(path, [_from_folder(path, file) for file in sorted(_files(path))]), None)
        return
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise CourseError(f"{str(path)!r} is neither a folder nor a zip that can be read ({reason}).") from None
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        yield Download(_bounded(path, [_from_zip(path, entry) for entry in entries]), archive)


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder, links among them. Raises CourseError where a folder may not be looked into."""
    require_open(folder)
    for place, folders, files in os.walk(folder):
        for path in (Path(place, name) for name in folders):
            if path.is_symlink():
                yield path
            else:
                require_open(path)
        yield from (Path(place, name) for name in files)


def _bounded(path: Path, items: list[Item]) -> list[Item]:
    found = [item for item in items if not _is_junk(item.path)]
    total = sum(item.size for item in found if not item.problem)
    if len(found) > MOST_FILES or total > MOST_BYTES:
        raise CourseError(
            f"{str(path)!r} holds {len(found):,} files of {total / 1e9:,.1f} GB together, and at most {MOST_FILES:,} of"
            f" {MOST_BYTES / 1e9:.1f} GB are unpacked. Nothing was. Is it a download of submissions?"
        )
    if not found:
        raise CourseError(f"{str(path)!r} holds no files.")
    return found


def _is_junk(path: PurePosixPath) -> bool:
    return any(part in _JUNK or part.startswith("._") for part in path.parts)


def _from_folder(root: Path, file: Path) -> Item:
    about = file.lstat()
    inside = PurePosixPath(unicodedata.normalize("NFC", file.relative_to(root).as_posix()))
    problem = "" if stat.S_ISREG(about.st_mode) else "It is a link or no ordinary file, and was not copied."
    return Item(inside, about.st_size, _moment(about.st_mtime), file, problem or _too_large(about.st_size))


def _from_zip(archive: Path, entry: zipfile.ZipInfo) -> Item:
    name = _name(entry)
    path = PurePosixPath(name)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    leads_out = path.is_absolute() or ".." in path.parts or "\\" in name or name[1:2] == ":"
    problem = (
        "which leads out of the folder" if leads_out
        else "a link or no ordinary file" if kind not in (0, stat.S_IFREG)
        else "which has a password" if entry.flag_bits & 1
        else ""
    )  # fmt: skip
    if problem:
        raise CourseError(
            f"{str(archive)!r} holds {name[:100]!r}, {problem}. Neither Canvas nor Moodle makes such an archive;"
            " nothing of it was unpacked."
        )
    changed = datetime(*entry.date_time) if entry.date_time[1] else datetime(1980, 1, 1)
    return Item(path, entry.file_size, changed.astimezone(), entry, _too_large(entry.file_size))


def _name(entry: zipfile.ZipInfo) -> str:
    """The entry's name. Programs that write UTF-8 without saying so are understood too."""
    name = entry.orig_filename
    if not entry.flag_bits & 0x800:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return unicodedata.normalize("NFC", name)


def _too_large(size: int) -> str:
    if size <= MOST_BYTES_PER_FILE:
        return ""
    return f"It has {size / 1e6:,.0f} MB and was not copied: at most {MOST_BYTES_PER_FILE / 1e6:.0f} MB are."


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds).astimezone()
