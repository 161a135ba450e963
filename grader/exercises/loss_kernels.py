"""What a single token can contribute to the loss, rightly or wrongly: the catalogue of kernels.

A kernel gives one number a position: a divergence of two distributions (soft), or the cost of one label (hard). Where
temperature enters is a second factor, which neighbour of the teacher or of the labels is taken a third. The mistake
this prevents is a list of whole wrong losses: their combinations are what learners write.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.exercises.loss_divergences import (
    DIVERGENCES,
    NORMALISER,
    OTHERWISE,
    RARE,
    WITH_LABEL,
    Distributions,
    Divergence,
    LabelCost,
    kl,
    log,
    soft,
    total,
    unnormalised,
)


@dataclass(frozen=True)
class Kernel:
    """token: (student, teacher, labels, temperature) -> (B, S) costs, float64. names: what is wrong with it.

    cost: how far-fetched it is; of two explanations that both fit, the cheaper one is named.
    """

    token: Callable[[Tensor, Tensor, Tensor, float], Tensor]
    names: tuple[str, ...]
    cost: float


# name -> (student's divisor, teacher's divisor) as functions of T
HARD_CODED = (2.0, 3.0, 4.0, 5.0, 10.0)
TEMPERATURES: dict[str, tuple[Callable[[float], float], Callable[[float], float], float]] = {
    "": (lambda T: T, lambda T: T, 0),
    "temperature missing in the softmax of both": (lambda T: 1.0, lambda T: 1.0, 1),
    "temperature missing on the teacher": (lambda T: T, lambda T: 1.0, 1),
    "temperature missing on the student": (lambda T: 1.0, lambda T: T, 1),
    "logits multiplied by the temperature instead of divided": (lambda T: 1 / T, lambda T: 1 / T, 1),
    "student logits multiplied by the temperature instead of divided": (lambda T: 1 / T, lambda T: T, 1.2),
    "teacher logits multiplied by the temperature instead of divided": (lambda T: T, lambda T: 1 / T, 1.2),
    "logits divided by T squared": (lambda T: T * T, lambda T: T * T, 1.3),
    "temperature applied twice on the student": (lambda T: T * T, lambda T: T, 1.3),
    "temperature applied twice on the teacher": (lambda T: T, lambda T: T * T, 1.3),
    "logits divided by the square root of T": (math.sqrt, math.sqrt, 1.5),
}
# Tried with the divergence that is asked for alone.
RARE_TEMPERATURES: dict[str, Callable[[float], float]] = {
    "a fractional temperature is cut to a whole number": lambda T: max(1.0, math.floor(T)),
    "T + 1 instead of T divides the logits": lambda T: T + 1,
    "temperatures below 2 are raised to 2": lambda T: max(T, 2.0),
}
HARD_TEMPERATURES: dict[str, tuple[Callable[[float], float], float]] = {
    "": (lambda T: 1.0, 0),
    "temperature in the hard part": (lambda T: T, 1),
    "logits multiplied by the temperature in the hard part": (lambda T: 1 / T, 1.3),
}

# name -> cost of (student, teacher, one-hot label)
LABEL_COSTS: dict[str, tuple[Callable[[Tensor, Tensor, Tensor], Tensor], float]] = {
    "": (lambda s, t, hot: -total(hot * log(s)), 0),
    "log forgotten in the hard part (probability instead of log-probability)": (
        lambda s, t, hot: -total(hot * soft(s)),
        1,
    ),
    "one minus the probability instead of its negative log in the hard part": (
        lambda s, t, hot: 1 - total(hot * soft(s)),
        1.1,
    ),
    "softmax missing in the hard part (raw logits)": (lambda s, t, hot: -total(hot * s), 1),
    "softmax taken twice in the hard part": (lambda s, t, hot: -total(hot * log(soft(s))), 1),
    "cross-entropy of the teacher instead of the student": (lambda s, t, hot: -total(hot * log(t)), 1),
    "the teacher's top token as the label in the hard part": (
        lambda s, t, hot: -log(s).gather(-1, t.argmax(-1, keepdim=True)).squeeze(-1),
        1,
    ),
    "the teacher's distribution instead of the label in the hard part": (lambda s, t, hot: kl(log(t), log(s)), 1.1),
    "squared error of probabilities instead of cross-entropy": (lambda s, t, hot: total((soft(s) - hot) ** 2), 1),
    "squared error of logits instead of cross-entropy": (lambda s, t, hot: total((s - hot) ** 2), 1.2),
    "binary cross-entropy instead of cross-entropy": (
        lambda s, t, hot: total(F.binary_cross_entropy_with_logits(s, hot, reduction="none")),
        1,
    ),
    "multi-margin loss instead of cross-entropy": (
        lambda s, t, hot: total(F.relu(1 - total(hot * s).unsqueeze(-1) + s) * (1 - hot)),
        1.5,
    ),
    "focal loss instead of cross-entropy": (
        lambda s, t, hot: -((1 - total(hot * soft(s))) ** 2) * total(hot * log(s)),
        1.5,
    ),
    "sum of log-probabilities over the whole vocabulary in the hard part": (lambda s, t, hot: -total(log(s)), 1.5),
    "the label's id is one too low in the hard part": (lambda s, t, hot: -total(hot.roll(-1, -1) * log(s)), RARE),
    "the label's id is one too high in the hard part": (lambda s, t, hot: -total(hot.roll(1, -1) * log(s)), RARE),
    "the teacher's logits averaged into the student's in the hard part": (
        lambda s, t, hot: -total(hot * log((s + t) / 2)),
        RARE,
    ),
    NORMALISER: (lambda s, t, hot: -total(hot * unnormalised(s)), RARE),
    **{
        f"an epsilon of {size:g} inside the log in the hard part": (
            lambda s, t, hot, e=size: -(total(hot * soft(s)) + e).log(),
            RARE,
        )
        for size in (1e-3, 1e-2)
    },
}
SMOOTHINGS = (0.01, 0.05, 0.1, 0.15, 0.2, 0.3)
# name, offset, what follows a row's end, cost
TEACHER_PLACES = (
    ("teacher one position ahead of the student", 1, "", 1.0),
    ("teacher one position behind the student", -1, "", 1.0),
    ("teacher one position ahead of the student", 1, "its start", 1.05),
    ("teacher one position behind the student", -1, "its start", 1.05),
)
NO_SHIFT = "no causal shift{}"
FLAT = "flattened before the shift: a row's end is scored on the next row's start{}"
# name -> (label's offset, what follows a row's end, cost). {} is replaced by the part.
LABEL_PLACES = {
    "": (1, "", 0.0),
    NO_SHIFT: (0, "", 1.0),
    "causal shift in the wrong direction{}": (-1, "", 1.2),
    "shift by two positions instead of one{}": (2, "", 1.3),
    "labels rolled around: the last position is scored against the first token{}": (1, "its start", 1.4),
    FLAT: (1, "the next row", 1.3),
}
FAR_FETCHED = 1.5  # divergences from this cost on are tried with the likeliest placements of T alone
BY_DEFAULT_A_MEAN = ("mean squared error", "Huber", "squared error", "binary cross-entropy")
# What stands in for an ignored label where it is counted all the same: the first id, or the last one.
STAND_INS = (0, -1)


def neighbour(array: Tensor, offset: int, fill: float | int, after: str = "") -> Tensor:
    """``array[:, t + offset]`` at each position t; ``fill`` where there is none.

    after: what follows a row's end: "" nothing, "its start" or "the next row" (for an offset of 1).
    """
    if offset == 0:
        return array
    moved = array.roll(-offset, dims=1).clone()
    if after == "the next row":
        moved[:-1, -1], moved[-1, -1] = array[1:, 0], fill
    elif not after:
        moved[:, -offset:] = fill if offset > 0 else moved[:, -offset:]
        moved[:, : max(-offset, 0)] = fill if offset < 0 else moved[:, : max(-offset, 0)]
    return moved


def _names(*names: str) -> tuple[str, ...]:
    return tuple(name for name in names if name)


def _soft_kernel(
    divergence: Divergence, divide_student: Callable, divide_teacher: Callable, offset: int = 0, after: str = ""
) -> Callable:
    def token(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float) -> Tensor:
        aligned = neighbour(teacher, offset, 0.0, after)
        costs = divergence(student / divide_student(temperature), aligned / divide_teacher(temperature))
        return costs * neighbour(torch.ones_like(costs), offset, 0.0, after)

    return token


def _forms(costs: dict[str, tuple[Callable, float]]) -> Iterator[tuple[str, tuple[Callable, float]]]:
    """Each cost as it is; those that torch averages over the vocabulary by default in that form as well."""
    for name, (cost, price) in costs.items():
        yield name, (cost, price)
        if name.startswith(BY_DEFAULT_A_MEAN):
            yield name, (lambda s, *others, sum_of=cost: sum_of(s, *others) / s.shape[-1], price - 0.05)


def soft_kernels() -> Iterator[Kernel]:
    """Every divergence with every placement of T, and the teacher one place off for the two commonest placements."""
    constants = {
        f"temperature hard-coded to {value:g}": (lambda T, v=value: v, lambda T, v=value: v, 1.1)
        for value in HARD_CODED
    }
    rare = {name: (heat, heat, RARE) for name, heat in RARE_TEMPERATURES.items()}
    for what, (divergence, cost) in _forms(DIVERGENCES):
        placements = TEMPERATURES | (constants if cost <= 1 else {}) | ({} if what else rare)
        if cost >= FAR_FETCHED:
            placements = {where: TEMPERATURES[where] for where in tuple(TEMPERATURES)[: 2 if cost >= RARE else 4]}
        for where, (student, teacher, more) in placements.items():
            yield Kernel(_soft_kernel(divergence, student, teacher), _names(what, where), cost + more)
        for where in tuple(TEMPERATURES)[:2] if cost < FAR_FETCHED else ():
            student, teacher, more = TEMPERATURES[where]
            for place, offset, after, yet_more in TEACHER_PLACES:
                if after and what:
                    continue
                token = _soft_kernel(divergence, student, teacher, offset, after)
                yield Kernel(token, _names(place, what, where), cost + more + yet_more)
    for what, distributions, cost in OTHERWISE:
        yield Kernel(_kernel_of(distributions), (what,), cost)
    for what, (label_cost, cost) in WITH_LABEL.items():
        yield Kernel(_label_kernel(label_cost), (what,), cost)


def _kernel_of(distributions: Distributions) -> Callable:
    def token(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float) -> Tensor:
        log_q, p = distributions(student, teacher, temperature)
        return total(torch.xlogy(p, p) - p * log_q)

    return token


def _label_kernel(cost: LabelCost) -> Callable:
    at_one = _hard_kernel(cost, lambda temperature: 1.0, 1, "", 0)
    return lambda student, teacher, labels, T: at_one(student / T, teacher / T, labels, 1.0)


def _hard_kernel(cost: Callable, divide: Callable, offset: int, after: str, stand_in: int) -> Callable:
    def token(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float) -> Tensor:
        size = student.shape[-1]
        wanted = neighbour(labels, offset, size, after)
        inside = wanted != size
        shown = torch.where(wanted < 0, stand_in % size, torch.where(inside, wanted, 0))
        hot = F.one_hot(shown, size).to(student.dtype)
        return torch.where(inside, cost(student / divide(temperature), teacher / divide(temperature), hot), 0.0)

    return token


def hard_kernels() -> Iterator[Kernel]:
    """Every cost of a label with every neighbouring label and, for cross-entropy, every placement of T."""
    smoothed = {
        f"label smoothing ({amount:g}) in the hard part": (
            lambda s, t, hot, a=amount: -total(((1 - a) * hot + a / s.shape[-1]) * log(s)),
            1.1,
        )
        for amount in SMOOTHINGS
    }
    constants = {
        f"temperature hard-coded to {value:g} in the hard part": (lambda T, v=value: v, 1.3) for value in HARD_CODED
    }
    for what, (cost, base) in _forms(LABEL_COSTS | smoothed):
        for where, (divide, more) in (HARD_TEMPERATURES | (constants if what == "" else {})).items():
            for place, (offset, after, yet_more) in LABEL_PLACES.items():
                if (after and what and where) or (base >= RARE and (where or place not in ("", NO_SHIFT))):
                    continue
                for stand_in in STAND_INS if what == where == "" else STAND_INS[:1]:
                    token = _hard_kernel(cost, divide, offset, after, stand_in)
                    price = base + more + yet_more + (0.01 if stand_in else 0.0)
                    yield Kernel(token, _names(place, what, where), price)
