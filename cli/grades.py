"""Write grades.csv: one row a student, with late work counted; and the files that Canvas and Moodle import.

    python3 course.py grades --class school --out graded
    python3 course.py grades --class school --out graded --canvas gradebook.csv --moodle 02=worksheet.csv

Deadlines, extensions and the penalty stand in DIR/late.toml of --class, or in --late (docs/school.md shows one). The
files that Canvas and Moodle import are made from their own exports, which --canvas and --moodle name. A grade with
parts that wait to be marked stays out of them.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from cli._school import add_arguments

    add_arguments(parser)
    parser.add_argument("--decimal-comma", action="store_true", help="write 7,5 for 7.5")
    parser.add_argument("--canvas", metavar="EXPORT", type=Path, help="Canvas' gradebook export, to fill in")
    parser.add_argument(
        "--title", metavar="NN=TITLE", action="append", default=[], help="a lab's assignment in Canvas (Lab NN)"
    )
    parser.add_argument(
        "--moodle", metavar="NN=WORKSHEET", action="append", default=[], help="a lab's grading worksheet, to fill in"
    )
    parser.add_argument("--absent-zero", action="store_true", help="a 0 for nothing handed in, not an empty cell")


def main(args: argparse.Namespace) -> int:
    from cli._school import Class, named
    from grader.school import exports, grades

    school = Class.of(args)
    titles, worksheets = named(args.title, school.labs), named(args.moodle, school.labs)
    decimal = "," if args.decimal_comma else "."
    grades.write(args.out / "grades.csv", school.grades, decimal)
    school.tell()
    settings = exports.Settings(decimal, args.absent_zero)
    if args.canvas:
        wanted = {lab: [titles[lab]] if lab in titles else _usual(lab) for lab in school.labs}
        rows = [row for of_lab in school.intake.values() for row in of_lab]
        made = exports.canvas(args.canvas, args.out / "canvas.csv", school.grades, wanted, rows, settings)
        _say("Canvas", made)
    for lab, worksheet in worksheets.items():
        target = args.out / f"moodle_{lab}.csv"
        _say("Moodle", exports.moodle(Path(worksheet), target, school.grades, lab, school.intake[lab], settings))
    print(f"Grades: {args.out / 'grades.csv'}")
    return 0


def _usual(lab: str) -> list[str]:
    number = lab.partition("_")[0]
    return [lab, f"Lab {int(number)}", f"Lab {number}", number] if number.isdigit() else [lab]


def _say(system: str, made) -> None:
    print(f"For {system}: {made.path}, {made.filled} grades filled in.")
    for remark in made.remarks:
        print(f"  {remark}")
    for words, names in (
        ("wait to be marked and stay as they were", made.waiting),
        ("have no grade here", made.unknown),
    ):
        if names:
            print(f"  {len(names)} {words}: {', '.join(map(repr, names[:10]))}{', …' if len(names) > 10 else ''}")
