"""Run the course's own tests.

Every argument that is not one of those below goes to pytest: paths, -k, -x, -m ... The slow tests, marked `nightly`,
are left out unless --nightly asks for them. Without an argument for pytest, several processes share the work, a file of
tests at a time; with one, such as a path, the tests run in this process, where a debugger can follow them.
"""

import argparse
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PASS_THROUGH = True
BY_FILE = ("--dist", "loadfile", "--no-loadscope-reorder")  # in the order of folders: the longest files come early
MOST_WORKERS = 4  # each loads torch, and some train


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "course.py test [--nightly] [--workers N] [pytest arguments]"
    parser.add_argument("--nightly", action="store_true", help="run the slow tests too")
    parser.add_argument("--workers", metavar="N", type=int, help="processes that share the work (0: none but this one)")


def main(args: argparse.Namespace) -> int:
    import pytest

    os.chdir(ROOT)
    workers = args.workers if args.workers is not None else workers_for(args.rest)
    shared = ["-n", str(workers), *BY_FILE] if workers > 1 else []
    if shared:
        share_cores(workers)
    return int(pytest.main([*shared, *(["--nightly"] if args.nightly else []), *args.rest]))


def workers_for(arguments: list[str]) -> int:
    """How many processes are worth starting: one a core for the whole suite, one for what somebody picked."""
    return 0 if arguments else min(os.cpu_count() or 1, MOST_WORKERS)


def share_cores(workers: int) -> None:
    """Processes whose threads outnumber the cores wait for one another; what they start inherits their share."""
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))
