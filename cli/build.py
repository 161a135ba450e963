"""Make a lab's notebooks from its source, or check that they still agree with it.

Writes labs/NN_name/NN_name.ipynb (what a learner opens: no solutions, no hidden tests, no outputs) and
solutions/NN_name/NN_name.ipynb (the solution, executed). Code runs only where the code, the library or the profile has
changed since the last time. --check executes nothing and writes nothing: it says which cell has drifted, and ends
with 1 where one has.
"""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("lab", metavar="NN", nargs="?", help="number of the lab, such as 02; all labs without it")
    parser.add_argument("--check", action="store_true", help="only compare the notebooks with the source")
    parser.add_argument("--profile", metavar="P", help="profile of the executed solution (COURSE_PROFILE, or embedded)")
    parser.add_argument("--again", action="store_true", help="execute the solution even if nothing has changed")


def main(args: argparse.Namespace, root: Path = ROOT) -> int:
    from cli._lab import find_lab, require_tables
    from grader.labs import lab_of, labs_in
    from utils.errors import CourseError

    labs = [lab_of(find_lab(args.lab, root / "solutions"))] if args.lab else labs_in(root)
    if not labs:
        raise CourseError(f"There is no lab in {root / 'solutions'}.")
    if args.check:
        return check_all(labs)

    from grader.build import build
    from utils.profiles import PROFILES

    profile = args.profile or os.environ.get("COURSE_PROFILE") or "embedded"
    if profile not in PROFILES:
        raise CourseError(f"There is no profile {profile!r}. Choose one of: {', '.join(PROFILES)}.")
    for lab in labs:
        require_tables(lab.source)
    for lab in labs:
        build(lab, profile, args.again)
    return 0


def check_all(labs) -> int:
    problems = {lab.number: problems_of(lab) for lab in labs}
    for number, sentences in problems.items():
        for sentence in sentences:
            print(sentence, file=sys.stderr)
        if sentences:
            print(f"Mend the source and then: python3 course.py build {number}", file=sys.stderr)
    if not any(problems.values()):
        print(f"The notebooks of {len(labs)} lab{'s' if len(labs) > 1 else ''} agree with their sources.")
    return int(any(problems.values()))


def problems_of(lab) -> list[str]:
    """What has drifted; a lab that cannot even be put together must not hide the others."""
    from cli._lab import require_tables
    from grader.build import check
    from utils.errors import CourseError

    try:
        require_tables(lab.source)
        return check(lab)
    except CourseError as error:
        return [str(error)]
