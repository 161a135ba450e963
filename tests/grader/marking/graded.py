"""A course folder with submissions, graded by one server for a module of tests, and marks as formgrader keeps them."""

import contextlib
import csv
import json
import os
import shutil
import sys
from pathlib import Path

from nbgrader.api import Gradebook

from grader.marking import batch
from grader.marking.matching import read_release
from grader.sandbox.limits import Limits
from grader.sandbox.process import ServerProcess
from tests.grader.fixture_lab import NAME, RIGHT, honest, released, save, save_release

CONFINED = sys.platform == "linux" and (shutil.which("bwrap") is not None or bool(os.environ.get("CI")))


LIMITS = Limits(cell_seconds=20.0, ask_seconds=20.0)


WRONG = "def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):\n    return 1 / 0"


MARKUP = WRONG.replace("return 1 / 0", "raise ValueError('<script>alert(1)</script>')")


SHARED: list[ServerProcess] = []


def furnished(home: Path) -> Path:
    """A course folder with a released lab and five submissions."""
    save_release(home / "labs")
    folder = home / "submissions"
    save(folder, "anna", honest())
    save(folder, "bob", released(RIGHT | {"distillation_loss": WRONG}))
    save(folder, "carl", released())
    save(folder, "dora", b"not a notebook")
    save(folder, "emil", released({"distillation_loss": MARKUP, "train_step": RIGHT["train_step"]}))
    return home


def settings_of(home: Path, **changes: object) -> batch.Settings:
    lab = read_release(home / "labs" / NAME / f"{NAME}.ipynb")
    options = {"db": str(home / "out" / "gradebook.db"), "confined": CONFINED, "limits": LIMITS, "seed": 7} | changes
    return batch.Settings(lab, home / "submissions", home / "out", **options)


def grade(home: Path, **changes: object) -> tuple[dict[tuple[str, str], dict], list[str]]:
    """(rows of results.csv, students that were graded anew)."""
    anew = []

    def tell(progress: batch.Progress) -> None:
        if not progress.again:
            anew.append(progress.entry.student)

    batch.run(settings_of(home, **changes), tell, SHARED[0])
    with open(home / "out" / "results.csv", newline="", encoding="utf-8") as file:
        rows = {(row["student"], row["exercise"]): row for row in csv.DictReader(file)}
    return rows, sorted(anew)


@contextlib.contextmanager
def gradebook(home):
    with Gradebook(f"sqlite:///{home / 'out' / 'gradebook.db'}") as book:
        yield book
        book.db.commit()


def mark(home, student: str, **marks: float) -> None:
    """What formgrader keeps when somebody gives points."""
    with gradebook(home) as book:
        for cell_of_it, score in marks.items():
            given = book.find_grade(cell_of_it, NAME, NAME, student)
            given.manual_score, given.needs_manual_grade = score, False


def hand_in(home, student: str, content: dict) -> None:
    (home / "submissions" / student / f"{NAME}.ipynb").write_text(json.dumps(content))


def seen(row: dict) -> tuple[str, str]:
    return row["score"], row["status"]


def page_of(home, student: str) -> str:
    return (home / "out" / "feedback" / student / f"{NAME}.html").read_text().replace("; by hand,", " By hand:")
