"""The engine's promises for every exercise: every wrong one is named, every right one passes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from grader.exercise import Exercise, Misconception
from grader.exercises import all_exercises, get
from grader.marking.diagnose import scores
from tests.grader.students_elsewhere import WRITTEN as BY_STUDENTS
from utils.checks import TABLES
from utils.checks.ask import ask
from utils.checks.diagnosis import verdict_on
from utils.checks.records import Probe, Table, packed_probe

SEEDS = (None, 5)


@pytest.fixture(scope="module")
def tables() -> dict[tuple[str, int | None], Table]:
    torch.set_num_threads(1)
    return {(exercise.name, seed): exercise.table(seed) for exercise in all_exercises() for seed in SEEDS}


def wrong_ones() -> Iterator[object]:
    for exercise in all_exercises():
        for index, wrong in enumerate(exercise.misconceptions):
            yield pytest.param(exercise, wrong, id=f"{exercise.name}-{index}-{wrong.name[:50]}")


def right_ones() -> Iterator[object]:
    for exercise in all_exercises():
        for name in exercise.right:
            yield pytest.param(exercise, name, id=f"{exercise.name}-{name}")


@pytest.mark.parametrize(("exercise", "wrong"), list(wrong_ones()))
def test_every_misconception_fails_and_is_named(exercise: Exercise, wrong: Misconception, tables: dict) -> None:
    table = tables[exercise.name, None]
    found = verdict_on(table, ask(table.probes, wrong.implementation))
    assert not found.passed
    assert set(found.misconceptions) & {wrong.name, *wrong.also}, found
    assert len(found.misconceptions) <= 3 and all(len(name) < 100 for name in found.misconceptions)
    assert len(found.message) <= 600
    shown = (
        "none",
        "returns a",
        "your values are right",
        "value is right",
        "your answer is",
        "that you return",
        "stops with",
    )
    assert any(sign.isdigit() for sign in found.message) or any(words in found.message.lower() for words in shown)


@pytest.mark.parametrize(("exercise", "name"), list(right_ones()))
@pytest.mark.filterwarnings("ignore:just a warning")
def test_every_right_variant_passes_with_all_points_on_fixed_and_fresh_probes(
    exercise: Exercise, name: str, tables: dict
) -> None:
    for seed in SEEDS:
        table = tables[exercise.name, seed]
        answers = ask(table.probes, exercise.right[name])
        found = verdict_on(table, answers)
        assert found.passed and not found.misconceptions, found
        assert scores(exercise, table, answers) == {part.name: part.points for part in exercise.parts}


def test_the_catalogue_is_as_large_as_promised() -> None:
    sizes = {exercise.name: (len(exercise.misconceptions), len(exercise.right)) for exercise in all_exercises()}
    assert sizes["distillation_loss"][0] >= 60 and sizes["distillation_loss"][1] >= 25
    assert min(sizes["train_step"][0], sizes["perplexity"][0]) >= 12
    assert all(sizes[name][0] >= 6 for name in ("soft_targets", "entropy", "kl_divergence"))
    assert all(sizes[name][0] >= 10 for name in ("layer_map", "hidden_state_loss"))


def plain_parts(probe: Probe) -> tuple[str, list[np.ndarray]]:
    """A probe as JSON, and its arrays."""
    arrays: list[np.ndarray] = []
    text = json.dumps(packed_probe(probe, lambda array: arrays.append(array) or len(arrays)))
    return text, arrays


@pytest.mark.parametrize("name", [exercise.name for exercise in all_exercises()])
def test_the_shipped_table_is_what_the_catalogue_gives(name: str, tables: dict) -> None:
    shipped, built = Table.load(TABLES / f"{name}.npz"), tables[name, None]
    assert shipped.numbers.keys() == built.numbers.keys()
    assert [probe.name for probe in shipped.probes] == [probe.name for probe in built.probes]
    for old, new in zip(map(plain_parts, shipped.probes), map(plain_parts, built.probes), strict=True):
        assert old[0] == new[0] and all(np.array_equal(*pair) for pair in zip(old[1], new[1], strict=True))
    for key, array in built.numbers.items():
        assert np.allclose(shipped.numbers[key], array, rtol=1e-4, atol=1e-5, equal_nan=True), key


@pytest.mark.parametrize(
    ("name", "function", "names"), BY_STUDENTS, ids=[f"{name}-{function.__name__}" for name, function, _ in BY_STUDENTS]
)
def test_what_students_write_is_named_on_fixed_and_fresh_probes(
    name: str, function, names: tuple, tables: dict
) -> None:
    for seed in SEEDS:
        table = tables[name, seed]
        assert set(verdict_on(table, ask(table.probes, function)).misconceptions) == set(names)


def test_an_evaluation_that_keeps_gradients_or_dropout_earns_nothing(tables: dict) -> None:
    exercise, table = get("perplexity"), tables["perplexity", 5]
    for wrong in exercise.misconceptions:
        if "gradients are computed" in wrong.name or "train mode" in wrong.name:
            assert sum(scores(exercise, table, ask(table.probes, wrong.implementation)).values()) == 0
