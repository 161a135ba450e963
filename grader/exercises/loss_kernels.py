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

Divergence = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Kernel:
    """token: (student, teacher, labels, temperature) -> (B, S) costs, float64. names: what is wrong with it.

    cost: how far-fetched it is; of two explanations that both fit, the cheaper one is named.
    """

    token: Callable[[Tensor, Tensor, Tensor, float], Tensor]
    names: tuple[str, ...]
    cost: float


def _sum(terms: Tensor) -> Tensor:
    return terms.sum(-1)


def _kl(log_p: Tensor, log_q: Tensor) -> Tensor:
    return _sum(log_p.exp() * (log_p - log_q))


def _jensen(student: Tensor, teacher: Tensor, beta: float) -> Tensor:
    log_p, log_q = teacher.log_softmax(-1), student.log_softmax(-1)
    middle = torch.logaddexp(log_p + math.log(beta), log_q + math.log1p(-beta))
    return beta * _kl(log_p, middle) + (1 - beta) * _kl(log_q, middle)


def _mixed_logs(student: Tensor, teacher: Tensor) -> Tensor:
    log_p, log_q = teacher.log_softmax(-1), student.log_softmax(-1)
    middle = (log_p + log_q) / 2
    return (_kl(log_p, middle) + _kl(log_q, middle)) / 2


def _log(logits: Tensor) -> Tensor:
    return logits.log_softmax(-1)


def _soft(logits: Tensor) -> Tensor:
    return logits.softmax(-1)


