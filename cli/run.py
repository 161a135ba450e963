"""Run a lab's solution from start to end, print its table and save its figures.

This is what the executed notebook shows, without Jupyter in the way. An interrupted run keeps its figures and its
checkpoints in the output folder, and the same command goes on from there.
"""

import argparse
import os
import sys
import time
import traceback
from pathlib import Path

from utils.errors import CourseError
from utils.machine.workspace import ROOT
from utils.models.profiles import PROFILES

FREE_MEGABYTES = 100  # figures, checkpoints and results of one lab
PROFILE_NAMES = ("auto", *PROFILES)
AUTO = "auto, the usual one, is embedded, or full in Colab with a GPU"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("lab", metavar="NN", help="number of the lab, such as 02")
    parser.add_argument("--profile", metavar="P", help=f"how large a run: {', '.join(PROFILE_NAMES)}; {AUTO}")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the results there")
    parser.add_argument("--out", metavar="DIR", type=Path, help="where figures and checkpoints go (outputs/NN_name)")
    parser.add_argument("--all", action="store_true", help="run the sweeps and stretch goals too: longer")


def main(args: argparse.Namespace, solutions: Path = ROOT / "solutions") -> int:
    from cli._heartbeat import heartbeat
    from cli._hub import require_models
    from cli._lab import LabRun, run_cells
    from cli._profiles import asked_for
    from grader.notebook.labs import find_source, lab_of
    from grader.notebook.rules import require_tables
    from utils.machine.workspace import require_writable

    began = time.monotonic()
    source = find_source(args.lab, solutions)
    require_tables(lab_of(source))
    profile = asked_for(args.profile, PROFILE_NAMES)
    if profile in PROFILES:  # auto finds out by itself what can be had
        require_models(profile)
    folder = (args.out or ROOT / "outputs" / source.stem).absolute()
    require_writable(folder, FREE_MEGABYTES, otherwise="choose another folder with --out")
    if args.json:
        require_writable(args.json.absolute().parent, 1, otherwise="choose another file with --json")
        if args.json.is_dir():
            raise CourseError(f"--json needs the name of a file, and '{args.json}' is a folder.")
    set_environment(args.profile, folder)
    run = LabRun(namespace={})
    started = time.time()
    try:
        with heartbeat(lambda: run.heading):
            run_cells(source, folder, args.all, announce, run)
    except KeyboardInterrupt:
        print(interrupted(run.heading, folder, started), file=sys.stderr)
        return 130
    except CourseError:
        raise
    except Exception as error:  # a defect in the lab's code: show its lines, not ours
        error.__traceback__ = below_exec(error.__traceback__)
        traceback.print_exception(error)
        return 1
    report(run, source.stem, time.monotonic() - began, args.json)
    return 0


def set_environment(profile: str | None, folder: Path) -> None:
    """What a lab's code reads of its surroundings; bars are quiet where nobody watches."""
    if profile:
        os.environ["COURSE_PROFILE"] = profile
        os.environ["COURSE_PROFILE_BY"] = "--profile"  # so that the lab does not speak of a variable that nobody set
    os.environ["COURSE_OUT"] = str(folder)
    os.environ["MPLBACKEND"] = "Agg"
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_DISABLE", "1")
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


def announce(heading: str) -> None:
    print(f"-- {heading}", file=sys.stderr, flush=True)


def interrupted(heading: str, folder: Path, started: float) -> str:
    """One sentence: where it stopped, what is kept, how to go on."""
    kept = sorted(path.name for path in folder.rglob("*") if path.is_file() and path.stat().st_mtime >= started)
    what = f"kept in {folder}: {', '.join(kept)}" if kept else "nothing was finished that could be kept"
    return f"\ncourse.py: stopped in '{heading}'; {what}. The same command goes on from what is kept."


def below_exec(trace):
    """The part of a traceback that is inside the lab's cells."""
    while trace and not trace.tb_frame.f_code.co_filename.startswith("<"):
        trace = trace.tb_next
    return trace


def report(run, lab: str, seconds: float, json_file: Path | None) -> None:
    from rich.console import Console

    from cli._results import environment, plain, print_results, write_json

    results = run.namespace.get("lab_results") or {}
    profile = getattr(run.namespace.get("profile"), "name", None) or os.environ.get("COURSE_PROFILE")
    # piped output keeps its lines whole
    console = Console(highlight=False, markup=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)
    console.print(f"\n{lab}, profile {profile or 'unnamed'}, {seconds:.0f} s")
    print_results(plain(results), console)
    for path in run.figures:
        console.print(f"figure: {path}")
    if json_file:
        rows, effects = results.get("rows", []), results.get("effects", {})
        record = {"lab": lab, "profile": profile, "seconds": round(seconds, 2), "rows": rows, "effects": effects}
        write_json(json_file, record | {"environment": environment()})
        console.print(f"results: {json_file}")
