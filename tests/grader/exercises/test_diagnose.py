"""The engine's promises: every wrong one is named, every right one passes, and two mistakes at once are both named."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from grader.exercise import Exercise, Misconception
from grader.exercises import all_exercises, get
from grader.exercises.loss_pairs import named, pairs
from grader.exercises.loss_probes import FRAMES, probes
from grader.exercises.loss_recipe import Recipe, cook
from grader.marking.diagnose import diagnose, scores, verdict
from tests.grader import students_elsewhere  # noqa: F401 - it enters more functions into the list
from tests.grader.learners import WRITTEN
from tests.grader.students import WRITTEN as BY_STUDENTS
from utils.checks import TABLES
from utils.checks.ask import ask
from utils.checks.parts import close
from utils.checks.records import Table

SEEDS = (None, 5)
SAMPLED = 150


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
    found = verdict(table, ask(table.probes, wrong.implementation))
    assert not found.passed
    assert set(found.misconceptions) & {wrong.name, *wrong.also}, found
    assert len(found.misconceptions) <= 3 and all(len(name) < 100 for name in found.misconceptions)
    assert len(found.message) <= 600
    assert any(sign.isdigit() for sign in found.message) or "None" in found.message or "returns a" in found.message


@pytest.mark.parametrize(("exercise", "name"), list(right_ones()))
@pytest.mark.filterwarnings("ignore:just a warning")
def test_every_right_variant_passes_with_all_points_on_fixed_and_fresh_probes(
    exercise: Exercise, name: str, tables: dict
) -> None:
    for seed in SEEDS:
        table = tables[exercise.name, seed]
        answers = ask(table.probes, exercise.right[name])
        found = verdict(table, answers)
        assert found.passed and not found.misconceptions, found
        assert scores(exercise, table, answers) == {part.name: part.points for part in exercise.parts}


def share_of_pairs_named(table: Table, chosen: list) -> tuple[float, list]:
    missed = []
    for first, second, recipe in chosen:
        found = verdict(table, ask(table.probes, cook(recipe)))
        assert not found.passed, (first.name, second.name)
        if not (named(first, found.misconceptions) and named(second, found.misconceptions)):
            missed.append((first.name, second.name, found.misconceptions))
    return 1 - len(missed) / len(chosen), missed


def test_two_mistakes_at_once_are_both_named_in_a_sample_of_pairs(tables: dict) -> None:
    every = list(pairs())
    order = np.random.Generator(np.random.PCG64(1)).permutation(len(every))[:SAMPLED]
    share, missed = share_of_pairs_named(tables["distillation_loss", None], [every[index] for index in order])
    assert share >= 0.95, missed


@pytest.mark.nightly
def test_two_mistakes_at_once_are_both_named_in_all_pairs(tables: dict) -> None:
    share, missed = share_of_pairs_named(tables["distillation_loss", None], list(pairs()))
    assert share >= 0.95, missed[:50]


def test_the_catalogue_is_as_large_as_promised() -> None:
    sizes = {exercise.name: (len(exercise.misconceptions), len(exercise.right)) for exercise in all_exercises()}
    assert sizes["distillation_loss"][0] >= 60 and sizes["distillation_loss"][1] >= 25
    assert min(sizes["train_step"][0], sizes["perplexity"][0]) >= 12
    assert all(sizes[name][0] >= 6 for name in ("soft_targets", "entropy", "kl_divergence"))
    assert all(sizes[name][0] >= 10 for name in ("layer_map", "hidden_state_loss"))


@pytest.mark.parametrize("name", [exercise.name for exercise in all_exercises()])
def test_the_shipped_table_is_what_the_catalogue_gives(name: str, tables: dict) -> None:
    shipped, built = Table.load(TABLES / f"{name}.npz"), tables[name, None]
    assert shipped.numbers.keys() == built.numbers.keys()
    assert [probe.name for probe in shipped.probes] == [probe.name for probe in built.probes]
    for old, new in zip(shipped.probes, built.probes, strict=True):
        for key, value in (new.inputs | new.toys).items():
            assert np.array_equal((old.inputs | old.toys)[key], value)
    for key, array in built.numbers.items():
        assert np.allclose(shipped.numbers[key], array, rtol=1e-4, atol=1e-5, equal_nan=True), key


def printed_listing(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    """batchmean on three axes, no shift, and padding counted: three mistakes of a well-known listing."""
    soft = F.kl_div(
        F.log_softmax(student_logits / temperature, dim=-1),
        F.softmax(teacher_logits.detach() / temperature, dim=-1),
        reduction="batchmean",
    )
    size = student_logits.size(-1)
    hard = F.cross_entropy(student_logits.view(-1, size), labels.view(-1), ignore_index=-100)
    return alpha * temperature**2 * soft + (1 - alpha) * hard


def test_a_listing_with_three_mistakes_gets_three_names() -> None:
    found = diagnose(get("distillation_loss"), printed_listing)
    assert found.misconceptions[0] == "no causal shift"
    assert any("padding counted in the soft part" in name for name in found.misconceptions)
    assert any("batchmean" in name for name in found.misconceptions)


@pytest.mark.parametrize(("loss", "names"), WRITTEN, ids=[loss.__name__ for loss, _ in WRITTEN])
def test_what_learners_write_by_hand_is_named_and_earns_less_than_all_points(loss, names: tuple, tables: dict) -> None:
    exercise, table = get("distillation_loss"), tables["distillation_loss", None]
    answers = ask(table.probes, loss)
    assert set(names) == set(verdict(table, answers).misconceptions)
    assert sum(scores(exercise, table, answers).values()) < sum(part.points for part in exercise.parts)


@pytest.mark.parametrize(
    ("name", "function", "names"), BY_STUDENTS, ids=[f"{name}-{function.__name__}" for name, function, _ in BY_STUDENTS]
)
def test_what_students_write_is_named_on_fixed_and_fresh_probes(
    name: str, function, names: tuple, tables: dict
) -> None:
    for seed in SEEDS:
        table = tables[name, seed]
        assert set(verdict(table, ask(table.probes, function)).misconceptions) == set(names)


def test_an_evaluation_that_keeps_gradients_or_dropout_earns_nothing(tables: dict) -> None:
    exercise, table = get("perplexity"), tables["perplexity", 5]
    for wrong in exercise.misconceptions:
        if "gradients are computed" in wrong.name or "train mode" in wrong.name:
            assert sum(scores(exercise, table, ask(table.probes, wrong.implementation)).values()) == 0


def test_an_infinite_loss_is_near_no_number() -> None:
    assert not close(float("inf"), 2.0) and close(float("inf"), float("inf"))


def test_an_unknown_divergence_gets_numbers_and_no_name() -> None:
    def renyi(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
        keep = labels[:, 1:] != -100
        student, teacher = student_logits[:, :-1][keep], teacher_logits[:, :-1][keep].detach()
        p, q = (student / temperature).softmax(-1), (teacher / temperature).softmax(-1)
        soft = -2 * (p.clamp(min=1e-30).sqrt() * q.clamp(min=1e-30).sqrt()).sum(-1).log().mean() * temperature**2
        return alpha * soft + (1 - alpha) * F.cross_entropy(student, labels[:, 1:][keep])

    found = diagnose(get("distillation_loss"), renyi)
    assert not found.passed and found.misconceptions == []
    assert "The hard part agrees" in found.message and "times as much" in found.message


@pytest.mark.parametrize("returned", ["constant", "zero", "none", "float", "nan", "text"])
def test_what_is_no_loss_earns_no_points(returned: str, tables: dict) -> None:
    exercise, table = get("distillation_loss"), tables["distillation_loss", 5]
    answers = ask(table.probes, cook(Recipe(returned=returned)))
    assert sum(scores(exercise, table, answers).values()) == 0


def test_a_right_part_keeps_its_points_beside_a_wrong_one(tables: dict) -> None:
    exercise, table = get("distillation_loss"), tables["distillation_loss", 5]
    answers = ask(table.probes, cook(Recipe(soft_scale="none")))
    earned = scores(exercise, table, answers)
    assert earned["hard"] == 2.0 and earned["soft"] == 0.0 and earned["blend"] == 0.0


def test_fresh_probes_differ_by_seed_and_repeat_with_it(tables: dict) -> None:
    again, other = get("distillation_loss").table(5), get("distillation_loss").table(6)
    fixed = tables["distillation_loss", 5].numbers["expected/value"]
    assert np.array_equal(again.numbers["expected/value"], fixed)
    assert not np.allclose(other.numbers["expected/value"], fixed)


def test_valid_labels_hold_the_first_and_the_last_id() -> None:
    for seed in (None, *range(8)):
        for probe in probes(seed)[: 3 * len(FRAMES) : 3]:
            labels, size = probe.inputs["labels"][:, 1:], probe.inputs["student_logits"].shape[-1]
            assert 0 in labels and size - 1 in labels
