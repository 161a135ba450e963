"""``soft_targets(logits, temperature)``: softmax(logits / T) over the last axis.

A wrong one is a choice: how T enters, what is made of the scaled logits, and over which axis. No gradient is owed,
because the teacher's targets are fixed.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from grader.exercise import Exercise, Misconception, Part
from grader.exercises import choices
from grader.exercises.lab01.hints import SOFT_TARGETS
from grader.exercises.variants import Variant, catalogue, in_half_precision, likely
from utils.checks.records import Probe, Table

UNSTABLE = "unstable at large logits: exp or log leaves the range"
CUT_OFF = "unstable at large logits: a clamp or an epsilon cuts something off"
LAST = -1
HEATS = (3.0, 3.0, 2.0, 5.0, 2.5, 0.5)
ORDINARY = tuple(f"ordinary {index}" for index in range(len(HEATS)))
SHAPES = ((3, 5), (3, 5), (4,), (2, 3, 6), (1, 5), (4,))  # with a single row it shows who squeezes


def probes(seed: int | None) -> tuple[Probe, ...]:
    stream = choices.stream_of(seed, 11)
    logits = [np.float32(stream.normal(0, 2, shape)) for shape in SHAPES]
    logits[1] = logits[0]
    large = np.clip(stream.normal(0, 400, (3, 5)), -1000, 1000)
    large[1] = np.maximum(large[1] - large[1].max() - 900, -1000)  # far below the others: a row has its own maximum
    named = (*zip(ORDINARY, logits, HEATS, strict=True), ("extreme large", np.float32(large), 1.5))
    return tuple(Probe(name, {"logits": x, "temperature": T}) for name, x, T in named)


def variants() -> list[Variant]:
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
    return likely([*product, *(Variant((name,), compute, cost) for name, compute, cost in _others())])


def _chain(form: Callable, scale: Callable, place: Callable) -> Callable[[Tensor, float], Tensor]:
    return lambda logits, temperature: form(scale(logits, temperature), place(logits))


def _others() -> tuple[tuple[str, Callable[[Tensor, float], Tensor], float], ...]:
    """Variants that are no product of these choices."""
    below, moved = "temperature missing in the sum below: not normalised", "logits standardised before the softmax"
    in_order = "probabilities sorted: they belong to other tokens now"
    twice = "softmax taken before the division by T, and again after it"
    return (
        ("temperature applied after the softmax", lambda x, T: x.softmax(-1) / T, 1.0),
        (twice, lambda x, T: (x.softmax(-1) / T).softmax(-1), 1.1),
        ("not normalised: probabilities to the power of 1 / T", lambda x, T: x.softmax(-1) ** (1 / T), 1.1),
        ("not normalised: probabilities to the power of T", lambda x, T: x.softmax(-1) ** T, 1.2),
        (below, lambda x, T: (x / T).exp() / x.exp().sum(-1, keepdim=True), 1.1),
        (below, lambda x, T: (_lowered(x) / T).exp() / _lowered(x).exp().sum(-1, keepdim=True), 1.2),
        (moved, lambda x, T: (_standardised(x, 0) / T).softmax(-1), 1.2),
        (moved, lambda x, T: (_standardised(x, 1) / T).softmax(-1), 1.2),
        (in_order, lambda x, T: (x / T).softmax(-1).sort(-1)[0], 1.3),
        (in_order, lambda x, T: (x / T).softmax(-1).sort(-1, descending=True)[0], 1.2),
        *(
            (f"only the {kept} likeliest tokens are kept, the others set to 0", _cut_to(kept, again), 1.2 + 0.1 * again)
            for kept in (1, 2, 3)
            for again in (False, True)
        ),
    )


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


def overflowing(logits, temperature):
    weights = torch.exp(logits / temperature)
    return weights / weights.sum(-1, keepdim=True)


def one_maximum_for_all_rows(logits, temperature):
    powers = torch.exp((logits - logits.max()) / temperature)
    return powers / powers.sum(-1, keepdim=True)


def clamped(logits, temperature):
    return torch.softmax(logits.clamp(-20, 20) / temperature, -1)


def in_place(logits, temperature):
    return logits.div_(temperature).softmax(-1)


def softmax_method(logits, temperature):
    return (logits / temperature).softmax(dim=-1)


def softmax_function(logits, temperature):
    return F.softmax(logits.double() / temperature, -1)


def by_hand(logits, temperature):
    scaled = logits / temperature
    weights = torch.exp(scaled - scaled.max(dim=-1, keepdim=True).values)
    return weights / weights.sum(dim=-1, keepdim=True)


def through_logs(x, T):
    return torch.exp(torch.log_softmax(x.div(T), dim=x.ndim - 1))


def without_gradient(logits, temperature):
    with torch.no_grad():
        return torch.softmax(logits * (1.0 / temperature), -1)


def one_row_at_a_time(logits, temperature, dim=-1):
    rows = logits.reshape(-1, logits.shape[-1])
    return torch.stack([torch.softmax(row / temperature, 0) for row in rows]).view(logits.shape)


def softmin_of_the_negative(logits, temperature):
    return F.softmin(-logits / temperature, dim=-1)


def in_numpy(logits, temperature):
    scaled = logits.numpy() / temperature
    weights = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return torch.from_numpy(weights / weights.sum(axis=-1, keepdims=True))


def of_differences(logits, temperature):
    """One over the sum of exp(z_j - z_i): nothing is subtracted by hand, and nothing divides two infinite numbers."""
    return 1 / torch.exp((logits[..., None, :] - logits[..., :, None]) / temperature).sum(-1)


def a_distribution(logits, temperature):
    return torch.distributions.Categorical(logits=logits / temperature).probs


class SoftTargets(torch.nn.Softmax):
    """A module whose call divides first."""

    def __call__(self, logits, temperature):
        return super().__call__(logits / temperature)


RIGHT = {
    f.__name__: f
    for f in (
        softmax_method, softmax_function, by_hand, through_logs, without_gradient, one_row_at_a_time,
        softmin_of_the_negative, in_numpy, of_differences, a_distribution,
    )
} | {"module": SoftTargets(dim=-1)}  # fmt: skip


def table(seed: int | None = None) -> Table:
    asked = probes(seed)
    texts = {
        "judge": "arrays",
        "forms": ["tensor"] * len(asked),
        "hints": SOFT_TARGETS,
        "extremes": {"extreme large": UNSTABLE},
        "finite extremes": {"extreme large": CUT_OFF},
    }
    return choices.table("soft_targets", asked, variants(), texts)


EXERCISE = Exercise(
    "soft_targets",
    "01",
    ("logits", "temperature"),
    (Part("definition", 2.0, ORDINARY), Part("extremes", 1.0, (*ORDINARY, "extreme large"))),
    table,
    catalogue(
        variants(),
        Misconception(UNSTABLE, "exp before the maximum is taken off.", overflowing),
        Misconception(UNSTABLE, "One maximum is taken off all rows.", one_maximum_for_all_rows),
        Misconception(CUT_OFF, "Logits are clamped to 20.", clamped),
        Misconception("logits changed in place", "div_.", in_place),
        *in_half_precision(softmax_method),
    ),
    RIGHT,
)
