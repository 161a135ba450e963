"""What ``entropy`` and ``kl_divergence`` share: both are sums over the last axis, in nats.

A wrong one is a choice of the term, of how the terms are summed, and of what is made of the sum. An epsilon or a clamp
inside a logarithm is right where the lab would not notice: added up to 1e-8 or clamped at up to 1.2e-7 (as PyTorch's
``Categorical(probs=p)`` does) it moves the entropy of a prediction over 49,152 tokens at T = 20 by less than the
tolerance of 0.01 %. Added 1e-7 moves it by 0.045 %, 1e-5 by 4 %, and a clamp at 1e-3 by 36 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from grader.exercise import Misconception
from grader.exercises.variants import PLAIN, Scale, Variant, likely
from utils.checks.records import Probe

Term = tuple[str | tuple[str, ...], Callable[..., Tensor], float]

CLASSES = 4096  # of the wide probes: thousands, as a vocabulary has, and still a small file
ADDED = {1e-2: 1.0, 1e-3: 1.0, 1e-4: 1.2, 1e-5: 1.2}  # inside a logarithm, and how far-fetched it is
LEAST = 0.015  # of a probability in an ordinary probe, so that no seed decides which epsilon shows there
SMALL = "small probabilities are off: a clamp or an epsilon cuts them off"
EPSILON = "{:g} added inside the log: small probabilities are off"
NORMALISED = "divided by the log of the number of classes (normalised)"
SCALES = (PLAIN, Scale((NORMALISED,), lambda probe: 1 / math.log(_classes(probe)), 1.1))
SHAPES = ((3, 5), (3, 5), (4,), (2, 3, 6), (1, 5))  # the first is asked twice; the last one tells who squeezes
ORDINARY = tuple(f"ordinary {index}" for index in range(len(SHAPES)))


def _classes(probe: Probe) -> int:
    return next(iter(probe.inputs.values())).shape[-1]


REDUCTIONS: tuple[tuple[str, Callable[[Tensor], Tensor], float], ...] = (
    ("", lambda x: x.sum(-1), 0.0),
    ("averaged over the vocabulary instead of summed", lambda x: x.mean(-1), 1.0),
    ("summed over everything, not over the last axis", lambda x: x.sum(), 1.0),
    ("averaged over all rows", lambda x: x.sum(-1).mean(), 1.0),
    ("averaged over everything, not summed over the last axis", lambda x: x.mean(), 1.1),
    ("summed over the first axis instead of the last", lambda x: x.sum(0), 1.0),
    ("averaged over the first axis instead of summed over the last", lambda x: x.mean(0), 1.1),
    ("summed over the second axis instead of the last", lambda x: x.sum(min(1, x.ndim - 1)), 1.1),
    ("the last axis is kept with size 1", lambda x: x.sum(-1, keepdim=True), 1.0),
    ("not summed over the last axis", lambda x: x, 1.0),
    ("maximum over the last axis instead of the sum", lambda x: x.amax(-1), 1.1),
    ("divided by the number of rows (batchmean)", lambda x: x.sum() / x.shape[0], 1.2),
)
ENDS: tuple[tuple[str, Callable[[Tensor], Tensor], float], ...] = (
    ("", lambda x: x, 0.0),
    ("exp of it (a perplexity) is returned", lambda x: x.exp(), 1.1),
    ("root of it is returned", lambda x: x.abs().sqrt(), 1.4),
)


def reduced(terms: Sequence[Term], ends: Sequence[tuple] = ENDS) -> list[Variant]:
    """Each term with each reduction and each end; what only scales it is found as a factor."""
    return likely(
        Variant((*_names(term), *filter(None, (reduction, end))), composed(compute, reduce, finish), a + b + c)
        for term, compute, a in terms
        for reduction, reduce, b in REDUCTIONS
        for end, finish, c in ends
    )


def _names(term: str | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(filter(None, (term,))) if isinstance(term, str) else term


def composed(
    term: Callable, reduce: Callable = REDUCTIONS[0][1], finish: Callable = ENDS[0][1]
) -> Callable[..., Tensor]:
    return lambda *inputs: finish(reduce(term(*inputs)))


def small(
    clamped: Callable[[float], Callable],
    least: Sequence[float],
    added: Callable[[float], Callable],
    amounts: Sequence[float],
) -> list[Misconception]:
    """Clamps and epsilons inside a logarithm, from makers of the term that is summed."""
    clamps = [Misconception(SMALL, f"A clamp at {each:g} in the log.", composed(clamped(each))) for each in least]
    return clamps + [
        Misconception(SMALL, f"{each:g} added in the log.", composed(added(each)), (EPSILON.format(each),))
        for each in amounts
    ]


def probabilities(stream: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Rows that sum to 1, none of their numbers below ``LEAST``."""
    return LEAST + (1 - LEAST * shape[-1]) * stream.dirichlet(np.ones(shape[-1]), shape[:-1])


def scaled(right: Callable) -> tuple[Misconception, ...]:
    """A right function whose numbers are multiplied with something."""
    factors: tuple[tuple[str, str, Callable], ...] = (
        ("bits instead of nats (base 2)", "log2.", lambda inputs: 1 / math.log(2)),
        ("base-10 logarithm instead of nats", "log10.", lambda inputs: 1 / math.log(10)),
        ("sign flipped", "The minus is missing, or one too many.", lambda inputs: -1.0),
        ("halved", "A factor 1/2.", lambda inputs: 0.5),
        (NORMALISED, "Between 0 and 1.", lambda inputs: 1 / math.log(inputs[0].shape[-1])),
    )
    return tuple(Misconception(name, sentence, _times(right, factor)) for name, sentence, factor in factors)


def _times(right: Callable, factor: Callable) -> Callable:
    return lambda *inputs: right(*inputs) * factor(inputs)


def constant(*inputs: Tensor) -> Tensor:
    """A number for each row, whatever the numbers in it are."""
    return torch.zeros(inputs[0].shape[:-1])
