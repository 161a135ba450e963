"""Make a lab's notebooks from its source, or check that they still agree with it.

Writes labs/NN_name/NN_name.ipynb (what a learner opens: no solutions, no hidden tests, no outputs) and
solutions/NN_name/NN_name.ipynb (the solution, executed). Code runs only where it, what it uses (modules that it
imports, data that they read) or the profile has changed since the last time. --check executes nothing and writes
nothing: it says which cell has drifted, and ends with 1 where one has.
"""

import argparse
import sys
from pathlib import Path

from utils.machine.workspace import ROOT
from utils.models.profiles import PROFILES

USUAL = "embedded"
FREE_MEGABYTES = 10  # two notebooks, old and new


def add_arguments(parser: argparse.ArgumentParser) -> None:
    names = ", ".join(PROFILES)
    parser.add_argument("lab", metavar="NN", nargs="?", help="number of the lab, such as 02; all labs without it")
    parser.add_argument("--check", action="store_true", help="only compare the notebooks with the source")
    parser.add_argument(
        "--profile", metavar="P", help=f"of the executed solution: {names} (COURSE_PROFILE, or {USUAL})"
    )
    parser.add_argument("--again", action="store_true", help="execute the solution even if nothing has changed")


def main(args: argparse.Namespace, root: Path = ROOT) -> int:
    from cli._profiles import asked_for
    from grader.notebook.labs import find_source, lab_of, labs_in
    from utils.errors import CourseError

    profile = asked_for(args.profile, PROFILES) or USUAL
    labs = [lab_of(find_source(args.lab, root / "solutions"))] if args.lab else labs_in(root)
    if not labs:
        raise CourseError(f"There is no lab in {root / 'solutions'}.")
    if args.check:
        return check_all(labs)

    import jupytext

    from grader.notebook.build import build
    from grader.notebook.rules import require_rules

    for lab in labs:
        require_rules(jupytext.read(lab.source), lab)
        require_places(lab)
    for lab in labs:
        build(lab, profile, args.again)
    return 0


def require_places(lab) -> None:
    """Raise CourseError where a lab's notebooks cannot be written: executing takes minutes."""
    from utils.machine.workspace import require_writable

    for path in (lab.released, lab.solution):
        require_writable(path.parent, FREE_MEGABYTES, otherwise="build needs a course that it may write to")


def check_all(labs) -> int:
    problems = [problem for lab in labs for problem in problems_of(lab)]
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"The notebooks of {len(labs)} lab{'s' if len(labs) > 1 else ''} agree with their sources.")
    return int(bool(problems))


def problems_of(lab) -> list[str]:
    """What has drifted, and what to do; a lab that cannot even be put together must not hide the others."""
    from grader.notebook.build import check
    from utils.errors import CourseError

    command = f"python3 course.py build {lab.number}"
    try:
        drifted = check(lab)
    except CourseError as error:
        return [str(error), f"Mend that, and then: {command}"]
    return [*drifted, f"Build it again from its source, where changes belong: {command}"] if drifted else []
