"""Show what a class misunderstands: one page with figures and a CSV, from what `grade` wrote.

    python3 course.py report 02 --out graded

Exercises and mistakes are named, students only with --names. Marks given by hand count once `grade` has run again.
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("lab", metavar="NN", help="number of the lab, such as 02")
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("graded"), help="grade's folder (graded)")
    parser.add_argument("--names", action="store_true", help="also say who")


def main(args: argparse.Namespace) -> int:
    from grader.marking import report
    from utils.machine.workspace import write_whole

    found = report.summarise(report.read(args.out / "results.csv", args.lab))
    page, table = (args.out / f"report_{found.lab}.{kind}" for kind in ("html", "csv"))
    write_whole(page, report.as_html(found, args.names))
    write_whole(table, report.as_csv(found, args.names))
    for mistake in found.mistakes[:5]:
        print(f"{mistake.count:>4}  {mistake.exercise}: {mistake.name}")
    empty = f" ({found.empty} without any answer, counted as 0)" if found.empty else ""
    submissions = "1 submission" if found.students == 1 else f"{found.students} submissions"
    average = f"{100 * found.mean:.0f} % of the points on average" if found.shares else "nothing marked yet"
    print(f"{submissions}{empty}, {average}.")
    if found.waits:
        print(f"By hand: {found.waits}.")
    print(f"Report: {page}; numbers: {table}")
    return 0
