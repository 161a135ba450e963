# ruff: noqa: E501 (a cell's metadata stands in one line)
"""A course with one tiny lab, in a folder of the test's own: what is built, released or graded there harms nothing."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from grader.exercise import Exercise, Part
from grader.notebook.labs import Lab
from grader.notebook.uses import TABLES
from utils.checks.records import Probe, Table
from utils.errors import CourseError
from utils.machine.workspace import ROOT

COPIED = ("course.py", "pyproject.toml", "requirements.txt", "nbgrader_config.py", "grader/nbgrader_config.py")
TINY_LAB = r'''# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Lab 9. Squares
#
# {{ header }}
#
# [The first step](#Step-1.-Square)

# %% tags=["set-up"]
import os
import sys
import warnings
from utils.models.profiles import get_profile  # noqa: E402

profile = get_profile("auto")


def check(name, function):
    print("checked", name)

# %% [markdown]
# ## Step 1. Square
#
# $\frac{a}{b}$ stays. {{ picture("curve", alt="A line that rises [slowly] from left to right.") }}

# %% nbgrader={"grade": false, "grade_id": "squares", "locked": false, "schema_version": 3, "solution": true, "task": false}
def squares(x):
    """The sum of the squares of x."""
    ### BEGIN SOLUTION
    return (x * x).sum()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_squares", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
check("squares", squares)

# %% [markdown]
# {{ table("tiny", {"model": "model", "perplexity": "perplexity"}) }}

# %%
print("noise", file=sys.stderr)
warnings.warn("a warning")
print("10 %\r100 %")
print(os.getcwd(), object(), profile.name)

# %% tags=["notebook-only"]
import ipywidgets
ipywidgets.IntSlider()

# %% [markdown]
# | Points | Rubric |
# |---|---|
# | 2 | Says why |

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_why", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# Because a secret sketch says so.

# %% [markdown]
# The end.
'''
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)


def table(seed: int | None) -> Table:
    """Expected numbers of `squares`: the sum of squares, and twice the input as gradient."""
    stream = np.random.Generator(np.random.PCG64(seed))
    inputs = {name: np.float32(scale * stream.normal(size=(2, 3))) for name, scale in (("small", 1), ("large", 9))}
    numbers = {f"expected/{i}/gradient/x": 2.0 * x.astype(float) for i, x in enumerate(inputs.values())}
    numbers["expected/value"] = np.array([(x.astype(float) ** 2).sum() for x in inputs.values()])
    numbers["fingerprint"] = np.ones(1000)
    return Table(
        "squares",
        tuple(Probe(name, {"x": x}, ("x",)) for name, x in inputs.items()),
        numbers,
        {"names": [], "judge": "arrays"},
    )


PARTS = (Part("small", 1, ("small",)), Part("large", 3, ("large",)))
SQUARES = Exercise("squares", "09", ("x",), PARTS, table, (), {})


@pytest.fixture(scope="session")
def library(tmp_path_factory) -> Path:
    """A copy of utils/ without the models' weights."""
    left_out = shutil.ignore_patterns("__pycache__", "*.safetensors")
    return Path(shutil.copytree(ROOT / "utils", tmp_path_factory.mktemp("library") / "utils", ignore=left_out))


@pytest.fixture
def tiny_lab(tmp_path, monkeypatch, library) -> Lab:
    """The lab 09_squares in a course of its own; `grader.exercises` knows its one exercise and no other."""

    def get(name: str) -> Exercise:
        if name != SQUARES.name:
            raise CourseError(f"There is no exercise {name!r}.")
        return SQUARES

    monkeypatch.setattr("grader.exercises.get", get)
    root = tmp_path / "course"
    shutil.copytree(library, root / "utils")
    table(0).save(root / TABLES / f"{SQUARES.name}.npz")
    (root / "grader").mkdir()
    for name in COPIED:
        shutil.copy(ROOT / name, root / name)
    lab = Lab(root, "09_squares")
    lab.source.parent.mkdir(parents=True)
    lab.source.write_text(TINY_LAB, encoding="utf-8")
    results = root / "benchmarks" / "results"
    results.mkdir(parents=True)
    (results / "curve.png").write_bytes(PIXEL)
    (results / "lab_09.json").write_text('{"minutes": 5, "seconds": 3.2, "memory_mb": 410, "download_mb": 0}')
    row = '{"model": "teacher", "perplexity": 31.42, "low": 30.1, "high": 32.9}'
    (results / "tiny.json").write_text('{"rows": [' + row + "]}")
    return lab
