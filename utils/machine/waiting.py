"""How torch's threads wait for each other: they ask again and again for a short while, and then sleep.

A thread that asks again holds a core. With the machine to itself that saves the time of waking up. With one other
program on as many threads, each waits for a core that the other's waiting thread holds, and a training takes many times
as long. So many questions as here cost a lone run nothing, and one beside another little (benchmarks/waiting.py).
"""

from __future__ import annotations

import os

SETTINGS = {
    "OMP_WAIT_POLICY": "PASSIVE",  # the OpenMP that torch brings on Linux and Windows
    "GOMP_SPINCOUNT": "1500",  # how often it asks before it sleeps; its own number is 300,000
    "KMP_BLOCKTIME": "0",  # Intel's and LLVM's, also on a Mac; milliseconds
}


def wait_briefly() -> None:
    """Set it for this process, before torch is loaded, and for those that it starts; a user's own settings stay."""
    if not SETTINGS.keys() & os.environ.keys():  # one of them alone would be half of the user's, half of ours
        os.environ.update(SETTINGS)
