"""Take a download of submissions from Canvas or Moodle in: sort it into the folders that `grade` reads.

    python3 course.py intake 02 submissions.zip --class school --roster class.csv

DOWNLOAD is the zip, or the folder that it was unpacked to. A roster is Canvas' gradebook export, Moodle's grading
worksheet or list of participants, or a CSV with id, name and email; give several where one lacks something. A later
download of the same lab replaces what the same students handed in before.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from utils.machine.workspace import ROOT

if TYPE_CHECKING:
    from grader.school.intake import Summary

_MOST_SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("lab", metavar="NN", help="number of the lab, such as 02")
    parser.add_argument("download", metavar="DOWNLOAD", type=Path, help="the zip, or a folder")
    parser.add_argument("--class", dest="home", metavar="DIR", type=Path, required=True, help="where the class is kept")
    parser.add_argument("--roster", metavar="FILE", type=Path, action="append", default=[], help="who is in the class")
    parser.add_argument("--timezone", metavar="NAME", default="", help="of times without one, such as Europe/Berlin")
    parser.add_argument("--file-times", action="store_true", help="take a file's own time where no other is known")
    parser.add_argument("--anonymous", action="store_true", help="give new folders names that say nothing")
    parser.add_argument("--labs", metavar="DIR", type=Path, default=ROOT / "labs", help="the released labs (labs)")


def main(args: argparse.Namespace) -> int:
    from cli.grade import find_release
    from grader.school import intake
    from grader.school.times import zone_called

    lab = find_release(args.lab, args.labs).stem
    settings = intake.Settings(
        lab, args.home, tuple(args.roster), zone_called(args.timezone), args.file_times, args.anonymous
    )
    _conclude(intake.run(args.download, settings), settings)
    return 0


def _conclude(summary: Summary, settings) -> None:
    lists = (
        ("are on no list and got a folder", [student.folder for student in summary.strangers]),
        ("of the class handed nothing in", [student.name or student.folder for student in summary.absent]),
        (f"do not say whose they are, and lie in {settings.home / 'unmatched' / settings.lab}", summary.unmatched),
    )
    print(f"{len(summary.rows)} files of {summary.students} students.")
    for words, names in lists:
        if names:
            more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
            print(f"{len(names)} {words}: {', '.join(map(repr, names[:_MOST_SHOWN]))}{more}.")
    for remark in summary.remarks[:_MOST_SHOWN]:
        print(f"  {remark}")
    print(f"Every file: {settings.home / f'intake_{settings.lab}.csv'}; who is who: {settings.home / 'students.csv'}")
    number = settings.lab.partition("_")[0]
    print(f"Next: python3 course.py grade {number} --submissions {settings.home / 'submitted'} --out graded")
