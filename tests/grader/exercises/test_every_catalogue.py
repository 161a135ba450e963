"""Every exercise whose mistakes are known by their numbers, of whatever lab: each mistake is named, under every seed.

`distillation_loss`, `train_step`, `perplexity` and `on_policy_step` have judges of their own and are tried in
test_diagnose and test_lab06.
"""

from __future__ import annotations

from functools import cache

import pytest

from grader.exercise import Exercise
from grader.exercises import all_exercises, get
from tests.grader.exercises.catalogues import (
    FEW,
    MANY,
    names_without_a_thought,
    points_of_every_wrong_one,
    require_telling_parts,
)

PLAYED = {"distillation_loss", "train_step", "perplexity", "on_policy_step"}
AT_LEAST = {
    "soft_targets": 23, "entropy": 26, "kl_divergence": 52, "layer_map": 23, "hidden_state_loss": 40,
    "acceptance_rate": 20, "draft_loss": 18, "expected_tokens": 12, "speedup": 13, "verify": 31,
    "sequence_log_probability": 29, "divergence": 50, "completion_mask": 21,
    "parameter_count": 28, "kv_cache_bytes": 22, "decode_seconds": 21, "block_influence": 28, "kept_layers": 16,
    "prune": 22,
    "lora_forward": 19, "initialise": 20, "merge": 18, "trainable_parameters": 32,
    "overlap": 40, "near_duplicates": 37, "expected_calibration_error": 24, "agreement": 24, "may_train": 43,
    "extract_answer": 24, "steps_are_consistent": 26, "is_repetitive": 18, "trace_labels": 21, "compact": 21,
}  # fmt: skip
OTHERS = 8
EXERCISES = [exercise for exercise in all_exercises() if exercise.name not in PLAYED]
EVERY = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)


@EVERY
def test_a_verdict_and_its_points_do_not_depend_on_the_seed(exercise: Exercise) -> None:
    first, *others = (points_of_every_wrong_one(exercise, seed) for seed in FEW)
    assert all(earned == first for earned in others)


@pytest.mark.nightly
@EVERY
def test_a_verdict_and_its_points_do_not_depend_on_any_of_sixty_seeds(exercise: Exercise) -> None:
    first, *others = (points_of_every_wrong_one(exercise, seed) for seed in MANY)
    assert all(earned == first for earned in others)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", MANY)
@pytest.mark.parametrize("name", sorted(PLAYED))
@pytest.mark.filterwarnings("ignore:just a warning")
def test_a_verdict_of_a_played_exercise_does_not_depend_on_any_of_sixty_seeds(name: str, seed: int) -> None:
    assert points_of_every_wrong_one(get(name), seed) == points_under_the_first(name)


@cache
def points_under_the_first(name: str) -> list[dict[str, float]]:
    return points_of_every_wrong_one(get(name), MANY[0])


@EVERY
def test_every_mistake_has_a_thought_of_its_own(exercise: Exercise) -> None:
    assert names_without_a_thought(exercise) == set()


@EVERY
def test_no_part_is_earned_by_a_constant(exercise: Exercise) -> None:
    require_telling_parts(exercise)


@EVERY
def test_the_catalogue_is_as_large_as_promised(exercise: Exercise) -> None:
    assert len(exercise.right) >= 8
    assert len(exercise.misconceptions) >= AT_LEAST.get(exercise.name, OTHERS)
