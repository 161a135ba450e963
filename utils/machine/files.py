"""What is wrong with a file?  Asked where something could not be read from the disk, to say the true reason."""

from __future__ import annotations

import json
import os
import struct
import zipfile
from pathlib import Path

from utils.errors import CourseError

_NOT_THE_FILE = (  # how a file begins, in small letters, and what it is then
    (
        b"version https://git-lfs",
        "is a pointer of git LFS and not the file itself: run `git lfs pull` where it came from",
    ),
    (b"<!doctype html", "is a web page, saved under this name: fetch the file itself"),
    (b"<html", "is a web page, saved under this name: fetch the file itself"),
    (b"%pdf-", "is a PDF, under this name"),
    (b"{\\rtf", "is a document in RTF, under this name"),
)
_WHOLE_FILE_SUFFIXES = (".gguf", ".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".onnx", ".zip", ".gz", ".tar")


def own_path(name: str | os.PathLike[str]) -> Path | None:
    """The path that a name means, `~` read as the home folder; None where it can only be a name on the hub.

    A hub name is NAME or OWNER/NAME, so a name is a path where something lies there, or where it looks like none of
    these.  Raises CourseError where the name is empty: as a path that would be the folder of this very program.
    """
    text = os.fspath(name)
    if not text.strip():
        raise CourseError("The name is empty. Give the path of a folder, or a name on the hub (OWNER/NAME).")
    path = Path(os.path.expanduser(text))
    is_path = path.is_absolute() or text.startswith((".", "~")) or "\\" in text or text.count("/") > 1
    return path if is_path or os.path.exists(path) or path.suffix in _WHOLE_FILE_SUFFIXES else None


def require_open(path: Path) -> None:
    """Raise CourseError where a folder on the way to a path, or the folder that it is, may not be looked into.

    Otherwise what lies there would seem not to be there.
    """
    try:
        if os.path.isdir(path):
            os.listdir(path)
            os.stat(os.path.join(path, "."))
        os.stat(path)
    except PermissionError:
        closed = next(folder for folder in (path, *path.parents) if os.path.isdir(folder))
        raise CourseError(
            f"The folder {str(closed)!r} may not be looked into (Permission denied). Give yourself the right to read "
            "it, or take a copy that is your own."
        ) from None
    except (OSError, ValueError):  # it is not there, or nothing can have this name: whoever looks for it says so
        return


def file_fault(path: Path) -> str:
    """What is wrong with a file, as the end of a sentence that begins with its name; "" where nothing is found."""
    try:
        if path.is_dir():
            return "is a folder, and a file is expected there"
        if path.is_symlink() and not path.exists():
            return f"is a link to {os.readlink(path)}, which is not there"
        if not path.exists():
            return "is not there"
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if not size:
        return "is empty: copy or fetch it again"
    for start, what in _NOT_THE_FILE:
        if head.lstrip().lower().startswith(start):
            return what
    kinds = {".json": _json_fault, ".jsonl": _json_lines_fault, ".safetensors": _safetensors_fault, ".bin": _zip_fault}
    kinds |= {".parquet": _parquet_fault}
    return kinds.get(path.suffix.lower(), lambda path: "")(path)


def _json_fault(path: Path) -> str:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # not JSON, or not UTF-8
        return f"is not whole JSON ({error}): copy it again"
    return ""


def _json_lines_fault(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            try:
                json.loads(line or "null") if line.strip() else None
            except ValueError as error:
                return f"has no JSON in its line {number} ({error})"
    return ""


def _safetensors_fault(path: Path) -> str:
    """The header says how long the file is."""
    size = path.stat().st_size
    with path.open("rb") as file:
        try:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > size:
                raise ValueError
            header = json.loads(file.read(length))
        except (struct.error, ValueError):
            return "is damaged: it does not begin as a safetensors file does. Copy or fetch it again"
    whole = 8 + length + max((entry["data_offsets"][1] for name, entry in header.items() if name[0] != "_"), default=0)
    return f"is damaged: it has {size:,} of {whole:,} bytes. Copy or fetch it again" if size != whole else ""


def _zip_fault(path: Path) -> str:
    """A pickle of torch's is a zip archive since torch 1.6; it may also be older."""
    with path.open("rb") as file:
        is_archive = file.read(2) == b"PK"
    return "is damaged: it is cut short. Copy or fetch it again" if is_archive and not zipfile.is_zipfile(path) else ""


def _parquet_fault(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(4)
        file.seek(-min(4, path.stat().st_size), os.SEEK_END)
        whole = content == file.read() == b"PAR1"
    return "" if whole else "is damaged or no parquet file. Copy or fetch it again"
