"""Make what you hand out to learners of a lab, with new hidden tests for an exam if you give a seed.

Writes release/NN_name/ (never labs/ or solutions/) and keeps the hidden tests in the gradebook, where nbgrader's
autograde finds them. The hidden tests in solutions/ are as public as the repository; for an exam choose a seed of your
own and keep it and the gradebook to yourself. `course.py grade` draws fresh probes anyway.

With --archive it makes one zip of the course for learners instead: labs, library and models, without solutions, grader,
tests and benchmarks. NN then names the only lab in it; without NN all are.
"""

import argparse
from pathlib import Path

from utils.machine.workspace import ROOT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("lab", metavar="NN", nargs="?", help="number of the lab, such as 02")
    parser.add_argument("--archive", action="store_true", help="make release/course.zip, the course as learners get it")
    parser.add_argument("--seed", metavar="N", type=int, help="draw new probes for the hidden tests from this number")
    parser.add_argument("--db", metavar="URL", help="nbgrader's gradebook: a file or a database URL (gradebook.db)")


def main(args: argparse.Namespace, root: Path = ROOT) -> int:
    from grader.notebook.labs import find_source, lab_of
    from grader.notebook.release import release
    from utils.errors import CourseError

    if args.archive:
        return _archive(args, root)
    if args.lab is None:
        raise CourseError(
            "Say which lab to release: course.py release 02. For all at once: course.py release --archive."
        )

    folder = release(lab_of(find_source(args.lab, root / "solutions")), args.seed, args.db)
    print(f"For the learners: {folder}")
    probes = "the repository's own" if args.seed is None else f"new ones, drawn from seed {args.seed}"
    print(f"Hidden tests: {probes}; kept in {args.db or root / 'gradebook.db'} for nbgrader autograde.")
    return 0


def _archive(args: argparse.Namespace, root: Path) -> int:
    from grader.school import archive
    from utils.errors import CourseError

    if args.seed is not None or args.db is not None:
        raise CourseError("--seed and --db are for hidden tests, and an archive holds none: leave them out.")
    made = archive.write(root, root / "release" / "course.zip", args.lab)
    print(f"For the learners: {made.path} ({made.megabytes:.0f} MB, {made.files} files; {', '.join(made.labs)})")
    print("It holds no solution and no grader. Its library holds the mathematics: docs/school.md says what that means.")
    return 0
