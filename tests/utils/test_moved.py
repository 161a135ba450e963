"""Notebooks that were handed out before the library had rooms find what they import."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from utils.machine.workspace import ROOT
from utils.moved import PLACES


@pytest.mark.parametrize("old", sorted(PLACES))
def test_every_name_of_the_new_places_is_found_at_the_old_one(old):
    there = import_module(f"utils.{old}")
    found = {}
    for place in reversed(PLACES[old]):
        module = import_module(f"utils.{place}")
        found |= {name: value for name, value in vars(module).items() if not name.startswith("_")}
    assert found
    for name, value in found.items():
        assert getattr(there, name) is value


def test_old_forms_of_import_work():
    from utils.history import settings_of

    from utils import batches, models, training  # modules then; the last two are rooms now
    from utils.data.batches import rows_of
    from utils.losses import core, distillation_loss
    from utils.models.loading import load_pair
    from utils.training import loop, settings

    assert (batches.rows_of, models.load_pair, training.distill) == (rows_of, load_pair, loop.distill)
    assert (settings_of, distillation_loss) == (settings.settings_of, core.distillation_loss)


@pytest.mark.parametrize("old", ["corpus", "losses"])
def test_a_name_that_no_place_has_is_told_as_python_tells_it(old):
    with pytest.raises(ImportError, match=f"cannot import name 'nothing' from 'utils.{old}'"):
        exec(f"from utils.{old} import nothing")


def test_an_old_set_up_cell_knows_the_course_and_loads_no_torch():
    code = "from utils.bootstrap import install_missing; import sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("False", 0), done.stderr
    assert (ROOT / "utils" / "bootstrap.py").is_file()  # it looks for this very file


def imported(path: Path) -> Iterator[str]:
    """The dotted names that a module of the course imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_old(name: str) -> bool:
    """Whether a dotted name begins with an old module; ``utils.models.loading`` does not, though `models` was one."""
    package, room, module = [*name.split("."), "", ""][:3]
    return package == "utils" and room in PLACES and not (ROOT / package / room / f"{module}.py").is_file()


def test_the_course_itself_imports_from_the_new_places():
    files = [
        path
        for folder in ("utils", "grader", "cli", "solutions", "benchmarks")
        for path in ROOT.glob(f"{folder}/**/*.py")
    ]
    assert [f"{path.name}: {name}" for path in files for name in imported(path) if is_old(name)] == []
    assert is_old("utils.corpus.load_corpus") and is_old("utils.losses.distillation_loss")
