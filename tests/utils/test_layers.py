"""Imports run downwards through the rooms and never in a circle, also those inside functions."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from utils.machine.workspace import ROOT

ROOMS = (
    "machine", "provenance", "data", "models", "losses", "teachers", "training", "decoding", "measuring", "labs",
    "figures", "checks", "notebook",
)  # fmt: skip
# The package itself, and single modules under all rooms.
EVERYWHERE = {"utils", "errors", "settings", "configuration", "moved"}
# Nothing imports these: what makes the models that the course comes with, and a place that old notebooks know.
ON_TOP = {"pretrained", "bootstrap"}


def modules(root: Path, *packages: str) -> dict[str, Path]:
    found = {}
    for package in packages:
        for path in (root / package).rglob("*.py"):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(known: dict[str, Path], name: str) -> set[str]:
    """The known modules that a module imports; of a package that it takes a module from, only that module."""
    found = set()
    for node in ast.walk(ast.parse(known[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name} imports relatively"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inner & known.keys() if inner <= known.keys() else inner | {node.module}
    return found & known.keys() - {name}


def upward(root: Path) -> list[str]:
    """Sentences about imports of `utils` that do not run downwards."""
    known, problems = modules(root, "utils"), []
    for name in known:
        for other in imports(known, name):
            here, there = (module.split(".")[1] if "." in module else module for module in (name, other))
            if here == there or there in EVERYWHERE or (here in ON_TOP and there not in ON_TOP):
                continue
            if here not in ROOMS or there not in ROOMS or ROOMS.index(there) > ROOMS.index(here):
                problems.append(f"{name} imports {other}")
    return sorted(problems)


def circle(root: Path, *packages: str) -> list[str]:
    known = modules(root, *packages)
    try:
        TopologicalSorter({name: imports(known, name) for name in known}).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_imports_of_the_library_run_downwards_through_the_rooms():
    assert upward(ROOT) == []


@pytest.mark.parametrize("packages", [("utils",), ("grader",), ("cli",)])
def test_no_modules_import_each_other_in_a_circle(packages):
    assert circle(ROOT, *packages) == []


@pytest.mark.parametrize(("package", "above"), [("utils", ("grader", "cli")), ("grader", ("cli",))])
def test_no_package_imports_one_above_it(package, above):
    known = modules(ROOT, package, *above)
    found = {(name, other) for name in known if name.split(".")[0] == package for other in imports(known, name)}
    assert sorted(f"{name} imports {other}" for name, other in found if other.split(".")[0] in above) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("import utils.training.loop", "utils.losses.core imports utils.training.loop"),
        ("def later():\n    from utils.training import loop", "utils.losses.core imports utils.training.loop"),
        ("from utils.machine import memory\nfrom utils.errors import CourseError", None),
        ("from utils.attic import old", "utils.losses.core imports utils.attic.old"),
    ],
)
def test_an_import_that_runs_upwards_is_told(tmp_path, text, problem):
    files = {
        "losses/core.py": text,
        "training/loop.py": "",
        "machine/memory.py": "",
        "errors.py": "",
        "attic/old.py": "",
    }
    for name, content in files.items():
        (tmp_path / "utils" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "utils" / name).write_text(content)
    assert upward(tmp_path) == ([problem] if problem else [])


def test_a_circle_is_told(tmp_path):
    (tmp_path / "utils").mkdir()
    (tmp_path / "utils" / "one.py").write_text("def later():\n    import utils.two")
    (tmp_path / "utils" / "two.py").write_text("from utils import one")
    assert set(circle(tmp_path, "utils")) == {"utils.one", "utils.two"}
