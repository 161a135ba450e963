"""How torch's threads wait for each other: asleep, and not by asking again and again.

A thread that asks again and again holds a core. With the machine to itself that saves a little. With one other program
on as many threads, each waits for a core that the other's waiting thread holds, and a training takes many times as long
(benchmarks/waiting.py).
"""

from __future__ import annotations

import os

SETTINGS = {
    "OMP_WAIT_POLICY": "PASSIVE",  # the OpenMP that torch brings on Linux and Windows
    "KMP_BLOCKTIME": "0",  # Intel's and LLVM's, also on a Mac; milliseconds
}


def wait_asleep() -> None:
    """Set it for this process, before torch is loaded, and for those that it starts; the user's own settings stay."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
