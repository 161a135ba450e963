"""``soft_targets(logits, temperature)``, right and wrong, as choices: how T enters, which form, over which axis."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from grader.exercises.variants import Variant, likely

LAST = -1


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
        (
            "temperature missing in the sum below: not normalised",
            lambda x, T: (x / T).exp() / x.exp().sum(-1, keepdim=True),
            1.1,
        ),
        (
            "temperature missing in the sum below: not normalised",
            lambda x, T: (_lowered(x) / T).exp() / _lowered(x).exp().sum(-1, keepdim=True),
            1.2,
        ),
        ("logits standardised before the softmax", lambda x, T: (_standardised(x, 0) / T).softmax(-1), 1.2),
        ("logits standardised before the softmax", lambda x, T: (_standardised(x, 1) / T).softmax(-1), 1.2),
        ("probabilities sorted: they belong to other tokens now", lambda x, T: (x / T).softmax(-1).sort(-1)[0], 1.3),
        (
            "probabilities sorted: they belong to other tokens now",
            lambda x, T: (x / T).softmax(-1).sort(-1, descending=True)[0],
            1.2,
        ),
        *(
            (f"only the {kept} likeliest tokens are kept, the others set to 0", _cut_to(kept, again), 1.2 + 0.1 * again)
            for kept in (1, 2, 3)
            for again in (False, True)
        ),
    )
    return likely([*product, *(Variant((name,), compute, cost) for name, compute, cost in after)])


def _lowered(x: Tensor) -> Tensor:
    return x - x.amax(-1, keepdim=True)


def _standardised(x: Tensor, correction: int) -> Tensor:
    return (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True, correction=correction)


def _cut_to(kept: int, again: bool) -> Callable[[Tensor, float], Tensor]:
    """Of the probabilities the largest; again: scaled up to a sum of 1."""

    def compute(x: Tensor, T: float) -> Tensor:
        p = (x / T).softmax(-1)
        cut = torch.where(p >= p.topk(min(kept, p.shape[-1]), dim=-1)[0][..., -1:], p, 0)
        return cut / cut.sum(-1, keepdim=True) if again else cut

    return compute


def _chain(form: Callable, scale: Callable, place: Callable) -> Callable[[Tensor, float], Tensor]:
    return lambda logits, temperature: form(scale(logits, temperature), place(logits))
