"""The variants of ``hidden_state_loss``: which positions count, what is compared how, and how it is averaged."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from grader.exercises.variants import PLAIN, Scale, Variant, likely
from utils.checks.records import Probe

STATES = "mask of the states: "
WHOLE_ROWS = STATES + "whole numbers pick rows of the batch; a mask must be boolean"
ONE_SIDE = STATES + "only one side is masked: at padding zeros are compared with the other"
ALL_POSITIONS = STATES + "divided by all positions, padding included"
LONGEST = STATES + "divided by the rows times the longest row, padding included"
MEAN_OF_ROWS = STATES + "mean of the rows' means"
CUT_LAST = "states shifted: the last position is cut off"
UNIT = "normalised states instead of the squared difference"
COSINE = "cosine instead of the squared difference"
ACTIVATED = "an activation after the projection instead of the squared difference"
KL = "KL of the states' softmax instead of the squared difference"
RAW_KL = "KL of raw states, without a softmax, instead of the squared difference"
POOLED = "states are averaged over a row before they are compared"
TEACHER_PROJECTED = "the teacher is projected; only the student should be"
STUDENT_WIDTH = "averaged over the student's features, not the teacher's"
SUMMED_FEATURES = "features are summed, not averaged"


def _unshifted(s: Tensor, t: Tensor, m: Tensor) -> tuple[Tensor, ...]:
    return s, t, m


def _squared(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square()


def _activated(activation: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda a, b: (activation(a) - b).square()


def _centred(x: Tensor) -> Tensor:
    return x - x.mean(-1, keepdim=True)


def _norm(x: Tensor) -> Tensor:
    return torch.nn.functional.layer_norm(x, x.shape[-1:])


def _unit(x: Tensor) -> Tensor:
    return x / x.norm(dim=-1, keepdim=True)


def _huber(a: Tensor, b: Tensor) -> Tensor:
    return torch.nn.functional.smooth_l1_loss(a, b, reduction="none")


def _kl(a: Tensor, b: Tensor) -> Tensor:
    """The terms of KL(b || a), one for each feature."""
    log_p, log_q = b.log_softmax(-1), a.log_softmax(-1)
    return log_p.exp() * (log_p - log_q)


def _raw_kl(a: Tensor, b: Tensor) -> Tensor:
    return torch.nn.functional.kl_div(a, b, reduction="none")


def _last_real(m: Tensor) -> Tensor:
    return (m.cumsum(1) == m.sum(1, keepdim=True)) & m.bool()


def _without_first(m: Tensor) -> Tensor:
    return (m.cumsum(1) > 1) & m.bool()


def _last(m: Tensor) -> Tensor:
    return (torch.arange(m.shape[1]) == m.shape[1] - 1).expand_as(m)


def _first_row(m: Tensor) -> Tensor:
    return m.bool() & (torch.arange(len(m)) == 0).unsqueeze(1)


def _taken_from_the_left(m: Tensor) -> Tensor:
    return torch.arange(m.shape[1]) < m.sum(1, keepdim=True)


def _up_to_the_longest(m: Tensor) -> Tensor:
    return (torch.arange(m.shape[1]) < m.sum(1).max()).expand_as(m)


def _whole_rows(m: Tensor) -> Tensor:
    return m.bool() & m.bool().all(1, keepdim=True)


def _row_means(d: Tensor, m: Tensor) -> Tensor:
    means = [row[keep].mean() for row, keep in zip(d, m, strict=True) if keep.any()]
    return torch.stack(means or [d.new_full((), torch.nan)])


# name, which positions count, cost
MASKS: tuple[tuple[str, Callable[[Tensor], Tensor], float], ...] = (
    ("", lambda m: m.bool(), 0.0),
    (STATES + "padding counts", lambda m: torch.ones_like(m).bool(), 1.0),
    (STATES + "inverted: only padding counts", lambda m: ~m.bool(), 1.0),
    (STATES + "only the last real position of a row counts", _last_real, 1.1),
    (STATES + "only the last position of a row counts", _last, 1.1),
    (STATES + "the first real position of a row is left out", _without_first, 1.1),
    (STATES + "only the first row counts", _first_row, 1.1),
    (STATES + "padding is taken to stand at the end of each row", _taken_from_the_left, 1.1),
    (STATES + "rows with padding are left out", _whole_rows, 1.2),
    (STATES + "all rows are cut to the longest, padding of the others counts", _up_to_the_longest, 1.2),
    (WHOLE_ROWS, lambda m: m.long(), 1.0),
)
SHIFTS: tuple[tuple[str, Callable[[Tensor, Tensor, Tensor], tuple[Tensor, ...]], float], ...] = (
    ("", _unshifted, 0.0),
    ("states shifted: student at t against teacher at t + 1", lambda s, t, m: (s[:, :-1], t[:, 1:], m[:, 1:]), 1.0),
    ("states shifted: student at t + 1 against teacher at t", lambda s, t, m: (s[:, 1:], t[:, :-1], m[:, 1:]), 1.1),
    ("states shifted: the first position is cut off", lambda s, t, m: (s[:, 1:], t[:, 1:], m[:, 1:]), 1.1),
    (CUT_LAST, lambda s, t, m: (s[:, :-1], t[:, :-1], m[:, 1:]), 1.0),
    (CUT_LAST, lambda s, t, m: (s[:, :-1], t[:, :-1], m[:, :-1]), 1.1),
)
DISTANCES: tuple[tuple[str, Callable[[Tensor, Tensor], Tensor], float], ...] = (
    ("", _squared, 0.0),
    ("absolute instead of the squared difference", lambda a, b: (a - b).abs(), 1.0),
    ("half of it instead of the squared difference", lambda a, b: 0.5 * (a - b).square(), 1.1),
    ("Huber loss instead of the squared difference", _huber, 1.1),
    (UNIT, lambda a, b: (_unit(a) - _unit(b)).square(), 1.0),
    (UNIT, lambda a, b: (_norm(a) - _norm(b)).square(), 1.1),
    (COSINE, lambda a, b: 1 - (_unit(a) * _unit(b)).sum(-1, True), 1.0),
    (COSINE, lambda a, b: -(_unit(a) * _unit(b)).sum(-1, True), 1.1),
    (ACTIVATED, _activated(torch.tanh), 1.2),
    (ACTIVATED, _activated(torch.relu), 1.2),
    ("centred states instead of the squared difference", lambda a, b: (_centred(a) - _centred(b)).square(), 1.2),
    ("plain difference instead of the squared difference", lambda a, b: a - b, 1.1),
    (
        "length of the difference instead of the squared difference",
        lambda a, b: (a - b).norm(dim=-1, keepdim=True),
        1.0,
    ),
    (KL, lambda a, b: _kl(a, b).sum(-1, keepdim=True), 1.1),
)
# The same, of what is asked less often: only beside another mask or mean, not beside a shift.
FURTHER: tuple[tuple[str, Callable[[Tensor, Tensor], Tensor], float], ...] = (
    (KL, _kl, 1.1),
    (KL, lambda a, b: _kl(b, a), 1.2),
    (KL, lambda a, b: _kl(b, a).sum(-1, keepdim=True), 1.2),
)
RAW: tuple[tuple[str, Callable[[Tensor, Tensor], Tensor], float], ...] = (
    (RAW_KL, _raw_kl, 1.1),
    (RAW_KL, lambda a, b: _raw_kl(a.log_softmax(-1), b), 1.1),
    (RAW_KL, lambda a, b: _raw_kl(a, b.softmax(-1)), 1.1),
)
MEANS: tuple[tuple[str, Callable[[Tensor, Tensor], Tensor], float], ...] = (
    ("", lambda d, m: d[m].mean(), 0.0),
    (SUMMED_FEATURES, lambda d, m: d[m].sum(-1).mean(), 1.0),
    ("positions and features are summed, not averaged", lambda d, m: d[m].sum(), 1.0),
    ("positions are summed, features averaged", lambda d, m: d[m].mean(-1).sum(), 1.0),
    (ALL_POSITIONS, lambda d, m: d[m].sum() / d.numel(), 1.0),
    (LONGEST, lambda d, m: d[m].sum() / (len(d) * m.sum(1).max() * d.shape[-1]), 1.1),
    (MEAN_OF_ROWS, lambda d, m: _row_means(d, m).mean(), 1.0),
    ("divided by the rows of the batch, features summed", lambda d, m: d[m].sum() / len(d), 1.1),
    ("divided by the rows of the batch, not by the real positions", lambda d, m: d[m].mean(-1).sum() / len(d), 1.1),
    ("root of the mean instead of the squared difference", lambda d, m: d[m].mean().abs().sqrt(), 1.1),
)
# name, what is made of the projected student and the teacher at all valid positions (N, D), cost
OF_VALID: tuple[tuple[str, Callable[[Tensor, Tensor], Tensor], float], ...] = (
    ("the mean difference is squared, not the differences", lambda a, b: (a - b).mean().square(), 1.1),
    ("divided by the teacher's mean square", lambda a, b: (a - b).square().mean() / b.square().mean(), 1.1),
    (
        "states are averaged over all positions before they are compared",
        lambda a, b: (a.mean(0) - b.mean(0)).square().mean(),
        1.1,
    ),
)
# name, what is compared of (student, teacher, projection), cost
SIDES: tuple[tuple[str, Callable, float], ...] = (
    (TEACHER_PROJECTED, lambda s, t, projection: (s, t @ projection.weight), 1.1),
    (
        "the projection is not used: states are cut to the narrower width",
        lambda s, t, projection: (s[..., : _narrower(s, t)], t[..., : _narrower(s, t)]),
        1.1,
    ),
)
SCALES = (PLAIN, Scale((STUDENT_WIDTH,), lambda probe: _widths(probe)[1] / _widths(probe)[0], 1.1))


def _widths(probe: Probe) -> tuple[int, int]:
    return tuple(probe.inputs[name].shape[-1] for name in ("student_hidden", "teacher_hidden"))


def _narrower(student: Tensor, teacher: Tensor) -> int:
    return min(student.shape[-1], teacher.shape[-1])


def variants() -> list[Variant]:
    """Products of these choices, and what is no product."""
    sides = [
        Variant(_names(name, mask_name), _loss(mask, _unshifted, _squared, MEANS[0][1], side), cost + more)
        for name, side, cost in SIDES
        for mask_name, mask, more in MASKS[:2]
    ]
    pooled = [Variant(_names(POOLED, name), _pooled(mask), 1.1 + cost) for name, mask, cost in MASKS[:2]]
    whole = [Variant((name,), _of_valid(compute), cost) for name, compute, cost in OF_VALID]
    masked = [Variant((ONE_SIDE,), _with_zeros(mean), 1.2) for mean in (_over_all, _over_valid)]
    product = [
        *_product(SHIFTS, DISTANCES),
        *_product(SHIFTS[:1], FURTHER),
        *_product(SHIFTS[:1], RAW, MASKS[:2]),
    ]
    return [*likely(product, 3), *_summed_features(), *sides, *pooled, *whole, *masked]


def _names(*names: str) -> tuple[str, ...]:
    return tuple(filter(None, names))


def _product(shifts: tuple, distances: tuple, masks: tuple = MASKS) -> list[Variant]:
    return [
        Variant(_names(shift_name, mask_name, name, mean_name), _loss(mask, shift, distance, mean), a + b + c + d)
        for shift_name, shift, a in shifts
        for mask_name, mask, b in masks
        for name, distance, c in distances
        for mean_name, mean, d in MEANS
        if mask_name != WHOLE_ROWS or mean_name in ("", SUMMED_FEATURES)
    ]


def _summed_features() -> list[Variant]:
    """Features that are summed beside another way to average the positions."""
    return [
        Variant((SUMMED_FEATURES, name), _loss(Tensor.bool, _unshifted, _squared, _times_width(mean)), 2.0)
        for name, mean, _ in MEANS
        if name in (ALL_POSITIONS, MEAN_OF_ROWS)
    ]


def _times_width(mean: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda d, m: d.shape[-1] * mean(d, m)


def _projected(student: Tensor, teacher: Tensor, projection: Callable) -> tuple[Tensor, Tensor]:
    return projection(student), teacher


def _loss(
    mask: Callable, shift: Callable, distance: Callable, mean: Callable, side: Callable = _projected
) -> Callable[..., Tensor]:
    def loss(student_hidden, teacher_hidden, projection, attention_mask):
        student, teacher, valid = shift(student_hidden, teacher_hidden.detach(), attention_mask)
        return mean(distance(*side(student, teacher, projection)), mask(valid))

    return loss


def _with_zeros(mean: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """The student's side is 0 at padding, and the teacher's is not."""

    def loss(student_hidden, teacher_hidden, projection, attention_mask):
        ours = projection(student_hidden) * attention_mask.unsqueeze(-1)
        return mean((ours - teacher_hidden.detach()).square(), attention_mask)

    return loss


def _over_all(d: Tensor, m: Tensor) -> Tensor:
    return d.mean()


def _over_valid(d: Tensor, m: Tensor) -> Tensor:
    return d.sum() / (m.sum() * d.shape[-1])


def _pooled(mask: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    def loss(student_hidden, teacher_hidden, projection, attention_mask):
        weights = mask(attention_mask).unsqueeze(-1).to(student_hidden.dtype)
        student, teacher = ((x * weights).sum(1) / weights.sum(1) for x in (student_hidden, teacher_hidden.detach()))
        return (projection(student) - teacher).square().mean()

    return loss


def _of_valid(compute: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    def loss(student_hidden, teacher_hidden, projection, attention_mask):
        valid = attention_mask.bool()
        return compute(projection(student_hidden[valid]), teacher_hidden[valid].detach())

    return loss
