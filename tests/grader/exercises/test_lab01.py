"""Lab 1's functions: every verdict is the same under every seed, and each mistake gets its own name and question."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from grader.exercises.lab01 import entropy, kl_divergence, kl_variants, sums
from tests.grader.exercises.catalogues import (
    FEW,
    judged,
)
from utils.checks.records import Table


@pytest.fixture(scope="module")
def kl() -> Table:
    return kl_divergence.table(None)


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (
            lambda p, q: F.kl_div(q.log_softmax(-1), p.log_softmax(-1), reduction="none").sum(-1),
            {kl_variants.LOG_TARGET},
        ),
        (lambda p, q: F.kl_div(q.log_softmax(-1), p, reduction="none").sum(-1), {kl_variants.RAW_TARGET}),
        (lambda p, q: F.kl_div(q, p, reduction="none").sum(-1), {kl_variants.RAW_BOTH}),
        (lambda p, q: F.kl_div(p.softmax(-1), q.log_softmax(-1), reduction="none").sum(-1), {kl_variants.SWAPPED}),
        (
            lambda p, q: F.kl_div(q.softmax(-1), p.log_softmax(-1), reduction="none").sum(-1),
            {kl_variants.Q_NOT_LOG, kl_variants.LOG_TARGET},
        ),
        (
            lambda p, q: F.kl_div(q.log_softmax(-1), p.log_softmax(-1)),
            {kl_variants.LOG_TARGET, "averaged over everything, not summed over the last axis"},
        ),
        (lambda p, q: (p.softmax(-1) * (torch.log(p) - torch.log(q))).sum(-1), {kl_variants.LOG_OF_LOGITS}),
        (lambda p, q: (p * torch.log(p / q)).sum(-1), {kl_variants.LOG_OF_LOGITS}),
    ],
)
def test_what_gives_nan_is_named_too(function, names: set, kl: Table) -> None:
    assert names <= set(judged(kl, function).misconceptions)


def test_a_kl_without_its_gradient_fails_by_name(kl: Table) -> None:
    found = judged(kl, kl_divergence.detached)
    assert found.misconceptions == ["no gradient reaches q_logits"]
    assert "Your values are right; the gradient is not." in found.message


def test_a_nan_that_nobody_catalogued_is_given_no_false_name(kl: Table) -> None:
    found = judged(kl, lambda p, q: (p.softmax(-1) - q.softmax(-1) - 2).sqrt().sum(-1))
    assert found.misconceptions == ["NaN or infinite"]


def test_two_mistakes_get_two_questions(kl: Table) -> None:
    found = judged(kl, lambda p, q: (q.softmax(-1) * (q.log_softmax(-1) - p.log_softmax(-1))).mean(-1))
    assert set(found.misconceptions) == {kl_variants.REVERSED, sums.REDUCTIONS[1][0]}
    assert "Which of the two weighs the sum?" in found.message and "a sum or a mean over the classes?" in found.message


def test_a_gradient_at_large_logits_is_not_asked(kl: Table) -> None:
    assert [probe.name for probe in kl.probes if probe.gradients] == list(sums.ORDINARY)


@pytest.mark.parametrize("seed", FEW)
def test_the_wide_probes_hold_thousands_of_classes_and_small_probabilities(seed: int | None) -> None:
    p = entropy.table(seed).probes[-2].inputs["probabilities"]
    assert (
        p.shape == (1, sums.CLASSES) and abs(p.sum() - 1) < 1e-6 and np.median(p) < 1e-4 and p.max() == np.float32(0.9)
    )


def test_an_epsilon_is_right_where_the_lab_would_not_notice() -> None:
    table = entropy.table(None)
    for amount, passes in ((1e-7, False), (1e-8, True), (1e-12, True)):
        assert judged(table, lambda p, e=amount: -(p * (p + e).log()).sum(-1)).passed is passes
    for least, passes in ((1e-6, False), (1.2e-7, True), (1e-12, True)):
        assert judged(table, lambda p, e=least: -(p * p.clamp(min=e).log()).sum(-1)).passed is passes
