"""How long does a lab compute, and in how much memory?  The figures in each lab's header.

    python -m benchmarks.labs 02 03

Runs the lab's solution as `course.py run` does, in a process of its own, and writes benchmarks/results/lab_NN.json.
Run it with nothing else running.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from benchmarks.common import write_result
from grader.notebook.labs import labs_in
from utils.errors import CourseError
from utils.machine.workspace import ROOT

HEADING = "-- "  # what `run` puts before the heading that it comes to


def measure(lab: str, profile: str) -> dict:
    """Seconds from start to end, those of each step of the lab, and the peak memory in megabytes of one run."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "cli", "run", lab, "--profile", profile, "--out", folder]
        # A child's peak is reported over all children, so each run is measured by a process that has no other.
        code = (
            "import resource, subprocess, sys;"
            "status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL);"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(status)"
        )
        began = time.perf_counter()
        watched = [sys.executable, "-c", code, *command]
        with subprocess.Popen(watched, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            starts = [(line, time.perf_counter() - began) for line in process.stderr]
            peak = process.stdout.read()
        seconds = time.perf_counter() - began
    if process.returncode:
        raise CourseError(f"Lab {lab} failed: " + "".join(line for line, _ in starts))
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "seconds": round(seconds, 1),
        "memory_mb": round(int(peak) * unit / 2**20),
        "steps": seconds_by_heading(starts, seconds),
    }


def seconds_by_heading(starts: Sequence[tuple[str, float]], end: float) -> dict[str, float]:
    """How long the run stayed below each heading, from the lines that it said and when; setting up is not in it."""
    said = [(line.removeprefix(HEADING).strip(), at) for line, at in starts if line.startswith(HEADING)]
    times = [at for _, at in said] + [end]
    found: dict[str, float] = {}
    for (heading, at), until in zip(said, times[1:], strict=True):
        found[heading] = round(found.get(heading, 0.0) + until - at, 1)
    return found


def main() -> None:
    """Measure each lab in the embedded and the smoke profile and write its result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labs", nargs="+", metavar="NN", choices=[lab.number for lab in labs_in(ROOT)])
    for lab in parser.parse_args().labs:
        result = {
            "lab": lab,
            "download_mb": 0,
            "profile": "embedded",
            **measure(lab, "embedded"),
            "smoke": measure(lab, "smoke"),
        }
        print(write_result(f"lab_{lab}", result), result["seconds"], result["smoke"]["seconds"])


if __name__ == "__main__":
    main()
