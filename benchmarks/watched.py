"""What does a command cost?  Wall and core seconds of it with all that it starts, and the memory of the whole tree.

The largest process is not the memory, and pages that forks share count once. Memory is sampled in runs of their own,
because sampling costs time.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

_LOOK_SECONDS = 0.5


def watched(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    done: Callable[[], str] = str,
    memory: bool = False,
) -> dict:
    """Run a command and say what it cost: wall, core (its own tree) and machine_core (all of the machine's) seconds.

    done: says how far it is, for a line on the terminal. memory: also peak_mb, sampled twice a second: the sum over all
    of its processes of PSS, in which a page that several share counts once; or of RSS where the system hides PSS, and
    then peak_is says so. Raises RuntimeError, with the end of what it said, where the command fails.
    """
    busy, began, peak, shown = _busy(), time.monotonic(), 0, ""
    kind = "PSS"
    with open(log, "w+", encoding="utf-8") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
                if memory:
                    now, kind = _tree_bytes(process.pid, kind)
                    peak = max(peak, now)
                if (words := done()) != shown:
                    shown = words
                    print(f"\r{shown}, {time.monotonic() - began:.0f} s ", end="", file=sys.stderr, flush=True)
                time.sleep(_LOOK_SECONDS)
        except BaseException:
            process.terminate()
            raise
        _, status, usage = ended
        process.returncode = os.waitstatus_to_exitcode(status)
    if shown:
        print(file=sys.stderr)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} failed: {log.read_text(encoding='utf-8')[-2000:]}")
    cost = {
        "wall": round(time.monotonic() - began, 2),
        "core": round(usage.ru_utime + usage.ru_stime, 2),
        "machine_core": round(_busy() - busy, 2),
    }
    return cost | ({"peak_mb": peak >> 20, "peak_is": kind} if memory else {})


def _busy() -> float:
    """Core seconds that the whole machine has worked since it started."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "steal", 0.0)


def _tree_bytes(pid: int, kind: str) -> tuple[int, str]:
    """Memory of a process and all below it, and which measure was taken."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                try:
                    total += process.memory_full_info().pss
                except (psutil.AccessDenied, AttributeError):
                    kind, total = "RSS", total + process.memory_info().rss
    return total, kind
