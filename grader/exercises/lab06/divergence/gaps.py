"""Divergences of log-probabilities that right and wrong ones are made of: q the student's, p the teacher's."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def kl(one: Tensor, other: Tensor) -> Tensor:
    """KL(one || other) over the last axis."""
    return (one.exp() * (one - other)).sum(-1)


def mixed(q: Tensor, p: Tensor, beta: float) -> Tensor | None:
    """log(beta P + (1 - beta) Q); None at the ends, where nothing is mixed."""
    return torch.logaddexp(p + math.log(beta), q + math.log1p(-beta)) if 0 < beta < 1 else None


def between(q: Tensor, p: Tensor, beta: float, mixture: Tensor) -> Tensor:
    """Both distances from a mixture, weighted."""
    return beta * kl(p, mixture) + (1 - beta) * kl(q, mixture)


def gap(q: Tensor, p: Tensor, beta: float, mixture: Tensor | None = None) -> Tensor:
    """The generalised Jensen-Shannon divergence with its two ends; mixture: another one than beta's."""
    if beta == 0:
        return kl(p, q)
    if beta == 1:
        return kl(q, p)
    return between(q, p, beta, mixed(q, p, beta) if mixture is None else mixture)


def mean_over(of: Callable[[Tensor, Tensor, float], Tensor]) -> Callable:
    """The whole function: softmax, a detached teacher, and one mean over the positions that count."""

    def variant(student_logits, teacher_logits, mask, beta):
        return of(student_logits.log_softmax(-1), teacher_logits.detach().log_softmax(-1), beta)[mask].mean()

    variant.__name__ = of.__name__
    return variant


@mean_over
def divergence(q: Tensor, p: Tensor, beta: float) -> Tensor:
    """The reference."""
    return gap(q, p, beta)
