"""Lab 1, "What a teacher knows that a label does not": soft targets, entropy, KL divergence."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from grader.exercise import Exercise, Misconception, Part
from grader.exercises import lab01_right as cases
from grader.exercises import lab01_sums as sums
from grader.exercises import lab01_table as tables
from grader.exercises.lab01_table import UNSTABLE, ZERO
from grader.exercises.lab01_variants import soft_target_variants
from grader.exercises.variants import PLAIN, Scale, Variant, catalogue
from utils.checks.judgement import HALF
from utils.checks.records import Probe, Table


def _table(
    name: str,
    probes: Callable[[int | None], tuple[Probe, ...]],
    make: Callable[[], list[Variant]],
    scales: tuple[Scale, ...],
    seed: int | None = None,
) -> Table:
    return tables.table(name, probes(seed), make(), scales)


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
    rounded = [_in(dtype, next(iter(right.values()))) for dtype in (torch.bfloat16, torch.float16)]
    return Exercise(name, "01", parameters, parts, table, catalogue(make(), *others, *rounded), right)


def _in(dtype: torch.dtype, right: Callable) -> Misconception:
    """A right one in half precision."""

    def compute(tensor: Tensor, *rest: Tensor | float) -> Tensor:
        return right(*(each.to(dtype) if isinstance(each, Tensor) else each for each in (tensor, *rest)))

    name = str(dtype).removeprefix("torch.")
    return Misconception(HALF.format(name), f"Everything is computed in {name}.", compute)


EXERCISES = (
    _exercise(
        "soft_targets",
        ("logits", "temperature"),
        tables.soft_target_probes,
        soft_target_variants,
        (
            Misconception(UNSTABLE, "exp before the maximum is taken off.", cases.soft_targets_overflowing),
            Misconception("logits changed in place", "div_.", cases.soft_targets_in_place),
        ),
    ),
    _exercise(
        "entropy",
        ("probabilities",),
        tables.entropy_probes,
        sums.entropy_variants,
        (Misconception(ZERO, "p log p with p = 0.", cases.entropy_of_zero), *cases.scaled(cases.entropy_xlogy)),
        sums.SCALES,
    ),
    _exercise(
        "kl_divergence",
        ("p_logits", "q_logits"),
        tables.kl_probes,
        sums.kl_variants,
        (
            Misconception(UNSTABLE, "The log of a ratio of probabilities.", cases.kl_of_probabilities),
            *cases.scaled(cases.kl_logs),
        ),
        sums.SCALES,
    ),
)
