"""A new lab is one source and one file an exercise: a made-up Lab 99 goes all the way in a copy of the course.

Its exercises have answers of every kind. From its source come the learner's notebook, the check card, the safe grading,
nbgrader's own autograde and feedback, and the class report.
"""

import csv
import importlib.util
import inspect
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.grader.attacks.test_attacks import needs_sandbox
from utils.machine.workspace import ROOT

HERE = Path(__file__).parent
NAME = "99_every_kind"
FILES = sorted((HERE / "exercises").glob("*.py"))
POINTS = {
    "draw_tokens": 2,
    "first_number": 1,
    "may_use": 1,
    "cut_layers": 2,
    "total_variation": 4,
    "keep_or_reject": 2,
}
MARKS = {"schema_version": 3, "task": False}
IMPORTS = "import copy\nimport re\nfrom collections import namedtuple\n\nimport torch\n\n"
PLACE = "# EXERCISES: one cell and one check for each, put here by the test\n"
CONSTANTS = 'Decision = namedtuple("Decision", ["answer", "reason"])\nKNOWN = {"MIT": "yes", "NC": "no"}\n'


def module_of(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"lab_99_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODULES = {path.stem: module_of(path) for path in FILES}


def cells(name: str) -> str:
    """The exercise's cell, with its solution marked, and its check."""
    head, _, body = inspect.getsource(getattr(MODULES[name], name)).partition("\n")
    solution = json.dumps({"grade": False, "grade_id": name, "locked": False, "solution": True, **MARKS})
    marks = {"grade": True, "grade_id": f"check_{name}", "locked": True, "solution": False, "points": POINTS[name]}
    check = json.dumps(marks | MARKS)
    return (
        f"# %% nbgrader={solution}\n{head}\n    ### BEGIN SOLUTION\n{body.rstrip()}\n    ### END SOLUTION\n\n"
        f'# %% nbgrader={check}\ncheck("{name}", {name})\n\n'
    )


def run(root: Path, *command: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(root), "COURSE_PROFILE": "smoke", "OMP_NUM_THREADS": "1"}
    environment.pop("COURSE_ROOT", None)
    return subprocess.run([sys.executable, *command], cwd=root, env=environment, capture_output=True, text=True)


def done(process: subprocess.CompletedProcess) -> str:
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout + process.stderr


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A copy of the course with Lab 99 in it, built."""
    root = tmp_path_factory.mktemp("course") / "course"
    left_out = shutil.ignore_patterns("__pycache__", "*.safetensors", "*.npz")
    for name in ("benchmarks", "cli", "docs", "grader", "utils"):
        shutil.copytree(ROOT / name, root / name, ignore=left_out)
    for path in ROOT.glob("*.*"):
        if path.is_file():
            shutil.copy(path, root)
    exercises = root / "grader" / "exercises" / "lab99"
    shutil.copytree(HERE / "exercises", exercises)
    (exercises / "__init__.py").write_text('"""Lab 99."""\n')
    asked = IMPORTS + CONSTANTS + "\n" + "".join(map(cells, POINTS))
    text = (HERE / "source.py").read_text().replace(PLACE, asked)
    place = root / "solutions" / NAME / f"{NAME}.py"
    place.parent.mkdir(parents=True)
    place.write_text(text)
    measured = {"minutes": 5, "seconds": 3.2, "memory_mb": 410, "download_mb": 0}
    (root / "benchmarks" / "results" / "lab_99.json").write_text(json.dumps(measured))
    done(run(root, "-m", "grader.exercises.make_tables", *POINTS))
    done(run(root, "-m", "cli", "build", "99"))
    return root


def submission(course: Path, answers: dict[str, str]) -> dict:
    """The learner's notebook, with these sources in place of the scaffolds."""
    notebook = json.loads((course / "labs" / NAME / f"{NAME}.ipynb").read_text())
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if name in answers:
            cell["source"] = answers[name]
        elif name == "written_why":
            cell["source"] = "Because."
    return notebook


def hand_in(folder: Path, student: str, notebook: dict) -> None:
    path = folder / student / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook))


def right_answers() -> dict[str, str]:
    return {name: inspect.getsource(getattr(module, name)) for name, module in MODULES.items()}


