"""Root may read every file, and in a container tests run as root: here they lay that down for a while."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_VERSION = 0x20080522  # of the kernel's structures: two words for each set
_READ_AND_WRITE_ALL = 0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("process", ctypes.c_int)]


class _Sets(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]


@contextmanager
def as_an_ordinary_user() -> Iterator[None]:
    """Inside, this thread may read, write and enter only what its owner may.  Skips where there is no such thing."""
    if sys.platform != "linux":
        if os.name == "nt" or os.geteuid() == 0:
            pytest.skip("whoever owns a file here may always read it")
        yield
        return
    call, header, sets = ctypes.CDLL(None), _Header(_VERSION, 0), (_Sets * 2)()
    assert call.capget(ctypes.byref(header), sets) == 0
    before = sets[0].effective
    sets[0].effective = before & ~_READ_AND_WRITE_ALL
    assert call.capset(ctypes.byref(header), sets) == 0
    try:
        yield
    finally:
        sets[0].effective = before
        assert call.capset(ctypes.byref(header), sets) == 0
