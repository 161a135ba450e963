"""What a submission can import: the versions of Python and of all packages, and the course's own library.

The same answer can be right with one of them and an error with another, so they belong to what a result depends on.
Nothing is imported to find out.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import sys
from pathlib import Path

from grader.sandbox.stage import ROOT

_RECORDS = (".dist-info", ".egg-info")


def versions() -> tuple[str, ...]:
    """Python and every installed package with its version, such as ``numpy-2.3.1``, in order."""
    found = {f"Python-{platform.python_version()}"}
    for folder in sys.path:
        with contextlib.suppress(OSError):
            names = [os.path.splitext(name) for name in os.listdir(folder or ".")]
            found |= {name for name, kind in names if kind in _RECORDS}
    return tuple(sorted(found))


def library(root: Path = ROOT) -> bytes:
    """A hash of the course's library, from which the sandbox's is made."""
    digest = hashlib.sha256()
    for path in sorted((root / "utils").rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.digest()
