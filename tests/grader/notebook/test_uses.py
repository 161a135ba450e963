"""A solution is executed anew when something that it uses has changed, and not for anything else."""

import json

import nbformat
import numpy as np
import pytest

from grader.notebook.build import build, code_digest, prepare
from grader.notebook.hidden import DRAWN
from grader.notebook.labs import METADATA
from grader.notebook.uses import Uses, used_by_lab

FILES = {
    "utils/__init__.py": "",
    "utils/room/__init__.py": "from .inner import deep\n",
    "utils/room/inner.py": "def deep():\n    from utils.room import hidden\n",
    "utils/room/hidden.py": "",
    "utils/room/words.json": "{}",
    "utils/room/lists/of.txt": "",
    "utils/room/other.py": "NAMED = 'utils.aside.named'\n",
    "utils/aside/__init__.py": "",
    "utils/aside/named.py": "",
    "utils/aside/alone.py": "",
    "utils/aside/locks.py": "TAKES_NOTHING = True\nimport_module(name)\n",
    "utils/aside/pair.py": "PAIR = ROOT / 'utils' / 'pretrained' / 'teacher'\n",
    "utils/pretrained/__init__.py": "",
    "utils/pretrained/teacher/model.safetensors": "",
    "utils/pretrained/student/model.safetensors": "",
    "utils/checks/__init__.py": "",
    "utils/checks/tables/loss.npz": "",
    "utils/checks/tables/step.npz": "",
    "utils/checks/numbers.py": "",
    "utils/checks/others.py": "",
    "utils/checks/plays/__init__.py": "",
    "utils/checks/plays/steps.py": "",
    "benchmarks/results/effect.json": "{}",
    "benchmarks/results/sweeps.json": "{}",
}
ROOM = {"utils/__init__.py", "utils/room/__init__.py", "utils/room/inner.py", "utils/room/hidden.py"}
ROOM |= {"utils/room/words.json", "utils/room/lists/of.txt"}
ASIDE = {"utils/__init__.py", "utils/aside/__init__.py"}
JUDGES = {"utils/__init__.py", "utils/checks/__init__.py", "utils/checks/numbers.py", "utils/checks/plays/__init__.py"}
JUDGES |= {"utils/checks/plays/steps.py"}  # those that the exercise's table names


@pytest.fixture
def course(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for table in (tmp_path / "utils/checks/tables").iterdir():
        header = json.dumps({"texts": {"judge": "numbers"}, "probes": [{"play": ""}, {"play": "steps"}]})
        np.savez(table, header=np.frombuffer(header.encode(), dtype=np.uint8))
    return tmp_path


def used(course, cell: str) -> set[str]:
    return {path.relative_to(course).as_posix() for path in used_by_lab([cell], "lab", course).files}


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("import math\nx = 1", set()),
        ("%matplotlib inline\n!ls\nimport utils.room", ROOM),
        ("def later():\n    from utils.room.inner import deep as d", ROOM),
        ("from utils.aside import alone", ASIDE | {"utils/aside/alone.py"}),
        ("from utils.room import other", ROOM | ASIDE | {"utils/room/other.py", "utils/aside/named.py"}),
        ("import importlib\nimportlib.import_module('utils.aside.alone')", ASIDE | {"utils/aside/alone.py"}),
        ("from utils.aside import pair", ASIDE | {"utils/aside/pair.py", "utils/pretrained/teacher/model.safetensors"}),
        ("committed('effect')", {"benchmarks/results/effect.json"}),
        ("committed(name)", {"benchmarks/results/effect.json", "benchmarks/results/sweeps.json"}),
        ("check('loss', loss)", {"utils/checks/tables/loss.npz", *JUDGES}),
        ("runpy.run_path(str(COURSE / 'utils/aside/alone.py'))", ASIDE | {"utils/aside/alone.py"}),
        ("from utils.aside import locks", ASIDE | {"utils/aside/locks.py"}),
    ],
)
def test_what_a_cell_uses_is_followed_through_imports_and_to_its_data(course, cell, expected):
    assert used(course, cell) == expected


@pytest.mark.parametrize(
    "call", ["import_module(name)", "importlib.import_module(f'utils.{room}')", "__import__(name)"]
)
def test_a_name_that_is_computed_may_be_any_module(course, call):
    assert {name for name in FILES if name.endswith(".py")} <= used(course, call)


def test_a_star_takes_all_modules_of_a_package(course):
    assert ASIDE | {"utils/aside/alone.py", "utils/aside/named.py"} <= used(course, "from utils.aside import *")


@pytest.mark.parametrize(("changed", "anew"), [("utils/room/hidden.py", True), ("utils/aside/alone.py", False)])
def test_the_digest_changes_with_what_is_used_alone(course, changed, anew):
    before = used_by_lab(["import utils.room"], "lab", course).digest()
    (course / changed).write_text("changed = True\n")
    assert (used_by_lab(["import utils.room"], "lab", course).digest() != before) is anew


def test_relative_imports_are_followed(course):
    (course / "utils/aside/alone.py").write_text("from ..room import inner\nfrom . import named\n")
    uses = Uses(course)
    uses.add_module("utils.aside.alone")
    assert {"utils/room/inner.py", "utils/aside/named.py"} <= {p.relative_to(course).as_posix() for p in uses.files}


def test_a_module_that_the_lab_does_not_use_runs_nothing_again(tiny_lab):
    digest = code_digest(prepare(tiny_lab))
    with open(tiny_lab.root / "utils" / "losses" / "topk.py", "a", encoding="utf-8") as file:
        file.write("CHANGED = True\n")
    assert code_digest(prepare(tiny_lab)) == digest
    with open(tiny_lab.root / "utils" / "models" / "profiles.py", "a", encoding="utf-8") as file:
        file.write("CHANGED = True\n")
    assert code_digest(prepare(tiny_lab)) != digest


@pytest.fixture
def built(tiny_lab, monkeypatch):
    def execute(notebook, lab, profile):
        notebook.metadata[METADATA].executed = nbformat.NotebookNode()
        return notebook

    monkeypatch.setattr("grader.notebook.execution.execute", execute)
    build(tiny_lab, "smoke", say=lambda words: None)
    return tiny_lab


def drawings(monkeypatch) -> list[str]:
    drawn = []
    from grader.notebook.hidden import hidden_record as real

    def draw(name, *rest):
        drawn.append(name)
        return real(name, *rest)

    monkeypatch.setattr("grader.notebook.hidden.hidden_record", draw)
    return drawn


def test_hidden_tests_are_drawn_once_and_taken_from_the_built_solution_afterwards(built, monkeypatch):
    drawn = drawings(monkeypatch)
    assert prepare(built) == prepare(built) and drawn == []
    prepare(built, seed=7)
    assert drawn == ["squares"], "an exam's tests are drawn"


@pytest.mark.parametrize("change", ["the code that draws", "an edited test"])
def test_hidden_tests_are_drawn_anew_where_they_may_differ(built, monkeypatch, change):
    drawn = drawings(monkeypatch)
    notebook = nbformat.read(built.solution, as_version=4)
    if change == "an edited test":
        (cell,) = [cell for cell in notebook.cells if cell.id == "check_squares"]
        cell.source = cell.source.replace('record = "', 'record = "x')
    else:
        notebook.metadata[METADATA][DRAWN].by = "other code"
    nbformat.write(notebook, built.solution)
    prepare(built)
    assert drawn == ["squares"]


def test_a_release_does_not_say_which_code_drew_the_tests(built):
    assert DRAWN not in nbformat.read(built.released, as_version=4).metadata[METADATA]
