"""Run the course's own tests: all of them, those about one lab (--lab 04) or about one exercise (course.py test NAME).

Every argument that is not one of those below goes to pytest: paths, -k, -x, -m ... The slow tests, marked `nightly`,
are left out unless --nightly asks for them. All tests, or a lab's, are shared by several processes; with another choice
they run in this process, where a debugger can follow them.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from utils.errors import CourseError
from utils.machine.workspace import ROOT

PASS_THROUGH = True
# Of a file, or of a lab in a file, all tests go to one process (tests/conftest.py); in the order of folders.
BY_FILE = ("--dist", "loadfile", "--no-loadscope-reorder")
MOST_WORKERS = 4  # each loads torch, and some train


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "course.py test [EXERCISE] [--lab NN] [--nightly] [--workers N] [pytest arguments]"
    parser.add_argument("--lab", metavar="NN", help="only the tests about this lab")
    parser.add_argument("--nightly", action="store_true", help="run the slow tests too")
    parser.add_argument("--workers", metavar="N", type=int, help="processes that share the work (0: none but this one)")


def main(args: argparse.Namespace) -> int:
    import pytest

    chosen = [*lab_option(args.lab), *exercises_as_options(args.rest)]
    os.chdir(ROOT)
    workers = args.workers if args.workers is not None else workers_for(args.rest)
    shared = ["-n", str(workers), *BY_FILE] if workers > 1 else []
    if shared:
        share_cores(workers)
    return int(pytest.main([*shared, *(["--nightly"] if args.nightly else []), *chosen]))


def lab_option(number: str | None) -> list[str]:
    """The option for pytest.  Raises CourseError for a lab that there is not."""
    from grader.notebook.labs import find_source, lab_of

    return [] if number is None else ["--lab", lab_of(find_source(number, ROOT / "solutions")).number]


def exercises_as_options(arguments: Sequence[str]) -> list[str]:
    """What goes to pytest, exercises at the start as options.  Raises CourseError for a word that means nothing."""
    from grader.notebook.labs import labs_in

    known = [name for lab in labs_in(ROOT) for name in lab.exercises]
    words = list(arguments)
    chosen = []
    while words and not words[0].startswith("-"):
        word = words.pop(0)
        if word in known:
            chosen += ["--exercise", word]
        elif Path(ROOT, word.partition("::")[0]).exists():
            chosen.append(word)
        else:
            raise CourseError(f"{word!r} is neither a path nor an exercise. The exercises are: {', '.join(known)}.")
    return [*chosen, *words]


def workers_for(arguments: Sequence[str]) -> int:
    """How many processes are worth starting: one a core for the whole suite, one for what somebody picked."""
    return 0 if arguments else min(os.cpu_count() or 1, MOST_WORKERS)


def share_cores(workers: int) -> None:
    """Processes whose threads outnumber the cores wait for one another; what they start inherits their share."""
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))
