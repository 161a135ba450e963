"""``entropy(probabilities)``: -sum p log p in nats over the last axis, with 0 log 0 = 0.  No gradient is owed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from grader.exercise import Exercise, Misconception, Part
from grader.exercises import choices
from grader.exercises.lab01 import sums
from grader.exercises.lab01.hints import ENTROPY
from grader.exercises.variants import Variant, catalogue, in_half_precision
from utils.checks.records import Probe, Table

ZERO = "0 log 0 is not 0: a zero probability gives NaN"
COUNTED_ZERO = "0 log 0 is not 0: a zero probability adds something"
SURE, SPREAD = 0.9, 2.0  # of the wide probe: the first token's share, and how unlike the others are
EXTREMES = ("extreme wide", "extreme zeros")


def probes(seed: int | None) -> tuple[Probe, ...]:
    stream = choices.stream_of(seed, 12)
    drawn = [np.float32(sums.probabilities(stream, shape)) for shape in sums.SHAPES]
    drawn[1] = drawn[0]
    sure = np.eye(4, dtype=np.float32)[[2, 0]]
    sure[1] = [0.5, 0.0, 0.5, 0.0]
    named = zip((*sums.ORDINARY, *EXTREMES), (*drawn, _wide(stream), sure), strict=True)
    return tuple(Probe(name, {"probabilities": p}) for name, p in named)


def _wide(stream: np.random.Generator) -> np.ndarray:
    """(1, classes): a sure prediction with thousands of improbable tokens, as a language model gives it."""
    steps = np.round(8 * stream.normal(0, SPREAD, sums.CLASSES)) / 8  # few different numbers make a small file
    weights = np.exp(steps - steps.max())
    top = stream.integers(sums.CLASSES)
    weights[top] = 0
    weights *= (1 - SURE) / weights.sum()
    weights[top] = SURE
    return np.float32(weights)[None]


def variants() -> list[Variant]:
    terms: tuple[sums.Term, ...] = (
        ("", lambda p: -torch.xlogy(p, p), 0.0),
        ("probabilities missing as weights: only logs are summed", lambda p: -p.clamp(min=1e-12).log(), 1.0),
        ("probabilities are softmaxed once more", lambda p: -torch.xlogy(p.softmax(-1), p.softmax(-1)), 1.0),
        ("log forgotten: squared probabilities instead of p log p", lambda p: p * p, 1.0),
        ("squared error from certainty (Gini) instead of p log p", lambda p: p * (1 - p), 1.1),
        ("log_softmax of probabilities instead of their log", lambda p: -p * p.log_softmax(-1), 1.0),
        ("squared probabilities weigh the logs", lambda p: -torch.xlogy(p * p, p), 1.2),
        ("1 - p weighs the logs instead of p", lambda p: -(1 - p) * p.clamp(min=1e-12).log(), 1.2),
        ("log(1 + p) instead of log p", lambda p: -p * torch.log1p(p), 1.3),
        ("the binary entropy of each class is added", lambda p: -torch.xlogy(p, p) - torch.xlogy(1 - p, 1 - p), 1.3),
        *((sums.EPSILON.format(amount), _with(amount), cost) for amount, cost in sums.ADDED.items()),
    )
    rows: tuple[tuple[str, Callable[[Tensor], Tensor], float], ...] = (
        ("log of the largest probability (min-entropy) instead of the entropy", lambda p: -p.amax(-1).log(), 1.1),
        ("log of the sum of squares (Renyi) instead of the entropy", lambda p: -p.square().sum(-1).log(), 1.2),
        ("one minus the largest probability instead of the entropy", lambda p: 1 - p.amax(-1), 1.2),
        (
            "the entropy is subtracted from the largest possible one, log of the classes",
            lambda p: math.log(p.shape[-1]) + torch.xlogy(p, p).sum(-1),
            1.2,
        ),
        ("variance of the probabilities instead of the entropy", lambda p: p.var(-1), 1.3),
    )
    return [*sums.reduced(terms), *(Variant((name,), compute, cost) for name, compute, cost in rows)]


def _with(amount: float) -> Callable[[Tensor], Tensor]:
    return lambda p: -p * (p + amount).log()


def _clamped(least: float) -> Callable[[Tensor], Tensor]:
    return lambda p: -p * p.clamp(min=least).log()


def of_zero(probabilities):
    return -(probabilities * probabilities.log()).sum(-1)


def both_clamped(probabilities):
    raised = probabilities.clamp(min=1e-3)
    return -(raised * raised.log()).sum(-1)


def of_large_ones(probabilities):
    return -torch.where(probabilities > 1e-4, probabilities * probabilities.log(), 0.0).sum(-1)


def zero_counted(probabilities):
    return -(torch.where(probabilities == 0, 1e-2, probabilities) * probabilities.clamp(min=1e-12).log()).sum(-1)


def where(probabilities):
    logs = torch.where(probabilities > 0, probabilities, 1.0).log()
    return -(probabilities * logs).sum(-1)


def xlogy(probabilities):
    return -torch.xlogy(probabilities, probabilities).sum(dim=-1)


def entr(probabilities):
    return torch.special.entr(probabilities).sum(-1)


def clamped(probabilities):
    return -(probabilities * probabilities.clamp(min=1e-12).log()).sum(-1)


def added(probabilities):
    return -(probabilities * torch.log(probabilities + 1e-12)).sum(-1)


def nan_to_num(probabilities):
    return -torch.nan_to_num(probabilities * torch.log(probabilities)).sum(-1)


def bits_back(probabilities):
    return -(probabilities * torch.log2(probabilities + (probabilities == 0))).sum(-1) * torch.log(torch.tensor(2.0))


def nansum(probabilities):
    return -(probabilities * probabilities.log()).nansum(-1)


def of_positive_ones(probabilities):
    terms, positive = torch.zeros_like(probabilities), probabilities > 0
    terms[positive] = -probabilities[positive] * probabilities[positive].log()
    return terms.sum(-1)


def a_distribution(probabilities):
    return torch.distributions.Categorical(probs=probabilities).entropy()


def einsum(probabilities):
    return -torch.einsum(
        "...v,...v->...", probabilities, probabilities.clamp(min=torch.finfo(torch.float32).tiny).log()
    )


def in_numpy(probabilities):
    p = probabilities.detach().numpy().astype(np.float64)
    logs = np.log(p, where=p > 0, out=np.zeros_like(p))
    return torch.as_tensor(-(p * logs).sum(-1))


def logarithm_of_powers(probabilities):
    """The log of the product of p^-p; 0 to the power of 0 is 1."""
    return torch.log(torch.pow(probabilities.double(), -probabilities.double())).sum(-1)


def one_row_at_a_time(probabilities):
    rows = probabilities.reshape(-1, probabilities.shape[-1])
    return torch.stack([-sum(x * x.log() for x in row[row > 0]) for row in rows]).reshape(probabilities.shape[:-1])


RIGHT = {
    f.__name__: f
    for f in (
        where, xlogy, entr, clamped, added, nan_to_num, bits_back, nansum, of_positive_ones, a_distribution, einsum,
        in_numpy, logarithm_of_powers, one_row_at_a_time,
    )
}  # fmt: skip


def table(seed: int | None = None) -> Table:
    asked = probes(seed)
    texts = {
        "judge": "arrays",
        "forms": ["tensor"] * len(asked),
        "hints": ENTROPY,
        "extremes": {"extreme zeros": ZERO},
        "finite extremes": dict(zip(EXTREMES, (sums.SMALL, COUNTED_ZERO), strict=True)),
    }
    return choices.table("entropy", asked, variants(), texts, sums.SCALES)


EXERCISE = Exercise(
    "entropy",
    "01",
    ("probabilities",),
    (Part("definition", 2.0, sums.ORDINARY), Part("extremes", 1.0, (*sums.ORDINARY, *EXTREMES))),
    table,
    catalogue(
        variants(),
        Misconception(ZERO, "p log p with p = 0.", of_zero),
        Misconception(COUNTED_ZERO, "A zero is replaced as a weight too.", zero_counted),
        Misconception(sums.SMALL, "Probabilities below 0.001 are raised to it.", both_clamped),
        Misconception(sums.SMALL, "Only probabilities above 0.0001 are summed.", of_large_ones),
        *sums.small(_clamped, (1e-2, 1e-3, 1e-4, 1e-5, 1e-6), _with, (1e-4, 1e-5, 1e-6, 1e-7)),
        Misconception("a constant, whatever the input is", "Zeros of the right shape.", sums.constant),
        *sums.scaled(xlogy),
        *in_half_precision(xlogy),
    ),
    RIGHT,
)