def wrong_answers() -> dict[str, tuple[str, str]]:
    """For each exercise its first mistake: a cell that makes it, and its name."""
    found = {}
    for name, module in MODULES.items():
        mistake = module.catalogue.wrong_ones[0]
        function = mistake.implementation
        lines = inspect.getsource(function).splitlines()
        body = "\n".join(line for line in lines if not line.startswith("@"))
        reference = inspect.getsource(getattr(module, name)).replace(f"def {name}(", f"def right_{name}(", 1)
        told = body.replace(f"{name}(", f"right_{name}(").replace(f"def {function.__name__}(", f"def {name}(", 1)
        found[name] = (f"{reference}\n\n{told}", mistake.name)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_exercise_is_one_readable_file(path):
    assert len(path.read_text().splitlines()) <= 200
    assert (
        len(MODULES["total_variation"].catalogue.wrong_ones) == 10
        and len(MODULES["total_variation"].catalogue.right_ones) == 8
    )


@pytest.mark.parametrize("name", POINTS)
def test_every_mistake_is_named_with_its_own_hint_and_every_right_one_passes(name):
    from grader.marking.diagnose import diagnose

    module = MODULES[name]
    for seed in (None, 3, 4):
        for function in module.EXERCISE.right.values():
            assert diagnose(module.EXERCISE, function, seed).passed, function
        for mistake in module.catalogue.wrong_ones:
            found = diagnose(module.EXERCISE, mistake.implementation, seed)
            assert mistake.name in found.misconceptions, (mistake.name, found)
            assert mistake.hint in found.message


def test_the_learner_s_notebook_holds_scaffolds_and_its_check_names_the_mistake(course):
    notebook = json.loads((course / "labs" / NAME / f"{NAME}.ipynb").read_text())
    text = json.dumps(notebook)
    assert "raise NotImplementedError" in text and "residual / residual" not in text
    cell, name = wrong_answers()["keep_or_reject"]
    asked = "check('keep_or_reject', keep_or_reject)\ncheck('cut_layers', len)"
    script = f"{IMPORTS}{cell}\nfrom utils.checks import check\n{asked}"
    said = done(run(course, "-c", script))
    assert f"[not yet] keep_or_reject: Not yet: {name}." in said


@needs_sandbox
def test_it_is_graded_and_reported_with_the_mistake_s_name(course, tmp_path):
    hand_in(tmp_path / "in", "honest", submission(course, right_answers()))
    wrong = wrong_answers()
    hand_in(tmp_path / "in", "mistaken", submission(course, {name: cell for name, (cell, _) in wrong.items()}))
    hand_in(tmp_path / "in", "hostile", submission(course, {name: HOSTILE.format(name) for name in POINTS}))
    options = ("--submissions", str(tmp_path / "in"), "--out", str(tmp_path / "out"))
    done(run(course, "-m", "cli", "grade", "99", *options))
    with (tmp_path / "out" / "results.csv").open(newline="") as file:
        rows = {(row["student"], row["exercise"]): row for row in csv.DictReader(file)}
    for name, points in POINTS.items():
        assert float(rows["honest", name]["score"]) == points, rows["honest", name]
        assert wrong[name][1] in rows["mistaken", name]["misconceptions"], rows["mistaken", name]
        assert float(rows["mistaken", name]["score"]) == 0, rows["mistaken", name]
        assert float(rows["hostile", name]["score"]) == 0 and rows["hostile", name]["message"]
    done(run(course, "-m", "cli", "report", "99", "--out", str(tmp_path / "out")))
    (table,) = (tmp_path / "out").glob("report_*.csv")
    assert all(mistake in table.read_text() for _, mistake in wrong.values())
    pages = list((tmp_path / "out" / "feedback").rglob("*.html"))
    assert len(pages) == 3 and any(wrong["cut_layers"][1] in page.read_text() for page in pages)


HOSTILE = """
class Endless(list):
    def __iter__(self):
        while True:
            yield 1.0
    __len__ = lambda self: 3
    __eq__ = lambda self, other: True
def {}(*anything):
    return [{{"a": Endless([1.0])}}, (Endless([2]),) * 50, "x" * 10**6]
"""


def test_nbgrader_grades_it_too(course):
    hand_in(course / "submitted", "honest", submission(course, right_answers()))
    (course / "submitted" / "honest" / f"{NAME}.ipynb").rename(course / "x.ipynb")
    place = course / "submitted" / "honest" / NAME / f"{NAME}.ipynb"
    place.parent.mkdir(parents=True)
    (course / "x.ipynb").rename(place)
    done(run(course, "-m", "cli", "release", "99"))
    done(run(course, "-m", "nbgrader", "autograde", NAME))
    done(run(course, "-m", "nbgrader", "generate_feedback", NAME))
    page = course / "feedback" / "honest" / NAME / f"{NAME}.html"
    assert f"{sum(POINTS.values()):.1f}" in page.read_text()
