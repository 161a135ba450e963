"""A small released lab of Lab 2's form, and submissions to it, for the tests of the grader."""

import json
from pathlib import Path

NAME = "02_small_lab"
POINTS = {"distillation_loss": 4.0, "train_step": 3.0, "perplexity": 3.0}
WRITTEN = "written_training_loop"

SETUP = """%matplotlib inline
import math
import torch
import torch.nn.functional as F
from utils.losses.core import distillation_loss as library_loss
from utils.training.loop import distill
"""
SIGNATURES = {
    "distillation_loss": "student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5",
    "train_step": "student, teacher, batch, optimizer, loss_function",
    "perplexity": "model, batches",
}
RIGHT = {
    "distillation_loss": """
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    student, teacher, target = student_logits[:, :-1], teacher_logits[:, :-1].detach(), labels[:, 1:]
    mask = (target != -100).float()
    count = mask.sum()
    log_p = F.log_softmax(teacher / temperature, -1)
    log_q = F.log_softmax(student / temperature, -1)
    soft = temperature**2 * ((log_p.exp() * (log_p - log_q)).sum(-1) * mask).sum() / count
    hard = F.cross_entropy(student.reshape(-1, student.shape[-1]), target.reshape(-1), ignore_index=-100)
    return alpha * soft + (1 - alpha) * hard
""",
    "train_step": """
def train_step(student, teacher, batch, optimizer, loss_function):
    with torch.no_grad():
        teacher_logits = teacher(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    student_logits = student(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    loss = loss_function(student_logits, teacher_logits, batch["labels"])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
""",
    "perplexity": """
def perplexity(model, batches):
    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for batch in batches:
            logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1]
            target = batch["labels"][:, 1:]
            total += F.cross_entropy(
                logits.reshape(-1, logits.shape[-1]), target.reshape(-1), ignore_index=-100, reduction="sum"
            ).item()
            count += int((target != -100).sum())
    return math.exp(total / count)
""",
}


def scaffold(name: str) -> str:
    return f"def {name}({SIGNATURES[name]}):\n    raise NotImplementedError\n"


def cell(kind: str, source: str, grade_id: str = "", tags: tuple = (), **marks: object) -> dict:
    """One cell of nbformat 4.5, with nbgrader's metadata where it has a grade_id."""
    metadata: dict = {"tags": list(tags)} if tags else {}
    if grade_id:
        defaults = {"schema_version": 3, "grade": False, "solution": False, "locked": False, "task": False}
        metadata["nbgrader"] = defaults | {"grade_id": grade_id} | marks
    made = {"cell_type": kind, "id": grade_id[:60] or f"c{abs(hash(source)) % 10**8}", "metadata": metadata}
    code = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return made | code | {"source": source}


def notebook(cells: list[dict]) -> dict:
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}


def released(answers: dict[str, str] | None = None, written: str = "") -> dict:
    """The lab as released; or a submission, with ``answers`` in place of the scaffolds they are named after."""
    answers = answers or {}
    cells = [cell("markdown", "# A small lab"), cell("code", SETUP, "setup", locked=True)]
    for name, points in POINTS.items():
        cells.append(cell("code", answers.get(name, scaffold(name)), name, solution=True))
        check = f"from utils.checks import check\ncheck('{name}', {name})\n"
        cells.append(cell("code", check, f"check_{name}", grade=True, locked=True, points=points))
    cells.append(cell("code", "history = distill('a long training', train_step)\nwhile True: pass", tags=("train",)))
    text = written or "Write your answer here."
    cells.append(cell("markdown", text, WRITTEN, grade=True, solution=True, points=5.0))
    return notebook(cells)


def honest() -> dict:
    return released(RIGHT, "The teacher is frozen because it is the target.")


def save(folder: Path, student: str, content: dict | bytes) -> Path:
    """Put a submission where the grader looks for it."""
    path = folder / student / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def save_release(folder: Path) -> Path:
    path = folder / NAME / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(released()))
    return path
