"""Zip the feedback of a lab so that Canvas and Moodle hand each page to its student.

    python3 course.py handback 02 --class school --out graded

Moodle: Assignment, View all submissions, Upload multiple feedback files in a zip. Canvas: the assignment's menu in the
gradebook, Re-Upload Submissions; there the page is a notebook, because Canvas shows it under the submission's name.
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from cli._school import add_arguments

    parser.add_argument("lab", metavar="NN", help="number of the lab, such as 02")
    add_arguments(parser)


def main(args: argparse.Namespace) -> int:
    from cli._school import Class
    from grader.notebook.labs import is_called
    from grader.school import handback
    from utils.errors import CourseError

    school = Class.of(args)
    lab = next((lab for lab in school.labs if is_called(lab, args.lab)), None)
    if lab is None:
        raise CourseError(f"Lab {args.lab} is not graded in {str(args.out)!r} (there: {', '.join(school.labs)}).")
    made = handback.write(args.out, lab, school.intake[lab], args.out / f"feedback_{lab}.zip")
    print(f"{made.files} pages: {made.path}")
    if made.without:
        print(f"{len(made.without)} have no feedback yet: {', '.join(made.without[:10])}.")
    return 0
