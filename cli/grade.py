"""Grade a folder of submissions safely: each in a sandbox, judged from outside, into nbgrader's gradebook.

    python3 course.py grade 02 --submissions submitted --out graded

DIR holds STUDENT/NN_name.ipynb, or is nbgrader's submitted/ folder. Where a notebook has another name, or several lie
there, the cells decide and results.csv says so. OUT gets gradebook.db, feedback/ and results.csv.
The same command goes on where it was stopped; what has not changed is not graded again, unless --again says so.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grader.notebook.labs import PATTERN, Lab, is_called
from utils.errors import CourseError
from utils.machine.workspace import ROOT

if TYPE_CHECKING:
    from grader.marking.batch import Settings
    from grader.marking.matching import Release

_MOST_NAMED = 10
WARNING = """\
=======================================================================
  NO SANDBOX: the submissions run with your rights. They can read your
  files, use your network and change this machine. Only their time,
  memory and processes are limited, and the judge is as strict as ever.
======================================================================="""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("lab", metavar="NN", help="number of the lab, such as 02")
    parser.add_argument(
        "--submissions", metavar="DIR", type=Path, required=True, help="a folder for each student inside"
    )
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="where results go")
    parser.add_argument("--student", metavar="NAME", action="append", default=[], help="only this one; may be repeated")
    parser.add_argument("--again", action="store_true", help="grade all, or --student, also where nothing has changed")
    parser.add_argument(
        "--jobs", metavar="N", type=int, default=os.cpu_count() or 1, help="at the same time (all cores)"
    )
    parser.add_argument("--db", metavar="URL", help="nbgrader's gradebook (OUT/gradebook.db)")
    parser.add_argument("--labs", metavar="DIR", type=Path, default=ROOT / "labs", help="the released labs (labs)")
    parser.add_argument(
        "--seed", type=int, help="draws the probes: the same seed, the same probes (a fresh one, recorded)"
    )
    parser.add_argument("--cell-seconds", type=float, default=60.0, help="for all cells of a notebook together (60)")
    parser.add_argument("--ask-seconds", type=float, default=20.0, help="for all answers to one exercise (20)")
    parser.add_argument("--no-sandbox", action="store_true", help="at your own risk, where bubblewrap cannot work")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each submission, for machines")


def main(args: argparse.Namespace) -> int:
    from cli._school import count_again
    from grader.marking.matching import read_release
    from grader.sandbox.process import ServerProcess
    from utils.machine.workspace import require_writable

    if args.jobs < 1 or args.cell_seconds <= 0 or args.ask_seconds <= 0:
        raise CourseError("--jobs, --cell-seconds and --ask-seconds must be positive.")
    path = find_release(args.lab, args.labs)
    lab = read_release(path)
    source = Lab(path.resolve().parents[2], path.stem)
    _require_apart(args.submissions, args.out)
    require_writable(args.out, megabytes=20, otherwise="choose another folder with --out")
    if args.no_sandbox:
        print(WARNING, file=sys.stderr, flush=True)
    show = Lines() if args.json else Bar()
    with contextlib.closing(show), ServerProcess(not args.no_sandbox) as server:
        from grader.marking import batch  # while the server loads what it needs

        settings = _settings(args, lab, path, source.solution if path.resolve() == source.released else None)
        summary = batch.run(settings, show, server)
    show.conclude(summary, settings)
    with contextlib.redirect_stdout(sys.stderr if args.json else sys.stdout):
        count_again(args.out, args.db)
    return 0


def _require_apart(submissions: Path, out: Path) -> None:
    """Raise CourseError where what `grade` writes would lie among the students' folders, and be one of them."""
    if submissions.resolve() in (out.resolve(), *out.resolve().parents):
        raise CourseError(
            f"--out {str(out)!r} lies in the folder of the submissions, where every folder is a student. Choose one "
            "beside it."
        )


def _settings(args: argparse.Namespace, lab: Release, path: Path, solution: Path | None) -> Settings:
    from grader.marking import batch
    from grader.sandbox.limits import Limits

    return batch.Settings(
        lab=lab,
        folder=args.submissions,
        out=args.out,
        db=args.db or str(args.out / "gradebook.db"),
        students=tuple(args.student),
        jobs=args.jobs,
        confined=not args.no_sandbox,
        limits=Limits(cell_seconds=args.cell_seconds, ask_seconds=args.ask_seconds),
        seed=args.seed,
        solution=solution,
        others=other_labs(lab, path),
        again=args.again,
    )


def other_labs(lab: Release, path: Path) -> tuple[Release, ...]:
    """The released labs beside this one, whose notebooks are handed in by mistake."""
    from grader.marking.matching import read_release

    found = []
    folders = dict.fromkeys((path.resolve().parents[1], ROOT / "labs"))
    paths = {other.stem: other for folder in folders for other in sorted(folder.glob(f"{PATTERN}/{PATTERN}.ipynb"))}
    for name, other in paths.items():
        if name != lab.name:
            with contextlib.suppress(CourseError):  # it is not this one's fault
                found.append(read_release(other))
    return tuple(found)