# name -> divergence of (student, teacher), both already divided by T
DIVERGENCES: dict[str, tuple[Divergence, float]] = {
    "": (lambda s, t: _kl(_log(t), _log(s)), 0),
    "KL the wrong way round (student || teacher)": (lambda s, t: _kl(_log(s), _log(t)), 1),
    "soft cross-entropy instead of KL (the teacher's entropy is not subtracted)": (
        lambda s, t: -_sum(_soft(t) * _log(s)),
        1,
    ),
    "soft cross-entropy of the student against the teacher": (lambda s, t: -_sum(_soft(s) * _log(t)), 1.2),
    "Jensen-Shannon divergence instead of KL": (lambda s, t: _jensen(s, t, 0.5), 1),
    "generalized Jensen-Shannon divergence (beta 0.1) instead of KL": (lambda s, t: _jensen(s, t, 0.1), 1.5),
    "generalized Jensen-Shannon divergence (beta 0.9) instead of KL": (lambda s, t: _jensen(s, t, 0.9), 1.5),
    "Jensen-Shannon with log-probabilities mixed instead of probabilities": (_mixed_logs, 1.5),
    "symmetric KL (both directions added) instead of KL": (
        lambda s, t: _kl(_log(t), _log(s)) + _kl(_log(s), _log(t)),
        1,
    ),
    "mean squared error of logits instead of KL": (lambda s, t: _sum((s - t) ** 2), 1),
    "mean squared error of probabilities instead of KL": (lambda s, t: _sum((_soft(s) - _soft(t)) ** 2), 1),
    "mean squared error of log-probabilities instead of KL": (lambda s, t: _sum((_log(s) - _log(t)) ** 2), 1),
    "absolute difference of probabilities instead of KL": (lambda s, t: _sum((_soft(s) - _soft(t)).abs()), 1),
    "absolute difference of logits instead of KL": (lambda s, t: _sum((s - t).abs()), 1),
    "Hellinger distance instead of KL": (
        lambda s, t: _sum((_soft(s).sqrt() - _soft(t).sqrt()) ** 2),
        1.5,
    ),
    "cosine distance instead of KL": (lambda s, t: 1 - F.cosine_similarity(s, t, dim=-1), 1.5),
    "cosine distance of probabilities instead of KL": (
        lambda s, t: 1 - F.cosine_similarity(_soft(s), _soft(t), dim=-1),
        1.5,
    ),
    "student probabilities where log-probabilities belong (log forgotten)": (
        lambda s, t: _sum(_soft(t) * (_log(t) - _soft(s))),
        1,
    ),
    "log forgotten on both distributions": (lambda s, t: _sum(_soft(t) * (_soft(t) - _soft(s))), 1.2),
    "softmax of the student forgotten (raw logits)": (lambda s, t: _sum(_soft(t) * (_log(t) - s)), 1),
    "softmax of the teacher forgotten (raw logits as target)": (lambda s, t: _sum(torch.xlogy(t, t) - t * _log(s)), 1),
    "softmax of the teacher forgotten (logits as log-target)": (lambda s, t: _sum(t.exp() * (t - _log(s))), 1.2),
    "teacher log-probabilities where probabilities belong (log_target)": (
        lambda s, t: _sum(torch.xlogy(_log(t), _log(t)) - _log(t) * _log(s)),
        1,
    ),
    "teacher probabilities where log-probabilities belong (log_target)": (
        lambda s, t: _sum(_soft(t).exp() * (_soft(t) - _log(s))),
        1,
    ),
    "kl_div's arguments swapped": (lambda s, t: _sum(torch.xlogy(_log(s), _log(s)) - _log(s) * _soft(t)), 1),
    "kl_div's arguments swapped, log forgotten": (
        lambda s, t: _sum(_soft(s) * (_log(s) - _soft(t))),
        1.2,
    ),
    "softmax taken twice on the student": (lambda s, t: _kl(_log(t), _log(_soft(s))), 1),
    "softmax taken twice on the teacher": (lambda s, t: _kl(_log(_soft(t)), _log(s)), 1),
    "softmax taken twice on student and teacher": (lambda s, t: _kl(_log(_soft(t)), _log(_soft(s))), 1),
    "the teacher's top token as a hard label instead of its distribution": (
        lambda s, t: -_log(s).gather(-1, t.argmax(-1, keepdim=True)).squeeze(-1),
        1,
    ),
    "maximum over the vocabulary instead of the sum": (lambda s, t: (_soft(t) * (_log(t) - _log(s))).amax(-1), 1.2),
    "only the teacher's top token of the sum over the vocabulary": (
        lambda s, t: (_soft(t) * (_log(t) - _log(s))).gather(-1, t.argmax(-1, keepdim=True)).squeeze(-1),
        1.3,
    ),
    "the teacher's weights missing from the KL sum": (lambda s, t: _sum(_log(t) - _log(s)), 1.3),
    "negative terms of the KL sum are cut off at 0": (
        lambda s, t: _sum((_soft(t) * (_log(t) - _log(s))).clamp(min=0)),
        1.2,
    ),
    "absolute values of the KL's terms are summed": (lambda s, t: _sum((_soft(t) * (_log(t) - _log(s))).abs()), 1.2),
}
AFTER = "temperature applied after the softmax instead of before"
# name -> (log q, p) as kl_div gets them, of (student, teacher, T)
AFTERWARDS: dict[str, tuple[Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]], float]] = {
    AFTER: (lambda s, t, T: (_log(s) / T, _soft(t) / T), 1.0),
    f"{AFTER} on the student": (lambda s, t, T: (_log(s) / T, _soft(t / T)), 1.1),
    f"{AFTER} on the teacher": (lambda s, t, T: (_log(s / T), _soft(t) / T), 1.1),
}

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
HARD_TEMPERATURES: dict[str, tuple[Callable[[float], float], float]] = {
    "": (lambda T: 1.0, 0),
    "temperature in the hard part": (lambda T: T, 1),
    "logits multiplied by the temperature in the hard part": (lambda T: 1 / T, 1.3),
}

