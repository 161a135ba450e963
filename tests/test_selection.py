"""Every test about a lab or an exercise has its mark, whoever wrote it."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from grader.notebook.labs import Lab
from tests import selection

LAYERS = {"layer_map", "lab_03"}


@pytest.fixture(autouse=True)
def labs(monkeypatch):
    known = [SimpleNamespace(name="03_balance", number="03", exercises=("layer_map",)), Lab(Path(), "04_new")]
    monkeypatch.setattr(Lab, "exercises", ("squares",))
    monkeypatch.setattr(selection, "labs_in", lambda root: known)
    for found in (selection.exercises, selection.labs):
        found.cache_clear()
    yield
    for found in (selection.exercises, selection.labs):
        found.cache_clear()


def nothing():
    pass


def a_widget_of_lab_3():
    pass


def that_calls_it():
    return layer_map(2, 4)  # noqa: F821


def that_names_it():
    return "layer_map"


@pytest.mark.parametrize(
    ("path", "function", "parameters", "marks"),
    [
        ("tests/utils/test_any.py", nothing, "", set()),
        ("tests/utils/test_any.py", nothing, "layer_map-8", LAYERS),
        ("tests/notebooks/test_labs.py", nothing, "solution-04_new", {"lab_04"}),
        ("tests/grader/exercises/lab04/test_all.py", nothing, "", {"lab_04"}),
        ("tests/grader/exercises/lab03/test_layer_map.py", nothing, "", LAYERS),
        ("tests/utils/test_any.py", a_widget_of_lab_3, "", {"lab_03"}),
        ("tests/utils/test_any.py", that_calls_it, "", LAYERS),
        ("tests/utils/test_any.py", that_names_it, "", LAYERS),
    ],
)
def test_a_test_is_marked_by_its_parameters_its_text_and_its_place(path, function, parameters, marks):
    assert selection.marks_of(Path(path), function, parameters) == marks


def test_a_file_goes_to_one_worker_and_the_labs_of_a_file_to_several():
    scopes = [selection.scope_of(f"tests/a.py::test[{name}]") for name in ("03_balance", "04_new", "x", "04_new-y")]
    assert scopes[1] == scopes[3] and len(set(scopes)) == 3
