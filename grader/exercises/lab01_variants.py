"""Lab 1's three small functions, right and wrong, as choices: the source of their tables and runnable mistakes.

``soft_targets(logits, temperature)``, ``entropy(probabilities)`` and ``kl_divergence(p_logits, q_logits)``: all over
the last axis, in nats, with 0 log 0 = 0. The mistake this prevents is a mistake that is known on one axis, or at one
scale, and not on the next.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from grader.exercises.toy_probes import stream_of
from grader.exercises.variants import PLAIN, Scale, Variant, fingerprints, likely
from utils.checks.records import Probe, Table

UNSTABLE = "unstable at large logits: exp or log leaves the range"
ZERO = "0 log 0 is not 0: a zero probability gives NaN"
CUT_OFF = "unstable at large logits: a clamp or an epsilon cuts something off"
COUNTED_ZERO = "0 log 0 is not 0: a zero probability adds something"
ADDED = (1e-2, 1e-3, 1e-4)  # inside a logarithm; smaller ones hardly show


LAST = -1


def _softmax(x: Tensor, axis: int = LAST) -> Tensor:
    return x.softmax(axis)


def soft_target_variants() -> list[Variant]:
    heats: tuple[tuple[str, Callable[[Tensor, float], Tensor], float], ...] = (
        ("", lambda x, T: x / T, 0.0),
        ("temperature is not used", lambda x, T: x, 1.0),
        ("logits multiplied by the temperature instead of divided", lambda x, T: x * T, 1.0),
        ("logits divided by T squared", lambda x, T: x / T**2, 1.1),
        ("logits divided by the square root of T", lambda x, T: x / T**0.5, 1.2),
        ("temperature divided by the logits (arguments swapped)", lambda x, T: T / x, 1.2),
        ("base 2 instead of e", lambda x, T: x / T * math.log(2), 1.2),
        ("a temperature below 1 is raised to 1", lambda x, T: x / max(T, 1.0), 1.2),
        ("temperature cut to a whole number", lambda x, T: x / max(int(T), 1), 1.2),
        ("the scaled logits are rounded down", lambda x, T: (x / T).floor(), 1.3),
        *((f"temperature hard-coded to {fixed}", lambda x, T, fixed=fixed: x / fixed, 1.1) for fixed in (2, 3, 5, 10)),
    )
    forms: tuple[tuple[str, Callable[[Tensor, int], Tensor], float], ...] = (
        ("", lambda x, d: x.softmax(d), 0.0),
        ("log-probabilities instead of probabilities", lambda x, d: x.log_softmax(d), 1.0),
        ("softmax taken twice", lambda x, d: x.softmax(d).softmax(d), 1.0),
        ("softmax missing: the scaled logits are returned", lambda x, d: x, 1.0),
        ("not normalised: exp without the division by the sum", lambda x, d: x.exp(), 1.0),
        ("divided by the largest, not by the sum", lambda x, d: x.exp() / x.exp().amax(d, keepdim=True), 1.1),
        ("sigmoid instead of softmax", lambda x, d: x.sigmoid(), 1.0),
        ("sign of the logits flipped", lambda x, d: (-x).softmax(d), 1.0),
        ("exp missing: logits divided by their sum", lambda x, d: x / x.sum(d, keepdim=True), 1.1),
        ("only the top token is left (argmax)", lambda x, d: (x == x.amax(d, keepdim=True)).to(x.dtype), 1.0),
        ("normalised over everything, not over the last axis", lambda x, d: x.exp() / x.exp().sum(), 1.2),
    )
    axes: tuple[tuple[str, Callable[[Tensor], int], float], ...] = (
        ("", lambda x: LAST, 0.0),
        ("softmax over the first axis instead of the last", lambda x: 0, 1.0),
        ("softmax over the second axis instead of the last", lambda x: min(1, x.ndim - 1), 1.1),
        ("softmax over the last axis but one instead of the last", lambda x: max(x.ndim - 2, 0), 1.2),
    )
    product = [
        Variant(tuple(filter(None, (axis, form, heat))), _chain(shape, scale, place), a + b + c)
        for axis, place, c in axes
        for form, shape, a in forms
        for heat, scale, b in heats
    ]
    after = (
        ("temperature applied after the softmax", lambda x, T: x.softmax(-1) / T, 1.0),
        (
            "softmax taken before the division by T, and again after it",
            lambda x, T: (x.softmax(-1) / T).softmax(-1),
            1.1,
        ),
        ("not normalised: probabilities to the power of 1 / T", lambda x, T: x.softmax(-1) ** (1 / T), 1.1),
        ("not normalised: probabilities to the power of T", lambda x, T: x.softmax(-1) ** T, 1.2),
    )
    return likely([*product, *(Variant((name,), compute, cost) for name, compute, cost in after)])


def _chain(form: Callable, scale: Callable, place: Callable) -> Callable[[Tensor, float], Tensor]:
    return lambda logits, temperature: form(scale(logits, temperature), place(logits))


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
        *((AXIS.format(axis), _kl_along(place), cost) for axis, place, cost in AXES),
        *((f"{amount:g} added inside the log: small probabilities are off", _kl_with(amount), 1.0) for amount in ADDED),
        *((f"logits divided by {heat}: a temperature is used", _kl_at(heat), 1.1) for heat in (2, 3, 5)),
        *(
            (f"logits divided by {heat} and T squared applied: a temperature is used", _kl_at(heat, heat**2), 1.1)
            for heat in (2, 3, 5)
        ),
    )
    beside = terms[1][0], terms[2][0]
    return [*_reduced(terms), *_both_wrong(beside)]


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


SHAPES = ((3, 5), (3, 5), (4,), (2, 3, 6), (1, 5))  # the last one tells who squeezes


def soft_target_probes(seed: int | None) -> tuple[Probe, ...]:
    stream = stream_of(seed, 11)
    drawn = [np.float32(stream.normal(0, 2, shape)) for shape in SHAPES[1:]]
    large = np.clip(stream.normal(0, 400, (3, 5)), -1000, 1000)
    large[1] = np.maximum(large[1] - large[1].max() - 900, -1000)  # far below the others: a row has its own maximum
    logits = [drawn[0], *drawn, drawn[1], np.float32(large)]
    heats = [3.0, 3.0, 2.0, 5.0, 2.5, 0.5, 1.5]
    return _probes([{"logits": x, "temperature": T} for x, T in zip(logits, heats, strict=True)], ("large",))


def entropy_probes(seed: int | None) -> tuple[Probe, ...]:
    stream = stream_of(seed, 12)
    drawn = [stream.dirichlet(np.ones(shape[-1]), shape[:-1]).astype(np.float32) for shape in SHAPES[1:]]
    sure = np.eye(4, dtype=np.float32)[[2, 0]]
    sure[1] = [0.5, 0.0, 0.5, 0.0]
    return _probes([{"probabilities": p} for p in (drawn[0], *drawn, sure)], ("zeros",))


def kl_probes(seed: int | None) -> tuple[Probe, ...]:
    stream = stream_of(seed, 13)
    pairs = [tuple(np.float32(stream.normal(0, 2, (2, *shape)))) for shape in SHAPES[1:]]
    pairs = [pairs[0], *pairs, tuple(np.float32(np.clip(stream.normal(0, 400, (2, 3, 5)), -1000, 1000)))]
    return _probes([{"p_logits": p, "q_logits": q} for p, q in pairs], ("large",))


def _probes(inputs: list[dict], extremes: tuple[str, ...]) -> tuple[Probe, ...]:
    names = [f"ordinary {index}" for index in range(len(inputs) - len(extremes))]
    names += [f"extreme {name}" for name in extremes]
    return tuple(Probe(name, given) for name, given in zip(names, inputs, strict=True))


def table(name: str, probes: tuple[Probe, ...], variants: list[Variant], scales: tuple[Scale, ...]) -> Table:
    """The expected numbers and those of every variant, computed in float64."""
    right = next(variant for variant in variants if not variant.names)
    expected = {f"expected/{index}/value": _run(right.compute, probe) for index, probe in enumerate(probes)}
    numbers, texts = fingerprints(probes, variants, _run, scales)
    extremes = {"extreme large": UNSTABLE, "extreme zeros": ZERO}
    finite = {"extreme large": CUT_OFF, "extreme zeros": COUNTED_ZERO}
    return Table(name, probes, expected | numbers, {"extremes": extremes, "finite extremes": finite, **texts})


def _run(compute: Callable[..., Tensor], probe: Probe) -> np.ndarray:
    given = [
        torch.from_numpy(value).double() if isinstance(value, np.ndarray) else value for value in probe.inputs.values()
    ]
    return compute(*given).numpy()
