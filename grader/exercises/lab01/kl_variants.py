"""The variants of ``kl_divergence``: which term is summed, over what, and what ``F.kl_div`` was given."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.exercises.lab01 import sums
from grader.exercises.variants import Variant

REVERSED = "KL the wrong way round: q weighs the sum"
CROSS_ENTROPY = "cross-entropy instead of KL: p's entropy is not subtracted"
Q_NOT_LOG = "q's probabilities where its log-probabilities belong"
RAW_Q = "softmax of q missing (raw logits)"
RAW_BOTH = "softmax missing on p and q: logits are used as they are"
LOG_TARGET = "kl_div gets log-probabilities as its target, without log_target"
RAW_TARGET = "kl_div gets raw logits as its target"
SWAPPED = "the arguments of kl_div are swapped: the log of q comes first, then p"
LOG_OF_LOGITS = "the logarithm is taken of raw logits"
AXIS = "softmax over the {} axis instead of the last"
AXES = (("first", 0, 1.0), ("second", 1, 1.1))


def _log(x: Tensor) -> Tensor:
    return x.log_softmax(-1)


def _share(x: Tensor) -> Tensor:
    return x.softmax(-1)


def _kl_div(log_q: Tensor, target: Tensor) -> Tensor:
    return F.kl_div(log_q, target, reduction="none")


def _middle(p: Tensor, q: Tensor) -> Tensor:
    return torch.logaddexp(_log(p), _log(q)) - math.log(2)


def variants() -> list[Variant]:
    backwards = sums.composed(lambda p, q: -_share(q) * _log(p))
    whole = sums.reduced((*_of_the_formula(), *_of_the_softmax()))
    strange = sums.reduced(_of_wrong_logarithms(), sums.ENDS[:1])
    return [*whole, *strange, *_axes_beside(), Variant((REVERSED, CROSS_ENTROPY), backwards, 2.0)]


def _of_the_formula() -> tuple[sums.Term, ...]:
    """Another formula over the right probabilities and logarithms; the right one comes first."""
    return (
        ("", lambda p, q: _share(p) * (_log(p) - _log(q)), 0.0),
        (REVERSED, lambda p, q: _share(q) * (_log(q) - _log(p)), 1.0),
        (CROSS_ENTROPY, lambda p, q: -_share(p) * _log(q), 1.0),
        ("only p's entropy: q is not used", lambda p, q: -_share(p) * _log(p), 1.1),
        ("symmetric KL (both directions added)", lambda p, q: (_share(p) - _share(q)) * (_log(p) - _log(q)), 1.0),
        (
            "Jensen-Shannon divergence instead of KL",
            lambda p, q: 0.5 * (_share(p) * (_log(p) - _middle(p, q)) + _share(q) * (_log(q) - _middle(p, q))),
            1.0,
        ),
        ("the weights p are missing from the sum", lambda p, q: _log(p) - _log(q), 1.0),
        ("log forgotten: probabilities are subtracted", lambda p, q: _share(p) * (_share(p) - _share(q)), 1.0),
        ("absolute difference of probabilities instead of KL", lambda p, q: (_share(p) - _share(q)).abs(), 1.0),
        ("squared difference of probabilities instead of KL", lambda p, q: (_share(p) - _share(q)) ** 2, 1.0),
        ("squared difference of logits instead of KL", lambda p, q: (p - q) ** 2, 1.0),
        ("squared difference of log-probabilities instead of KL", lambda p, q: (_log(p) - _log(q)) ** 2, 1.1),
        ("negative terms are cut off at 0", lambda p, q: (_share(p) * (_log(p) - _log(q))).clamp(min=0), 1.1),
        ("absolute values of the terms are summed", lambda p, q: (_share(p) * (_log(p) - _log(q))).abs(), 1.1),
        ("brackets missing: p weighs its own log alone", lambda p, q: _share(p) * _log(p) - _log(q), 1.0),
        ("the logs are divided instead of subtracted", lambda p, q: _share(p) * (_log(p) / _log(q)), 1.2),
        ("difference of the entropies", lambda p, q: _share(p) * _log(p) - _share(q) * _log(q), 1.2),
        (
            "the mean of both distributions weighs the terms instead of p",
            lambda p, q: (_share(p) + _share(q)) / 2 * (_log(p) - _log(q)),
            1.2,
        ),
        (
            "cross-entropy with p's likeliest class instead of KL",
            lambda p, q: (p == p.amax(-1, keepdim=True)) * -_log(q),
            1.2,
        ),
        *((sums.EPSILON.format(amount), _with(amount), cost) for amount, cost in sums.ADDED.items()),
        *((f"logits divided by {heat}: a temperature is used", _at(heat), 1.1) for heat in (2, 3, 5)),
        *(
            (f"logits divided by {heat} and T squared applied: a temperature is used", _at(heat, heat**2), 1.1)
            for heat in (2, 3, 5)
        ),
    )


def _of_the_softmax() -> tuple[sums.Term, ...]:
    """A softmax or a logarithm is missing, taken twice, or taken over another axis."""
    return (
        (Q_NOT_LOG, lambda p, q: _share(p) * (_log(p) - _share(q)), 1.0),
        (RAW_BOTH, lambda p, q: p * (p - q), 1.1),
        ("softmax missing in the logarithms: raw logits are subtracted", lambda p, q: _share(p) * (p - q), 1.0),
        (RAW_Q, lambda p, q: _share(p) * (_log(p) - q), 1.0),
        ("softmax of p missing in the weights", lambda p, q: p * (_log(p) - _log(q)), 1.1),
        ("softmax missing: exp of p's logits weighs raw logits", lambda p, q: p.exp() * (p - q), 1.2),
        ("softmax taken twice", lambda p, q: _share(_share(p)) * (_log(_share(p)) - _log(_share(q))), 1.0),
        ("softmax taken twice on q", lambda p, q: _share(p) * (_log(p) - _log(_share(q))), 1.1),
        ("softmax taken twice on p", lambda p, q: _share(_share(p)) * (_log(_share(p)) - _log(q)), 1.1),
        (
            "p's probabilities where its log-probabilities belong (log_target)",
            lambda p, q: _share(p).exp() * (_share(p) - _log(q)),
            1.0,
        ),
        ("p's log-probabilities where its probabilities belong", lambda p, q: _log(p) * (_log(p) - _log(q)), 1.1),
        *((AXIS.format(axis), _along(place), cost) for axis, place, cost in AXES),
    )


def _of_wrong_logarithms() -> tuple[sums.Term, ...]:
    """The log of logits, and what F.kl_div makes of other arguments than log q and p; nearly all of it is NaN."""
    return (
        (LOG_OF_LOGITS, lambda p, q: _share(p) * (p.log() - q.log()), 1.0),
        (LOG_OF_LOGITS, lambda p, q: _share(p) * (_log(p) - q.log()), 1.1),
        (LOG_OF_LOGITS, lambda p, q: p * (p.log() - q.log()), 1.1),
        (LOG_OF_LOGITS, lambda p, q: _share(p) * (p / q).log(), 1.1),
        (LOG_OF_LOGITS, lambda p, q: p * (p / q).log(), 1.1),
        (LOG_TARGET, lambda p, q: _kl_div(_log(q), _log(p)), 1.0),
        ((Q_NOT_LOG, LOG_TARGET), lambda p, q: _kl_div(_share(q), _log(p)), 2.0),
        ((RAW_Q, LOG_TARGET), lambda p, q: _kl_div(q, _log(p)), 2.1),
        (RAW_TARGET, lambda p, q: _kl_div(_log(q), p), 1.0),
        ((Q_NOT_LOG, RAW_TARGET), lambda p, q: _kl_div(_share(q), p), 2.0),
        (RAW_BOTH, lambda p, q: _kl_div(q, p), 1.0),
        (SWAPPED, lambda p, q: _kl_div(_share(p), _log(q)), 1.0),
        ((SWAPPED, LOG_TARGET), lambda p, q: _kl_div(_log(p), _log(q)), 2.0),
        ((SWAPPED, Q_NOT_LOG), lambda p, q: _kl_div(_share(p), _share(q)), 2.0),
        ((SWAPPED, RAW_BOTH), lambda p, q: _kl_div(p, q), 2.0),
    )


def _axes_beside() -> list[Variant]:
    """A softmax over the wrong axis beside a reversed KL or a cross-entropy."""
    return [
        Variant((AXIS.format(axis), name), sums.composed(term), cost + 1)
        for axis, place, cost in AXES
        for name, term in ((REVERSED, _along(place, True)), (CROSS_ENTROPY, _along(place, entropy=False)))
    ]


def _along(axis: int, swapped: bool = False, entropy: bool = True) -> Callable[[Tensor, Tensor], Tensor]:
    def terms(p: Tensor, q: Tensor) -> Tensor:
        p, q = (q, p) if swapped else (p, q)
        place = min(axis, p.ndim - 1)
        return p.softmax(place) * (entropy * p.log_softmax(place) - q.log_softmax(place))

    return terms


def _with(amount: float) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda p, q: _share(p) * ((_share(p) + amount).log() - (_share(q) + amount).log())


def _at(heat: float, factor: float = 1.0) -> Callable[[Tensor, Tensor], Tensor]:
    def terms(p: Tensor, q: Tensor) -> Tensor:
        log_p, log_q = (p / heat).log_softmax(-1), (q / heat).log_softmax(-1)
        return factor * log_p.exp() * (log_p - log_q)

    return terms
