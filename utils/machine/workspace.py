"""Where results and caches go: a folder is tried before an hour of training, not after it."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from utils.errors import CourseError

ROOT = Path(__file__).resolve().parents[2]


def output_folder(name: str) -> Path:
    """The folder for a lab's figures and checkpoints: $COURSE_OUT where it is set, else `outputs/NAME` in the course.

    It is made and tried before anything is computed.  Raises CourseError where it cannot be written.
    """
    folder = Path(os.environ.get("COURSE_OUT") or ROOT / "outputs" / name)
    require_writable(folder, megabytes=50, otherwise="set COURSE_OUT to another folder")
    return folder


def require_writable(folder: Path, megabytes: int, otherwise: str = "choose another folder") -> None:
    """Make `folder`; raise CourseError where a file cannot be written there or less than `megabytes` are free.

    otherwise: what the caller's user can do, as the end of a sentence.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as trial:
            trial.write(b"x")
    except OSError as error:
        raise CourseError(f"Nothing can be written to {str(folder)!r} ({error.strerror}): {otherwise}.") from error
    free = shutil.disk_usage(folder).free // 2**20
    if free < megabytes:
        raise CourseError(
            f"Only {free} MB are free for {str(folder)!r}; {megabytes} MB are needed: free some space, or {otherwise}."
        )


def write_whole(path: Path, text: str, otherwise: str = "choose another folder") -> None:
    """Write a file so that a reader, and a crash, see the old one or the new one.

    Unencodable characters become '?', so any text can be written.  otherwise: what the caller's user can do, as the end
    of a sentence.  Raises CourseError where it cannot be written.
    """
    content = text.encode("utf-8", "replace")
    draft = path.with_name(f".{path.name[:80]}.{os.getpid()}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(draft, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise CourseError(f"{str(path)!r} cannot be written ({error.strerror}): {otherwise}.") from error


def install_command(requirements: str, *options: str) -> str:
    """The line for a terminal, in whatever folder, that installs a requirements file of the course into this Python."""
    words = [sys.executable, "-m", "pip", "install", *options, "-r", str(ROOT / requirements)]
    words += [] if "--no-deps" in options else ["-c", str(ROOT / "constraints.txt")]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def cache_folder() -> Path | None:
    """The folder for what can be computed again: $COURSE_CACHE, else `.cache` in the course; None if not writable."""
    folder = Path(os.environ.get("COURSE_CACHE") or ROOT / ".cache")
    try:
        require_writable(folder, megabytes=50)
    except CourseError:
        return None
    return folder
