"""How fast is the safe grader, against stock `nbgrader autograde` on the same submissions?

    python -m benchmarks.grading                    # 100 submissions; nbgrader sees the first 40 of them
    python -m benchmarks.grading --count 10 --stock 10 --flat 30 --out trial

Both grade the same Lab 2 submissions (half of them right, the rest wrong, slow and broken) on the same cores, one after
the other, with the course's own settings. Two ratios: as shipped, where nbgrader runs every cell and the grader leaves
long training out; and with the same cells, where those are taken out of the files before either sees them. The second
ratio is there because a grader that runs less is not faster for it.

Figures are seconds a submission. nbgrader's count autograde alone; the grader's count everything from its start to the
last feedback page. nbgrader takes the submissions one by one, so a part of the class is timed and its seconds divided
by that part. A run that was stopped goes on with the next measurement; --fresh starts over.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.common import shared, write_result
from benchmarks.grading_class import MIX, Course, make_course
from benchmarks.grading_phases import STARTING, phases
from benchmarks.watched import watched
from utils.machine.workspace import ROOT

GOALS = {"times_faster_as_shipped": 20, "core_seconds_each": 0.4, "minutes_for_1000_on_2_cores": 4}


def main() -> None:
    args = arguments()
    jobs = measurements(args)
    version = digest()
    if args.fresh:
        version += f"_{os.getpid()}"
    keys = {name: f"grading_{version}_{args.jobs}_{name}" for name in jobs}
    found = shared({keys[name]: work for name, work in jobs.items()})
    path = write_result(args.out, conclusion({name: found[key] for name, key in keys.items()}, args))
    print(path.read_text(encoding="utf-8"))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100, help="submissions (100)")
    parser.add_argument("--stock", type=int, default=40, help="how many of them nbgrader is timed on (40)")
    parser.add_argument("--flat", type=int, default=300, help="submissions of the larger run for memory (300)")
    parser.add_argument("--jobs", type=int, default=2, help="of course.py grade, at the same time (2)")
    parser.add_argument("--lab", default="02")
    parser.add_argument("--out", default="grading", help="name of the file in benchmarks/results (grading)")
    parser.add_argument("--fresh", action="store_true", help="take no measurement of an earlier run")
    args = parser.parse_args()
    if not 0 < args.stock <= args.count <= args.flat:
        parser.error(f"it must be 0 < --stock <= --count <= --flat, not {args.stock}, {args.count}, {args.flat}")
    return args


def measurements(args: argparse.Namespace) -> dict[str, Callable[[], dict]]:
    """Every measurement by its name, in the order in which they are taken."""
    found: dict[str, Callable[[], dict]] = {}
    for name, same_cells in (("as_shipped", False), ("same_cells", True)):
        found[f"{name}_grade_{args.count}"] = partial(measure, grade, args, args.count, same_cells)
        found[f"{name}_nbgrader_{args.stock}"] = partial(measure, stock, args, args.stock, same_cells)
    for count in sorted({args.count, args.flat}):
        found[f"memory_{count}"] = partial(measure, partial(grade, memory=True), args, count, False)
    found[f"phases_{args.count}"] = partial(measure, where_time_goes, args, args.count, False)
    return found


def measure(
    work: Callable[[Course, argparse.Namespace], dict], args: argparse.Namespace, count: int, same_cells: bool
) -> dict:
    with tempfile.TemporaryDirectory(prefix="grading-benchmark-") as folder:
        return work(make_course(Path(folder) / "course", args.lab, count, same_cells), args)


def stock(course: Course, args: argparse.Namespace) -> dict:
    """`nbgrader autograde` on the whole class; the release before it is not counted."""
    name = str(Path(sys.executable).with_name("nbgrader"))
    watched(
        [name, "generate_assignment", course.lab, "--force"], course.root, environment(), course.root / "release.log"
    )
    command = [name, "autograde", course.lab]
    done = partial(progress, "nbgrader", course, "autograded/*")
    return watched(command, course.root, environment(), course.root / "autograde.log", done)


def grade(course: Course, args: argparse.Namespace, memory: bool = False) -> dict:
    """`course.py grade` on the whole class, as shipped."""
    out = course.root / "graded"
    command = [sys.executable, "-m", "cli", "grade", args.lab, "--submissions", str(course.root / "submitted")]
    command += ["--out", str(out), "--labs", str(course.root / "labs"), "--jobs", str(args.jobs), "--json"]
    done = partial(progress, "grade", course, "graded/.grading/*/student*.json")
    cost = watched(command, ROOT, environment(), course.root / "grade.log", done, memory)
    pages = len(list(out.glob("feedback/*/*.html")))
    if pages != course.count:
        raise RuntimeError(f"{pages} feedback pages for {course.count} submissions")
    return cost


def where_time_goes(course: Course, args: argparse.Namespace) -> dict:
    return phases(course.root, args.lab, environment())


def environment() -> dict[str, str]:
    """As a user has it: the course is found, and nothing says how many threads to take."""
    programs = str(Path(sys.executable).parent)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "MKL_", "COURSE_"))}
    search = os.pathsep.join([programs, kept.get("PATH", "")])
    jupyter = os.path.join(sys.prefix, "share", "jupyter")
    return kept | {"PATH": search, "COURSE_ROOT": str(ROOT), "JUPYTER_PATH": jupyter}


def progress(who: str, course: Course, pattern: str) -> str:
    return f"{who}: {len(list(course.root.glob(pattern)))} of {course.count}"


def digest() -> str:
    """A digest of the grader, of the library and of the lab, so that no figure of an older one is taken."""
    found = hashlib.sha256()
    for folder in ("grader", "utils", "cli", "labs", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".ipynb", ".npz"):
                found.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:8]


def conclusion(found: dict[str, dict], args: argparse.Namespace) -> dict:
    """Both ratios, the goals' figures, and all that was measured."""
    result: dict = {"lab": args.lab, "submissions": args.count, "jobs": args.jobs, "kinds": list(MIX), "goals": GOALS}
    result["nbgrader_timed_on"] = f"the first {args.stock} of the {args.count} submissions, one by one as it works"
    for name in ("as_shipped", "same_cells"):
        ours, theirs = found[f"{name}_grade_{args.count}"], found[f"{name}_nbgrader_{args.stock}"]
        each = {
            "grade": {kind: round(ours[kind] / args.count, 3) for kind in ("wall", "core", "machine_core")},
            "nbgrader": {kind: round(theirs[kind] / args.stock, 3) for kind in ("wall", "core", "machine_core")},
        }
        ratios = {kind: round(each["nbgrader"][kind] / each["grade"][kind], 1) for kind in ("wall", "core")}
        result[name] = {"seconds_each": each, "times_faster": ratios, "measured": {"grade": ours, "nbgrader": theirs}}
    few, many = found[f"memory_{args.count}"], found[f"memory_{args.flat}"]
    result["peak_memory_mb"] = {str(args.count): few["peak_mb"], str(args.flat): many["peak_mb"], "is": many["peak_is"]}
    stages = found[f"phases_{args.count}"]
    start = sum(stages[name] for name in STARTING)
    each = max(found[f"as_shipped_grade_{args.count}"]["wall"] - start, 0.0) / args.count
    result["seconds_to_start"] = round(start, 2)
    result["minutes_for_1000"] = round((start + 1000 * each) / 60, 2)
    result["where_time_goes"] = stages
    return result


if __name__ == "__main__":
    main()
