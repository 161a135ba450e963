"""A class that hands in Lab 2: a course in a folder of its own, with right, wrong, slow and broken submissions.

So two graders are compared on the same files, and on files that learners send.
"""

from __future__ import annotations

import copy
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from grader.marking.matching import EXPENSIVE
from utils.machine.workspace import ROOT

WRITTEN = "The teacher runs in eval mode and without gradients, because it is the target and not what is trained."
MIX = (
    "right", "mean squared error", "right", "slow", "right",
    "constant step", "right", "broken", "right", "mean of means",
)  # fmt: skip
SQUARED = """
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return ((student_logits - teacher_logits) ** 2).mean()
"""
CONSTANT = """
def train_step(student, teacher, batch, optimizer, loss_function):
    return 0.0
"""
MEAN_OF_MEANS = """
def perplexity(model, batches):
    means = []
    for batch in batches:
        with torch.no_grad():
            logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        means.append(F.cross_entropy(logits[:, :-1].flatten(0, 1), batch["labels"][:, 1:].flatten()).item())
    return float(torch.tensor(sum(means) / len(means)).exp())
"""
SLOW = """
import time
quick_loss = distillation_loss
def distillation_loss(*logits_and_labels, **settings):
    time.sleep(0.05)
    return quick_loss(*logits_and_labels, **settings)
"""
BROKEN = "raise RuntimeError('this cell was never finished')\n"


@dataclass(frozen=True)
class Course:
    """A nbgrader course whose lab is released and handed in by `count` students."""

    root: Path
    lab: str
    count: int


def make_course(root: Path, number: str, count: int, same_cells: bool) -> Course:
    """Write the course. same_cells: without the cells that `course.py grade` leaves out, for either grader."""
    (released,) = (ROOT / "labs").glob(f"{number}_*/*.ipynb")
    name = released.stem
    solved = ROOT / "solutions" / name / f"{name}.ipynb"
    lab, solution = (json.loads(path.read_text(encoding="utf-8")) for path in (released, solved))
    answers = {grade_id(cell): "".join(cell["source"]) for cell in solution["cells"] if cell["cell_type"] == "code"}
    if same_cells:
        lab, solution = without_expensive(lab), without_expensive(solution)
    for place in ("nbgrader_config.py", "grader/nbgrader_config.py"):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / place, root / place)
    write(root / "solutions" / name / f"{name}.ipynb", solution)
    write(root / "labs" / name / f"{name}.ipynb", lab)
    for student in range(count):
        path = root / "submitted" / f"student{student:04d}" / name / f"{name}.ipynb"
        write(path, submission(lab, answers, MIX[student % len(MIX)]))
    return Course(root, name, count)


def write(path: Path, notebook: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")


def grade_id(cell: dict) -> str:
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "")


def without_expensive(notebook: dict) -> dict:
    kept = [cell for cell in notebook["cells"] if not EXPENSIVE & set(cell["metadata"].get("tags", ()))]
    return notebook | {"cells": kept}


def submission(released: dict, answers: dict[str, str], kind: str) -> dict:
    """The released lab as a learner of this kind fills it in. answers: the right ones, by grade_id."""
    wrong = {"mean squared error": SQUARED, "constant step": CONSTANT, "mean of means": MEAN_OF_MEANS}
    made = copy.deepcopy(released)
    for cell in made["cells"]:
        marks, name = cell["metadata"].get("nbgrader", {}), grade_id(cell)
        if not marks.get("solution"):
            continue
        if cell["cell_type"] == "markdown":
            cell["source"] = WRITTEN
        elif kind in wrong and f"def {name}(" in wrong[kind]:
            cell["source"] = wrong[kind]
        elif kind == "slow" and name == "distillation_loss":
            cell["source"] = answers[name] + SLOW
        elif kind == "broken" and name == "train_step":
            cell["source"] = BROKEN
        elif kind != "broken" or name != "perplexity":  # which a broken one leaves open
            cell["source"] = answers[name]
    return made
