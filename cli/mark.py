"""Mark written answers: opens nbgrader's formgrader on what `grade` wrote.

    python3 course.py mark --out graded

Choose the lab there, then a submission; give points and comments, which are kept as you type. Then run `grade` again,
and your marks are in results.csv and on the feedback pages. Options that are not listed here go to JupyterLab.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from utils.machine.workspace import ROOT

PASS_THROUGH = True
SETTINGS = '''\
"""Where nbgrader finds this grading: in this folder, and its labs in the course. Made by `course.py mark`."""
from pathlib import Path

c = get_config()
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.source_directory = {labs!r}
c.CourseDirectory.db_url = {db!r}
'''


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "course.py mark [--out DIR] [--db URL] [--labs DIR] [JupyterLab's options]"
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("graded"), help="grade's folder (graded)")
    parser.add_argument("--db", metavar="URL", help="nbgrader's gradebook, as grade was told (OUT/gradebook.db)")
    parser.add_argument("--labs", metavar="DIR", type=Path, default=ROOT / "labs", help="the released labs (labs)")


def main(args: argparse.Namespace) -> int:
    from cli._jupyter import require_known
    from cli.lab import serve

    require_known(args.rest, "mark opens formgrader on all labs of --out; choose one there.")
    folder = write_settings(args.out, args.db, args.labs)
    print("Ctrl-C ends formgrader; what you gave is kept.", flush=True)
    serve(folder, "/formgrader/gradebook", args.rest)
    print(f"\nRun `course.py grade` again, and your marks are in {folder / 'results.csv'}.", file=sys.stderr)
    return 0


def write_settings(out: Path, db: str | None, labs: Path) -> Path:
    """Tell nbgrader where this grading lies; returns the folder to start it in.  Raises CourseError."""
    from grader.marking.gradebook import opened
    from utils.errors import CourseError
    from utils.machine.workspace import write_whole

    folder = out.resolve()
    if not (folder / "results.csv").is_file():
        raise CourseError(f"{str(out)!r} holds no grading: run `course.py grade` first, with --out {out}.")
    address = db or str(folder / "gradebook.db")
    address = address if "://" in address else f"sqlite:///{Path(address).resolve()}"
    with opened(address):  # formgrader itself starts on anything, and then its pages fail
        pass
    write_whole(folder / "nbgrader_config.py", SETTINGS.format(labs=str(labs.resolve()), db=address))
    return folder
