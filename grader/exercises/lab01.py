"""Lab 1, "What a teacher knows that a label does not": soft targets, entropy, KL divergence."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from grader.exercise import Exercise, Misconception, Part
from grader.exercises import lab01_right as cases
from grader.exercises import lab01_variants as variants
from grader.exercises.lab01_variants import UNSTABLE, ZERO
from grader.exercises.variants import PLAIN, Scale, Variant, catalogue
from utils.checks.records import Probe, Table


def _table(
    name: str,
    probes: Callable[[int | None], tuple[Probe, ...]],
    make: Callable[[], list[Variant]],
    scales: tuple[Scale, ...],
    seed: int | None = None,
) -> Table:
    return variants.table(name, probes(seed), make(), scales)


def _exercise(
    name: str,
    parameters: tuple[str, ...],
    probes: Callable[[int | None], tuple[Probe, ...]],
    make: Callable[[], list[Variant]],
    others: tuple[Misconception, ...],
    scales: tuple[Scale, ...] = (PLAIN,),
) -> Exercise:
    names = tuple(probe.name for probe in probes(None))
    ordinary = tuple(probe for probe in names if probe.startswith("ordinary"))
    parts = (Part("definition", 2.0, ordinary), Part("extremes", 1.0, names))
    right = cases.RIGHT[name]
    table = partial(_table, name, probes, make, scales)
    return Exercise(name, "01", parameters, parts, table, catalogue(make(), *others), right)


EXERCISES = (
    _exercise(
        "soft_targets",
        ("logits", "temperature"),
        variants.soft_target_probes,
        variants.soft_target_variants,
        (
            Misconception(UNSTABLE, "exp before the maximum is taken off.", cases.soft_targets_overflowing),
            Misconception("logits changed in place", "div_.", cases.soft_targets_in_place),
        ),
    ),
    _exercise(
        "entropy",
        ("probabilities",),
        variants.entropy_probes,
        variants.entropy_variants,
        (Misconception(ZERO, "p log p with p = 0.", cases.entropy_of_zero), *cases.scaled(cases.entropy_xlogy)),
        variants.SCALES,
    ),
    _exercise(
        "kl_divergence",
        ("p_logits", "q_logits"),
        variants.kl_probes,
        variants.kl_variants,
        (
            Misconception(UNSTABLE, "The log of a ratio of probabilities.", cases.kl_of_probabilities),
            *cases.scaled(cases.kl_logs),
        ),
        variants.SCALES,
    ),
)
