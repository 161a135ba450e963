"""utils.allocator: memory that was freed serves again, and where the C library cannot be told nothing breaks."""

import ctypes
import platform
import subprocess
import sys

import pytest

from utils.allocator import keep_freed_memory
from utils.workspace import ROOT

PROGRAM = """
import resource, sys
import torch
from utils.allocator import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.ones(2**22)
before = faults()
for _ in range(60):
    table = torch.ones(2**22)  # 16 MB
    table = table + 1
print(faults() - before)
"""


def _faults(kind: str) -> int:
    command = [sys.executable, "-c", PROGRAM, kind]
    return int(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep freed memory")
def test_tables_of_logits_are_not_taken_from_the_system_again_and_again():
    assert _faults("keep") < _faults("default") / 4


def test_a_c_library_that_cannot_be_told_changes_nothing(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert keep_freed_memory() is False
