"""Wrong divergences at beta = 0 and 1, where the formula of the mixture gives 0."""

from __future__ import annotations

import math

import torch

from grader.exercises.lab06.divergence.gaps import between, gap, mean_over, mixed
from grader.exercises.lab06.divergence.mixtures import catalogue

wrong = catalogue.wrong


ZERO = (
    "0 at both ends: the mixture's formula is used for beta = 0 and 1 as well",
    "There is the mixture one of the two itself, and nothing is left to learn.",
    "Put beta = 0 into the formula. What is M, and what is your loss?",
)


@wrong(*ZERO)
@mean_over
def zero_at_the_ends(q, p, beta):
    return between(q, p, beta, torch.logaddexp(p + torch.tensor(beta).log(), q + torch.tensor(1 - beta).log()))


@wrong(*ZERO)
@mean_over
def zero_at_the_ends_by_probabilities(q, p, beta):
    return between(q, p, beta, (beta * p.exp() + (1 - beta) * q.exp()).log())


LOG_0 = "log(beta) is taken at the ends too, and log 0 does not exist"


@wrong(
    LOG_0,
    "math.log stops at 0.",
    "What is the logarithm of beta at 0? Does the mixture have to be computed there?",
)
@mean_over
def logarithm_of_zero(q, p, beta):
    return between(q, p, beta, torch.logaddexp(p + math.log(beta), q + math.log(1 - beta)))


@wrong(
    "0 / 0 at the ends: divided by beta (1 - beta) everywhere",
    "Rescaled so that the limits are the two KLs, and computed at the limits too.",
    "What is beta (1 - beta) at 0, and what does your division give?",
)
@mean_over
def nothing_by_nothing(q, p, beta):
    mixture = torch.logaddexp(p + torch.tensor(beta).log(), q + torch.tensor(1 - beta).log())
    return between(q, p, beta, mixture) / (beta * (1 - beta))


@wrong(
    "the mixture's logarithm is infinite where both probabilities underflow",
    "Mixes probabilities and takes the logarithm afterwards.",
    "What is exp(-2000) on a computer? Can the mixture be made of logarithms alone?",
)
@mean_over
def mixture_underflows(q, p, beta):
    return gap(q, p, beta, (beta * p.exp() + (1 - beta) * q.exp()).log())


@wrong(
    "forward KL at both ends",
    "beta = 1 falls into the branch of beta = 0.",
    "Which of the two KLs is meant at beta = 1?",
)
@mean_over
def forward_twice(q, p, beta):
    return gap(q, p, 0 if beta in (0, 1) else beta)


@wrong(
    "reverse KL at both ends",
    "beta = 0 falls into the branch of beta = 1.",
    "Which of the two KLs is meant at beta = 0?",
)
@mean_over
def reverse_twice(q, p, beta):
    return gap(q, p, 1 if beta in (0, 1) else beta)


CROSS = (
    "cross-entropy instead of KL: the first one's entropy is missing",
    "Equal distributions have a loss above 0.",
    "What should the loss be where student and teacher agree?",
)


def _cross(one, other):
    return -(one.exp() * other).sum(-1)


@wrong(*CROSS)
@mean_over
def cross_entropy(q, p, beta):
    mixture = mixed(q, p, beta)
    if beta in (0, 1):
        return _cross(p, q) if beta == 0 else _cross(q, p)
    return beta * _cross(p, mixture) + (1 - beta) * _cross(q, mixture)


@wrong(*CROSS)
@mean_over
def cross_entropy_at_0(q, p, beta):
    return _cross(p, q) if beta == 0 else gap(q, p, beta)


@wrong(*CROSS)
@mean_over
def cross_entropy_at_the_ends(q, p, beta):
    return {0: _cross(p, q), 1: _cross(q, p)}.get(beta, gap(q, p, beta))
