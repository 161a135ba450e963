"""``entropy(probabilities)`` and ``kl_divergence(p_logits, q_logits)``, right and wrong, as choices.

Both are sums over the last axis, in nats, with 0 log 0 = 0: which term is summed, how, and what is made of the sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from grader.exercises.variants import PLAIN, Scale, Variant, likely
from utils.checks.records import Probe

ADDED = (1e-2, 1e-3, 1e-4)  # inside a logarithm; smaller ones hardly show


def _softmax(x: Tensor) -> Tensor:
    return x.softmax(-1)


def entropy_variants() -> list[Variant]:
    terms: tuple[tuple[str, Callable[[Tensor], Tensor], float], ...] = (
        ("", lambda p: -torch.xlogy(p, p), 0.0),
        ("probabilities missing as weights: only logs are summed", lambda p: -p.clamp(min=1e-12).log(), 1.0),
        ("probabilities are softmaxed once more", lambda p: -torch.xlogy(p.softmax(-1), p.softmax(-1)), 1.0),
        ("log forgotten: squared probabilities instead of p log p", lambda p: p * p, 1.0),
        ("squared error from certainty (Gini) instead of p log p", lambda p: p * (1 - p), 1.1),
        ("log_softmax of probabilities instead of their log", lambda p: -p * p.log_softmax(-1), 1.0),
        ("squared probabilities weigh the logs", lambda p: -torch.xlogy(p * p, p), 1.2),
        ("1 - p weighs the logs instead of p", lambda p: -(1 - p) * p.clamp(min=1e-12).log(), 1.2),
        ("log(1 + p) instead of log p", lambda p: -p * torch.log1p(p), 1.3),
        ("probabilities below 0.01 are raised to it", lambda p: -p.clamp(min=0.01) * p.clamp(min=0.01).log(), 1.1),
        ("the binary entropy of each class is added", lambda p: -torch.xlogy(p, p) - torch.xlogy(1 - p, 1 - p), 1.3),
        *(
            (f"{amount:g} added inside the log: small probabilities are off", _entropy_with(amount), 1.0)
            for amount in ADDED
        ),
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
    return [*_reduced(terms), *(Variant((name,), compute, cost) for name, compute, cost in rows)]


def _entropy_with(amount: float) -> Callable[[Tensor], Tensor]:
    return lambda p: -p * (p + amount).log()


def _reduced(terms: tuple) -> list[Variant]:
    """Each term with each reduction, as it is and exponentiated; what only scales it is found as a factor."""
    reductions: tuple[tuple[str, Callable[[Tensor], Tensor], float], ...] = (
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
    ends: tuple[tuple[str, Callable[[Tensor], Tensor], float], ...] = (
        ("", lambda x: x, 0.0),
        ("exp of it (a perplexity) is returned", lambda x: x.exp(), 1.1),
        ("root of it is returned", lambda x: x.abs().sqrt(), 1.4),
    )
    return likely(
        Variant(tuple(filter(None, (term, reduction, end))), _compose(compute, reduce, finish), a + b + c)
        for term, compute, a in terms
        for reduction, reduce, b in reductions
        for end, finish, c in ends
    )


# What an entropy or a divergence may be divided by.
SCALES = (
    PLAIN,
    Scale(
        ("divided by the log of the number of classes (normalised)",), lambda probe: 1 / math.log(_classes(probe)), 1.1
    ),
)


def _classes(probe: Probe) -> int:
    return next(iter(probe.inputs.values())).shape[-1]


def _compose(term: Callable, reduce: Callable, convert: Callable) -> Callable[..., Tensor]:
    return lambda *inputs: convert(reduce(term(*inputs)))


def kl_variants() -> list[Variant]:
    def log(x: Tensor) -> Tensor:
        return x.log_softmax(-1)

    def middle(p: Tensor, q: Tensor) -> Tensor:
        return torch.logaddexp(log(p), log(q)) - math.log(2)

    terms: tuple[tuple[str, Callable[[Tensor, Tensor], Tensor], float], ...] = (
        ("", lambda p, q: log(p).exp() * (log(p) - log(q)), 0.0),
        ("KL the wrong way round: q weighs the sum", lambda p, q: log(q).exp() * (log(q) - log(p)), 1.0),
        ("cross-entropy instead of KL: p's entropy is not subtracted", lambda p, q: -log(p).exp() * log(q), 1.0),
        ("only p's entropy: q is not used", lambda p, q: -log(p).exp() * log(p), 1.1),
        ("symmetric KL (both directions added)", lambda p, q: (log(p).exp() - log(q).exp()) * (log(p) - log(q)), 1.0),
        (
            "Jensen-Shannon divergence instead of KL",
            lambda p, q: 0.5 * (log(p).exp() * (log(p) - middle(p, q)) + log(q).exp() * (log(q) - middle(p, q))),
            1.0,
        ),
        ("the weights p are missing from the sum", lambda p, q: log(p) - log(q), 1.0),
        ("log forgotten: probabilities are subtracted", lambda p, q: log(p).exp() * (log(p).exp() - log(q).exp()), 1.0),
        (
            "q's probabilities where its log-probabilities belong",
            lambda p, q: log(p).exp() * (log(p) - log(q).exp()),
            1.0,
        ),
        ("softmax missing on p and q: logits are used as they are", lambda p, q: p * (p - q), 1.1),
        ("softmax missing in the logarithms: raw logits are subtracted", lambda p, q: log(p).exp() * (p - q), 1.0),
        ("softmax of q missing (raw logits)", lambda p, q: log(p).exp() * (log(p) - q), 1.0),
        ("softmax taken twice", lambda p, q: log(_softmax(p)).exp() * (log(_softmax(p)) - log(_softmax(q))), 1.0),
        ("absolute difference of probabilities instead of KL", lambda p, q: (log(p).exp() - log(q).exp()).abs(), 1.0),
        ("squared difference of probabilities instead of KL", lambda p, q: (log(p).exp() - log(q).exp()) ** 2, 1.0),
        ("squared difference of logits instead of KL", lambda p, q: (p - q) ** 2, 1.0),
        ("negative terms are cut off at 0", lambda p, q: (log(p).exp() * (log(p) - log(q))).clamp(min=0), 1.1),
        (
            "p's probabilities where its log-probabilities belong (log_target)",
            lambda p, q: log(p).exp().exp() * (log(p).exp() - log(q)),
            1.0,
        ),
        ("brackets missing: p weighs its own log alone", lambda p, q: log(p).exp() * log(p) - log(q), 1.0),
        ("the logs are divided instead of subtracted", lambda p, q: log(p).exp() * (log(p) / log(q)), 1.2),
        ("difference of the entropies", lambda p, q: log(p).exp() * log(p) - log(q).exp() * log(q), 1.2),
        ("softmax of p missing in the weights", lambda p, q: p * (log(p) - log(q)), 1.1),
        ("softmax missing: exp of p's logits weighs raw logits", lambda p, q: p.exp() * (p - q), 1.2),
        ("softmax taken twice on q", lambda p, q: log(p).exp() * (log(p) - log(_softmax(q))), 1.1),
        ("softmax taken twice on p", lambda p, q: log(_softmax(p)).exp() * (log(_softmax(p)) - log(q)), 1.1),
        (
            "the mean of both distributions weighs the terms instead of p",
            lambda p, q: (log(p).exp() + log(q).exp()) / 2 * (log(p) - log(q)),
            1.2,
        ),
        ("absolute values of the terms are summed", lambda p, q: (log(p).exp() * (log(p) - log(q))).abs(), 1.1),
        ("squared difference of log-probabilities instead of KL", lambda p, q: (log(p) - log(q)) ** 2, 1.1),
        (
            "p's log-probabilities where its probabilities belong",
            lambda p, q: log(p) * (log(p) - log(q)),
            1.1,
        ),
        (
            "cross-entropy with p's likeliest class instead of KL",
            lambda p, q: (p == p.amax(-1, keepdim=True)) * -log(q),
            1.2,
        ),
        *((AXIS.format(axis), _kl_along(place), cost) for axis, place, cost in AXES),
        *((f"{amount:g} added inside the log: small probabilities are off", _kl_with(amount), 1.0) for amount in ADDED),
        *((f"logits divided by {heat}: a temperature is used", _kl_at(heat), 1.1) for heat in (2, 3, 5)),
        *(
            (f"logits divided by {heat} and T squared applied: a temperature is used", _kl_at(heat, heat**2), 1.1)
            for heat in (2, 3, 5)
        ),
    )
    beside = terms[1][0], terms[2][0]
    backwards = _compose(lambda p, q: -log(q).exp() * log(p), lambda x: x.sum(-1), lambda x: x)
    return [*_reduced(terms), *_both_wrong(beside), Variant(beside, backwards, 2.0)]


AXIS = "softmax over the {} axis instead of the last"
AXES = (("first", 0, 1.0), ("second", 1, 1.1))


def _both_wrong(names: tuple[str, str]) -> Iterator[Variant]:
    """A softmax over the wrong axis beside a reversed KL or a cross-entropy."""
    for axis, place, cost in AXES:
        for name, term in zip(names, (_kl_along(place, True), _kl_along(place, entropy=False)), strict=True):
            yield Variant((AXIS.format(axis), name), _compose(term, lambda x: x.sum(-1), lambda x: x), cost + 1)


def _kl_along(axis: int, swapped: bool = False, entropy: bool = True) -> Callable[[Tensor, Tensor], Tensor]:
    def terms(p: Tensor, q: Tensor) -> Tensor:
        p, q = (q, p) if swapped else (p, q)
        place = min(axis, p.ndim - 1)
        return p.softmax(place) * (entropy * p.log_softmax(place) - q.log_softmax(place))

    return terms


def _kl_with(amount: float) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda p, q: p.softmax(-1) * ((p.softmax(-1) + amount).log() - (q.softmax(-1) + amount).log())


def _kl_at(heat: float, factor: float = 1.0) -> Callable[[Tensor, Tensor], Tensor]:
    def terms(p: Tensor, q: Tensor) -> Tensor:
        log_p, log_q = (p / heat).log_softmax(-1), (q / heat).log_softmax(-1)
        return factor * log_p.exp() * (log_p - log_q)

    return terms
