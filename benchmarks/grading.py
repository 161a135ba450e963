"""How fast is the safe grader, against stock `nbgrader autograde` on the same submissions, in one run?

    python benchmarks/grading.py --count 100 --jobs 2 --out benchmarks/results/grading.json

Both grade the same Lab 2 submissions (right, wrong, slow and broken mixed) on the same cores, one after the other.
Two ratios: as shipped, where nbgrader runs every cell and the grader leaves long training out; and with the same cells,
where those cells are taken out of the files before either sees them. The mistake this prevents: comparing a grader that
runs less with one that runs more, and calling the difference speed.
"""

import argparse
import copy
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

EXPENSIVE = {"sweep", "stretch", "train", "expensive"}
WRONG = {
    "distillation_loss": "    return ((student_logits - teacher_logits) ** 2).mean()\n",
    "train_step": "    return 0.0\n",
    "perplexity": "    return 1.0\n",
}
SLOW = "import time\ntime.sleep(2)\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--lab", default="02")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "grading.json")
    args = parser.parse_args()
    (released,) = (ROOT / "labs").glob(f"{args.lab}_*/*.ipynb")
    (solved,) = (ROOT / "solutions").glob(f"{args.lab}_*/*.ipynb")
    result = {"count": args.count, "jobs": args.jobs, "lab": released.stem, "machine": machine()}
    for name, same_cells in (("as_shipped", False), ("same_cells", True)):
        with tempfile.TemporaryDirectory() as folder:
            course = Path(folder)
            make_course(course, released, solved, args.count, same_cells)
            stock = timed(lambda course=course: nbgrader(course, released.stem))
            ours = timed(lambda course=course: safe(course, args.lab, args.jobs))
            ratio = stock["wall"] / ours["wall"], stock["core"] / ours["core"]
            result[name] = {"nbgrader": stock, "grade": ours, "wall_ratio": ratio[0], "core_ratio": ratio[1]}
            print(name, json.dumps(result[name]), flush=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=1) + "\n")


def machine() -> dict:
    return {
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "system": platform.system(),
    }


def make_course(course: Path, released: Path, solved: Path, count: int, same_cells: bool) -> None:
    """A nbgrader course with `count` submissions. same_cells: without the cells that the safe grader does not run."""
    name = released.stem
    lab, solution = (json.loads(path.read_text(encoding="utf-8")) for path in (released, solved))
    if same_cells:
        lab, solution = without_expensive(lab), without_expensive(solution)
    for folder in ("source", "release"):
        (course / folder / name).mkdir(parents=True)
    (course / "source" / name / f"{name}.ipynb").write_text(json.dumps(solution))
    (course / "release" / name / f"{name}.ipynb").write_text(json.dumps(lab))
    for number in range(count):
        path = course / "submitted" / f"student{number:04d}" / name / f"{name}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(submission(solution, number)))
    shutil.copytree(ROOT / "utils", course / "utils")
    config = "c = get_config()\nc.ClearSolutions.code_stub = {'python': 'raise NotImplementedError'}\n"
    (course / "nbgrader_config.py").write_text(config)


def without_expensive(notebook: dict) -> dict:
    kept = [cell for cell in notebook["cells"] if not EXPENSIVE & set(cell["metadata"].get("tags", ()))]
    return notebook | {"cells": kept}


def submission(solution: dict, number: int) -> dict:
    """Of ten: five right, three wrong in one exercise each, one slow, one with an open TODO and a broken cell."""
    made = copy.deepcopy(solution)
    kind = number % 10
    for cell in made["cells"]:
        cell.get("outputs", []).clear()
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if cell["cell_type"] != "code" or name not in WRONG:
            continue
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        order = list(WRONG).index(name)
        if kind == 5 + order:
            source += "\n\n" + source.partition(":\n")[0][source.index("def ") :] + ":\n" + WRONG[name]
        elif kind == 8 and order == 0:
            source = SLOW + source
        elif kind == 9 and order == 1:
            source = "raise RuntimeError('an open TODO')\n"
        cell["source"] = source
    return made


def nbgrader(course: Path, name: str) -> None:
    programs = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(course)}
    for line in (["generate_assignment", name, "--create", "--force"], ["autograde", name, "--create", "--force"]):
        subprocess.run(["nbgrader", *line], cwd=course, env=environment, check=False, capture_output=True)


def safe(course: Path, number: str, jobs: int) -> None:
    line = [sys.executable, "-m", "cli", "grade", number, "--submissions", str(course / "submitted")]
    line += ["--out", str(course / "graded"), "--labs", str(course / "release"), "--jobs", str(jobs), "--json"]
    subprocess.run(line, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def timed(work) -> dict:
    """Wall and core seconds of what `work` starts, and the largest process among it in MB."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    core = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": round(time.monotonic() - began, 2), "core": round(core, 2), "largest_mb": after.ru_maxrss // 1024}


if __name__ == "__main__":
    main()
