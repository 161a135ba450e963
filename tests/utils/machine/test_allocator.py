"""Memory that was freed serves again, and where the C library cannot be told nothing breaks."""

import ctypes
import platform
import subprocess
import sys

import pytest

from utils.machine.allocator import keep_freed_memory
from utils.machine.workspace import ROOT

PROGRAM = """
import ctypes, sys
import torch
from utils.machine.allocator import keep_freed_memory

class Counts(ctypes.Structure):  # struct mallinfo2, in malloc.h
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost").split()]

if sys.argv[1] == "keep":
    assert keep_freed_memory()
library = ctypes.CDLL(None)
library.mallinfo2.restype = Counts
tables = [torch.ones(6 * 2**20) for _ in range(4)]  # 24 MB each
del tables
print(library.mallinfo2().fordblks)
"""


def _bytes_kept(kind: str) -> int:
    command = [sys.executable, "-c", PROGRAM, kind]
    return int(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or not hasattr(ctypes.CDLL(None), "mallinfo2"),
    reason="only glibc can be told to keep freed memory, and only from 2.33 on does it tell how much it keeps",
)
def test_freed_tables_of_logits_stay_with_the_process():
    """Counted in bytes, not in page faults: a system with huge pages has hardly any faults either way."""
    assert _bytes_kept("default") < 24 * 2**20
    assert _bytes_kept("keep") >= 4 * 24 * 2**20


def test_a_c_library_that_cannot_be_told_changes_nothing(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert keep_freed_memory() is False