def find_release(number: str, labs: Path) -> Path:
    """The released notebook of a lab's number or name. labs: a folder of labs, or of one lab."""
    folders = [labs, *sorted(path for path in labs.glob("*") if path.is_dir())] if labs.is_dir() else []
    found = [path for folder in folders for path in sorted(folder.glob("*.ipynb"))]
    fitting = [path for path in found if is_called(path.stem, number)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise CourseError(
            f"{str(labs)!r} has several notebooks for lab {number}: {', '.join(p.name for p in fitting)}."
        )
    there = ", ".join(sorted({path.stem for path in found})) or "none"
    raise CourseError(f"There is no released lab {number} in {str(labs)!r} (there: {there}). Another folder: --labs.")


def _line(progress) -> dict:
    entry = progress.entry
    return {
        "student": entry.student,
        "lab": entry.lab,
        "scores": {result.exercise: result.score for result in entry.results},
        "status": {result.exercise: result.status for result in entry.results},
        "seconds": entry.seconds,
        "again": progress.again,
        "done": progress.done,
        "total": progress.total,
    }


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(repr(name)[:60] for name in names[:_MOST_NAMED]) + more


class Lines:
    """For machines: one JSON object a line on standard output."""

    def __call__(self, progress) -> None:
        print(json.dumps(_line(progress)), flush=True)

    def close(self) -> None:
        """Nothing is held."""

    def conclude(self, summary, settings) -> None:
        from grader.marking import marks

        last = {"seed": summary.seed, "graded": summary.graded, "submissions": len(summary.entries)}
        waiting, stale = marks.counted(summary.entries)
        last |= {"waiting": waiting, "stale": stale, "apart": list(summary.apart)}
        print(json.dumps(last | {"seconds": round(summary.seconds, 3), "out": str(settings.out)}), flush=True)


class Bar:
    """For people: one bar with counts, time left and the slowest submission; nothing where there is no terminal."""

    def __init__(self):
        from tqdm import tqdm

        self._bar = tqdm(unit="submission", disable=not sys.stderr.isatty(), dynamic_ncols=True)
        self._counts: Counter = Counter()  # of what the machine says
        self._slowest = (0.0, "")

    def __call__(self, progress) -> None:
        entry = progress.entry
        self._counts.update(result.status for result in entry.results)
        self._slowest = max(self._slowest, (entry.seconds, entry.student))
        counts = " ".join(f"{status} {count}" for status, count in self._counts.most_common())
        self._bar.total = progress.total
        self._bar.set_postfix_str(f"{counts}; slowest {self._slowest[1][:20]} {self._slowest[0]:.1f} s", refresh=False)
        self._bar.update(progress.done - self._bar.n)

    def close(self) -> None:
        self._bar.close()

    def conclude(self, summary, settings) -> None:
        from grader.marking import absent, marks

        statuses = Counter(result.status for entry in summary.entries for result in entry.results)
        counts = ", ".join(f"{count} {status}" for status, count in statuses.most_common())
        kept = len(summary.entries) - summary.graded
        submissions = "1 submission" if len(summary.entries) == 1 else f"{len(summary.entries)} submissions"
        print(f"{submissions}: {summary.graded} graded, {kept} as before ({summary.seconds:.1f} s).")
        print(f"Exercises: {counts}.")
        waits = marks.said(*marks.counted(summary.entries))
        if waits:
            print(f"By hand: {waits}. Open them with `course.py mark --out {settings.out}`.")
        for sentence in summary.points:
            print(sentence)
        if summary.news:
            print(f"Packages have changed since the last grading, so all were graded anew: {_named(summary.news)}.")
        packages = {entry.student: absent.lacking(entry.results) for entry in summary.entries}
        listed = sorted(set().union(*packages.values()))
        if listed:
            count = sum(map(bool, packages.values()))
            use = "1 uses" if count == 1 else f"{count} use"
            print(f"{use} packages that are not installed here: {_named(listed)}. The feedback says it.")
        unread = [e.student for e in summary.entries if any(row.status == "unreadable" for row in e.results)]
        if unread:
            print(f"{len(unread)} could not be read; why is in results.csv: {_named(unread)}.")
        told = [entry.student for entry in summary.entries if entry.notes]
        if told:
            print(f"{len(told)} handed in not just the notebook; notes in results.csv say what: {_named(told)}.")
        if summary.apart:
            print(f"No student's, and not graded: {_named(summary.apart)}.")
        print(f"Scores: {settings.out / 'results.csv'}; pages: {settings.out / 'feedback'}; gradebook: {settings.db}")
        if summary.unlisted:
            names = _named(summary.unlisted)
            print(f"Formgrader cannot show {len(summary.unlisted)} of them, for their folders' names: {names}.")
        print(f"Seed of the probes: {summary.seed} (recorded; the next start uses it again).")
