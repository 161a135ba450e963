"""Keep memory that a step frees for the next step.

A table of logits is megabytes large.  The C library of Linux takes such a block from the system and hands it back when
it is freed, and the system clears every page of it anew, step after step: a fifth of a training step on a CPU.  No
profile of the operators shows this time under its own name.
"""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # mallopt's names for them, in malloc.h
LARGEST_KEPT = 32 * 2**20  # the largest that glibc allows; larger blocks are handed back as before
KEPT = 2**30


def keep_freed_memory() -> bool:
    """Let this process keep up to 1 GB of freed memory, in blocks of up to 32 MB; returns whether it will.

    Only glibc can be told so.  Elsewhere nothing changes.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # macOS, musl; Windows has no library of that name
        return False
    return all(mallopt(*option) == 1 for option in ((MMAP_THRESHOLD, LARGEST_KEPT), (TRIM_THRESHOLD, KEPT)))