# name -> cost of (student, teacher, one-hot label)
LABEL_COSTS: dict[str, tuple[Callable[[Tensor, Tensor, Tensor], Tensor], float]] = {
    "": (lambda s, t, hot: -_sum(hot * _log(s)), 0),
    "log forgotten in the hard part (probability instead of log-probability)": (
        lambda s, t, hot: -_sum(hot * _soft(s)),
        1,
    ),
    "one minus the probability instead of its negative log in the hard part": (
        lambda s, t, hot: 1 - _sum(hot * _soft(s)),
        1.1,
    ),
    "softmax missing in the hard part (raw logits)": (lambda s, t, hot: -_sum(hot * s), 1),
    "softmax taken twice in the hard part": (lambda s, t, hot: -_sum(hot * _log(_soft(s))), 1),
    "cross-entropy of the teacher instead of the student": (lambda s, t, hot: -_sum(hot * _log(t)), 1),
    "the teacher's top token as the label in the hard part": (
        lambda s, t, hot: -_log(s).gather(-1, t.argmax(-1, keepdim=True)).squeeze(-1),
        1,
    ),
    "the teacher's distribution instead of the label in the hard part": (lambda s, t, hot: _kl(_log(t), _log(s)), 1.1),
    "squared error of probabilities instead of cross-entropy": (lambda s, t, hot: _sum((_soft(s) - hot) ** 2), 1),
    "squared error of logits instead of cross-entropy": (lambda s, t, hot: _sum((s - hot) ** 2), 1.2),
    "binary cross-entropy instead of cross-entropy": (
        lambda s, t, hot: _sum(F.binary_cross_entropy_with_logits(s, hot, reduction="none")),
        1,
    ),
    "multi-margin loss instead of cross-entropy": (
        lambda s, t, hot: _sum(F.relu(1 - _sum(hot * s).unsqueeze(-1) + s) * (1 - hot)),
        1.5,
    ),
    "focal loss instead of cross-entropy": (
        lambda s, t, hot: -((1 - _sum(hot * _soft(s))) ** 2) * _sum(hot * _log(s)),
        1.5,
    ),
    "sum of log-probabilities over the whole vocabulary in the hard part": (lambda s, t, hot: -_sum(_log(s)), 1.5),
}
SMOOTHINGS = (0.01, 0.05, 0.1, 0.15, 0.2, 0.3)
TEACHER_PLACES = {
    "": (0, 0.0),
    "teacher one position ahead of the student": (1, 1.0),
    "teacher one position behind the student": (-1, 1.0),
}
FLAT = "flattened before the shift: a row's end is scored on the next row's start{}"
# name -> (label's offset, what follows a row's end, cost). {} is replaced by the part.
LABEL_PLACES = {
    "": (1, "", 0.0),
    "no causal shift{}": (0, "", 1.0),
    "causal shift in the wrong direction{}": (-1, "", 1.2),
    "shift by two positions instead of one{}": (2, "", 1.3),
    "labels rolled around: the last position is scored against the first token{}": (1, "its start", 1.4),
    FLAT: (1, "the next row", 1.3),
}
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


def _soft_kernel(divergence: Divergence, divide_student: Callable, divide_teacher: Callable, offset: int) -> Callable:
    def token(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float) -> Tensor:
        aligned = neighbour(teacher, offset, 0.0)
        costs = divergence(student / divide_student(temperature), aligned / divide_teacher(temperature))
        return costs * neighbour(torch.ones_like(costs), offset, 0.0)

    return token


def soft_kernels() -> Iterator[Kernel]:
    """Every divergence with every placement of T, and the teacher one place off for the two commonest placements."""
    constants = {
        f"temperature hard-coded to {value:g}": (lambda T, v=value: v, lambda T, v=value: v, 1.1)
        for value in HARD_CODED
    }
    for what, (divergence, cost) in DIVERGENCES.items():
        placements = TEMPERATURES | (constants if cost <= 1 else {})
        for where, (student, teacher, more) in placements.items():
            yield Kernel(_soft_kernel(divergence, student, teacher, 0), _names(what, where), cost + more)
        for where in tuple(TEMPERATURES)[:2]:
            student, teacher, more = TEMPERATURES[where]
            for place, (offset, yet_more) in list(TEACHER_PLACES.items())[1:]:
                token = _soft_kernel(divergence, student, teacher, offset)
                yield Kernel(token, _names(place, what, where), cost + more + yet_more)
    for what, (distributions, cost) in AFTERWARDS.items():
        yield Kernel(_late_kernel(distributions), (what,), cost)


def _late_kernel(distributions: Callable) -> Callable:
    def token(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float) -> Tensor:
        log_q, p = distributions(student, teacher, temperature)
        return _sum(torch.xlogy(p, p) - p * log_q)

    return token


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
            lambda s, t, hot, a=amount: -_sum(((1 - a) * hot + a / s.shape[-1]) * _log(s)),
            1.1,
        )
        for amount in SMOOTHINGS
    }
    constants = {
        f"temperature hard-coded to {value:g} in the hard part": (lambda T, v=value: v, 1.3) for value in HARD_CODED
    }
    for what, (cost, base) in (LABEL_COSTS | smoothed).items():
        for where, (divide, more) in (HARD_TEMPERATURES | (constants if what == "" else {})).items():
            for place, (offset, after, yet_more) in LABEL_PLACES.items():
                if after and what and where:
                    continue
                for stand_in in STAND_INS if what == where == "" else STAND_INS[:1]:
                    token = _hard_kernel(cost, divide, offset, after, stand_in)
                    price = base + more + yet_more + (0.01 if stand_in else 0.0)
                    yield Kernel(token, _names(place, what, where), price)
