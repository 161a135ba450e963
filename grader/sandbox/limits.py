"""How much may one submission use?  Bounds for a whole tree of processes, watched from outside of it.

The kernel bounds a single process well and a tree badly: a limit on memory holds for each of a hundred children, and
a limit on processes does not bind root at all. So the supervisor looks at the whole tree fifty times a second and ends
it where a bound is passed; what the kernel can do by itself (``before_learner_code``) comes on top.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, fields

try:
    import resource
except ImportError:  # Windows: there is no sandbox, but what was graded elsewhere is read and shown
    resource = None

MEGABYTE = 1 << 20
_MOST_ASKED = 40  # times: each exercise of a lab, twice
MOST_PATIENCE = 10  # times its wall time, for a submission that other work keeps from running
_TICKS = os.sysconf("SC_CLK_TCK") if resource else 100


@dataclass(frozen=True)
class Limits:
    """cell_seconds: wall time of all cells together. ask_seconds: of all answers to one exercise. Time in which a
    submission was ready to run and had no core does not count: a busy machine takes nobody's points.

    cpu_seconds, memory, processes (threads count too): of the whole tree, for one attempt at a submission.
    memory: bytes beyond what the server had already. disk: bytes of all files written, file_size of one.
    files: open ones, of each process. answer: bytes of one answer.
    """

    cell_seconds: float = 60.0
    ask_seconds: float = 20.0
    cpu_seconds: float = 120.0
    memory: int = 2048 * MEGABYTE
    processes: int = 32
    files: int = 128
    file_size: int = 32 * MEGABYTE
    disk: int = 64 * MEGABYTE
    answer: int = 4 * MEGABYTE

    @property
    def wall_seconds(self) -> float:
        """What one attempt can take at most."""
        return self.cell_seconds + _MOST_ASKED * self.ask_seconds

    def pack(self) -> str:
        return " ".join(repr(getattr(self, each.name)) for each in fields(self))

    @staticmethod
    def unpack(text: str) -> Limits:
        values = (float(word) if "." in word else int(word) for word in text.split())
        return Limits(*values)


@dataclass(frozen=True)
class Usage:
    """Of a tree of processes. cpu: seconds. memory: bytes. tasks: processes and their threads."""

    cpu: float
    memory: int
    tasks: int


def tree(root: int) -> list[int]:
    """Process ids of ``root`` and everything below it, as far as /proc shows them."""
    found, waiting = [], [root]
    while waiting:
        process = waiting.pop()
        found.append(process)
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{thread}/children") as file:
                    waiting += map(int, file.read().split())
    return found


class Spent:
    """Computing time of each process that was ever seen: where its parent ignores its end, the kernel forgets it."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[int, str], float] = {}  # by number and start, for numbers come again

    def seen(self, process: int, started: str, seconds: float) -> None:
        self._seconds[process, started] = seconds

    def total(self) -> float:
        return sum(self._seconds.values())


def usage(roots: list[int], enough_memory: int, spent: Spent) -> Usage:
    """What the trees below ``roots`` use now. Shared pages are only told apart where the sum passes enough_memory."""
    processes = [process for root in roots for process in tree(root)]
    with_ended, tasks = 0.0, 0
    for process in processes:
        with contextlib.suppress(OSError, IndexError, ValueError):
            with open(f"/proc/{process}/stat", errors="replace") as file:
                values = file.read().rpartition(")")[2].split()
            times = [int(value) / _TICKS for value in values[11:15]]  # its own, and of children that it waited for
            spent.seen(process, values[19], sum(times[:2]))
            with_ended += sum(times)
            tasks += int(values[17])
    memory = sum(map(_resident, processes))
    if memory > enough_memory:
        memory = sum(map(_proportional, processes))
    return Usage(max(with_ended, spent.total()), memory, tasks)


def waited(process: int) -> float:
    """Seconds for which a process was ready to run and no core was free for it; 0 where the kernel does not count."""
    with contextlib.suppress(OSError, IndexError, ValueError), open(f"/proc/{process}/schedstat") as file:
        return int(file.read().split()[1]) / 1e9
    return 0.0


def own_memory() -> int:
    """Bytes that this process holds: what its forks start with."""
    return _resident(os.getpid())


def _resident(process: int) -> int:
    return _kilobytes(f"/proc/{process}/status", ("RssAnon:", "RssShmem:"))


def _proportional(process: int) -> int:
    """Pages that several processes share, divided among them; all of them where the kernel does not say."""
    shared = _kilobytes(f"/proc/{process}/smaps_rollup", ("Pss_Anon:", "Pss_Shmem:"))
    return shared or _resident(process)


def _kilobytes(path: str, keys: tuple[str, ...]) -> int:
    with contextlib.suppress(OSError), open(path, errors="replace") as file:
        return 1024 * sum(int(line.split()[1]) for line in file if line.startswith(keys))
    return 0


def passed(limits: Limits, used: Usage, baseline: int) -> str:
    """The name of the bound that a tree has passed, or an empty text. baseline: bytes a fork starts with."""
    if used.memory - baseline > limits.memory:
        return "memory"
    if used.tasks > limits.processes:
        return "processes"
    return "timeout" if used.cpu > limits.cpu_seconds else ""


def before_learner_code(limits: Limits, confined: bool) -> None:
    """The kernel's own bounds, for this process and each that it starts. They cannot be raised again.

    confined: in a user namespace of its own, where a count of processes counts these alone.
    """
    bounds = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: int(limits.cpu_seconds) + 1,
        resource.RLIMIT_FSIZE: limits.file_size,
        resource.RLIMIT_NOFILE: limits.files,
    }
    size = _kilobytes("/proc/self/status", ("VmSize:",))
    if size:
        bounds[resource.RLIMIT_AS] = size + limits.memory
    if confined:
        bounds[resource.RLIMIT_NPROC] = limits.processes
    for bound, value in bounds.items():
        _, hard = resource.getrlimit(bound)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(bound, (value, value))
