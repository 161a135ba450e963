"""``hidden_state_loss``, right and wrong, as choices: the source of its table and of runnable mistakes.

``hidden_state_loss(student_hidden, teacher_hidden, projection, attention_mask)``: the squared difference, averaged over
valid positions and features. The mistake this prevents: probes on which two mistakes give one number, such as a mask
without padding.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from grader.exercises.toy_probes import stream_of
from grader.exercises.variants import PLAIN, Scale, Variant, fingerprints, likely
from utils.checks.records import Probe, Table
from utils.checks.states import with_projection

STATES = "mask of the states: "


def hidden_variants() -> list[Variant]:
    """A product of which positions count, what is compared how, and how the distances are averaged."""
    masks: tuple[tuple[str, Callable[[Tensor], Tensor], float], ...] = (
        ("", lambda m: m.bool(), 0.0),
        (STATES + "padding counts", lambda m: torch.ones_like(m).bool(), 1.0),
        (STATES + "inverted: only padding counts", lambda m: ~m.bool(), 1.0),
        (STATES + "only the last real position of a row counts", _last_real, 1.1),
        (STATES + "only the last position of a row counts", _last, 1.1),
        (STATES + "the first real position of a row is left out", _without_first, 1.1),
        (STATES + "only the first row counts", _first_row, 1.1),
        (WHOLE_ROWS, lambda m: m.long(), 1.0),
    )
    shifts: tuple[tuple[str, Callable[[Tensor, Tensor, Tensor], tuple[Tensor, ...]], float], ...] = (
        ("", lambda s, t, m: (s, t, m), 0.0),
        (
            "states shifted: student at t against teacher at t + 1",
            lambda s, t, m: (s[:, :-1], t[:, 1:], m[:, 1:]),
            1.0,
        ),
        (
            "states shifted: student at t + 1 against teacher at t",
            lambda s, t, m: (s[:, 1:], t[:, :-1], m[:, 1:]),
            1.1,
        ),
        ("states shifted: the first position is cut off", lambda s, t, m: (s[:, 1:], t[:, 1:], m[:, 1:]), 1.1),
        ("states shifted: the last position is cut off", lambda s, t, m: (s[:, :-1], t[:, :-1], m[:, 1:]), 1.0),
        ("states shifted: the last position is cut off", lambda s, t, m: (s[:, :-1], t[:, :-1], m[:, :-1]), 1.1),
    )
    distances: tuple[tuple[str, Callable[[Tensor, Tensor], Tensor], float], ...] = (
        ("", lambda a, b: (a - b).square(), 0.0),
        ("absolute instead of the squared difference", lambda a, b: (a - b).abs(), 1.0),
        ("half of it instead of the squared difference", lambda a, b: 0.5 * (a - b).square(), 1.1),
        ("Huber loss instead of the squared difference", lambda a, b: _huber(a, b), 1.1),
        ("normalised states instead of the squared difference", lambda a, b: (_unit(a) - _unit(b)).square(), 1.0),
        ("normalised states instead of the squared difference", lambda a, b: (_norm(a) - _norm(b)).square(), 1.1),
        ("cosine instead of the squared difference", lambda a, b: 1 - (_unit(a) * _unit(b)).sum(-1, True), 1.0),
        ("cosine instead of the squared difference", lambda a, b: -(_unit(a) * _unit(b)).sum(-1, True), 1.1),
        ("plain difference instead of the squared difference", lambda a, b: a - b, 1.1),
        (
            "length of the difference instead of the squared difference",
            lambda a, b: (a - b).norm(dim=-1, keepdim=True),
            1.0,
        ),
        ("KL of the states' softmax instead of the squared difference", _kl, 1.1),
    )
    means: tuple[tuple[str, Callable[[Tensor, Tensor], Tensor], float], ...] = (
        ("", lambda d, m: d[m].mean(), 0.0),
        ("features are summed, not averaged", lambda d, m: d[m].sum(-1).mean(), 1.0),
        ("positions and features are summed, not averaged", lambda d, m: d[m].sum(), 1.0),
        ("positions are summed, features averaged", lambda d, m: d[m].mean(-1).sum(), 1.0),
        (STATES + "divided by all positions, padding included", lambda d, m: d[m].sum() / d.numel(), 1.0),
        (STATES + "mean of the rows' means", lambda d, m: _row_means(d, m).mean(), 1.0),
        ("divided by the rows of the batch, features summed", lambda d, m: d[m].sum() / len(d), 1.1),
        ("divided by the rows of the batch, not by the real positions", lambda d, m: d[m].mean(-1).sum() / len(d), 1.1),
        ("root of the mean instead of the squared difference", lambda d, m: d[m].mean().abs().sqrt(), 1.1),
    )
    product = [
        Variant(tuple(filter(None, names)), _loss(mask, shift, distance, mean), sum(costs))
        for shift_name, shift, c1 in shifts
        for mask_name, mask, c2 in masks
        for distance_name, distance, c3 in distances
        for mean_name, mean, c4 in means
        for names, costs in [((shift_name, mask_name, distance_name, mean_name), (c1, c2, c3, c4))]
        if mask_name != WHOLE_ROWS or mean_name in ("", "features are summed, not averaged")
    ]
    sides = [
        Variant(
            (name, *filter(None, (mask_name,))),
            _loss(mask, shifts[0][1], distances[0][1], means[0][1], side),
            cost + c2,
        )
        for name, side, cost in SIDES
        for mask_name, mask, c2 in masks[:2]
    ]
    pooled = [
        Variant((POOLED, *filter(None, (mask_name,))), _pooled(mask), 1.1 + cost) for mask_name, mask, cost in masks[:2]
    ]
    return [*likely(product, 3), *sides, *pooled]


POOLED = "states are averaged over a row before they are compared"
WHOLE_ROWS = STATES + "whole numbers pick rows of the batch; a mask must be boolean"
# name, what is compared of (student, teacher, projection), cost
SIDES: tuple[tuple[str, Callable, float], ...] = (
    (
        "the teacher is projected instead of the student",
        lambda s, t, projection: (s, t @ projection.weight),
        1.1,
    ),
    (
        "the projection is not used: states are cut to the narrower width",
        lambda s, t, projection: (s[..., : _narrower(s, t)], t[..., : _narrower(s, t)]),
        1.1,
    ),
)
SCALES = (
    PLAIN,
    Scale(("averaged over the student's features, not the teacher's",), lambda p: _widths(p)[1] / _widths(p)[0], 1.1),
)


def _widths(probe: Probe) -> tuple[int, int]:
    return tuple(probe.inputs[name].shape[-1] for name in ("student_hidden", "teacher_hidden"))


def _narrower(student: Tensor, teacher: Tensor) -> int:
    return min(student.shape[-1], teacher.shape[-1])


def _projected(student: Tensor, teacher: Tensor, projection: Callable) -> tuple[Tensor, Tensor]:
    return projection(student), teacher


def _loss(
    mask: Callable, shift: Callable, distance: Callable, mean: Callable, side: Callable = _projected
) -> Callable[..., Tensor]:
    def loss(student_hidden, teacher_hidden, projection, attention_mask):
        student, teacher, valid = shift(student_hidden, teacher_hidden.detach(), attention_mask)
        return mean(distance(*side(student, teacher, projection)), mask(valid))

    return loss


def _pooled(mask: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    def loss(student_hidden, teacher_hidden, projection, attention_mask):
        weights = mask(attention_mask).unsqueeze(-1).to(student_hidden.dtype)
        student, teacher = ((x * weights).sum(1) / weights.sum(1) for x in (student_hidden, teacher_hidden.detach()))
        return (projection(student) - teacher).square().mean()

    return loss


def _norm(x: Tensor) -> Tensor:
    return torch.nn.functional.layer_norm(x, x.shape[-1:])


def _unit(x: Tensor) -> Tensor:
    return x / x.norm(dim=-1, keepdim=True)


def _huber(a: Tensor, b: Tensor) -> Tensor:
    return torch.nn.functional.smooth_l1_loss(a, b, reduction="none")


def _last_real(m: Tensor) -> Tensor:
    return (m.cumsum(1) == m.sum(1, keepdim=True)) & m.bool()


def _without_first(m: Tensor) -> Tensor:
    return (m.cumsum(1) > 1) & m.bool()


def _last(m: Tensor) -> Tensor:
    return (torch.arange(m.shape[1]) == m.shape[1] - 1).expand_as(m)


def _first_row(m: Tensor) -> Tensor:
    return m.bool() & (torch.arange(len(m)) == 0).unsqueeze(1)


def _kl(a: Tensor, b: Tensor) -> Tensor:
    log_p, log_q = b.log_softmax(-1), a.log_softmax(-1)
    return (log_p.exp() * (log_p - log_q)).sum(-1, keepdim=True)


def _row_means(d: Tensor, m: Tensor) -> Tensor:
    return torch.stack([row[keep].mean() for row, keep in zip(d, m, strict=True) if keep.any()])


# Rows of real (1) and padded (0) positions; padding on either side, rows of different lengths.
LAYOUTS = (("111100", "001111", "111111"), ("1110000", "0000011"), ("11110", "11100", "00111", "11111"))
WIDTHS = ((3, 5), (4, 6), (5, 2))


def hidden_probes(seed: int | None) -> tuple[Probe, ...]:
    stream = stream_of(seed, 31)
    probes = []
    for index, place in enumerate((0, 0, 1, 2)):  # the first one is asked twice
        mask = np.array([[int(sign) for sign in row] for row in LAYOUTS[place]])
        ours, theirs = WIDTHS[place]
        if index != 1:
            drawn = {
                "student_hidden": np.float32(stream.normal(0, 1, (*mask.shape, ours))),
                "teacher_hidden": np.float32(stream.normal(0.5, 1.5, (*mask.shape, theirs))),
                "projection": np.float32(stream.normal(0, 0.7, (theirs, ours))),
                "attention_mask": mask,
            }
        probes.append(Probe(f"ordinary {index}", drawn, ("student_hidden", "teacher_hidden", "projection")))
    return tuple(probes)


def hidden_table(seed: int | None = None) -> Table:
    """Expected values and gradients, and every variant's values."""
    probes, variants = hidden_probes(seed), hidden_variants()
    numbers, texts = fingerprints(probes, variants, _value, SCALES)
    for index, probe in enumerate(probes):
        given = _doubles(probe)
        leaves = [tensor.requires_grad_() for tensor in (given[0], given[2])]
        value = with_projection(variants[0].compute)(*given)
        gradients = torch.autograd.grad(value, leaves)
        numbers[f"expected/{index}/value"] = value.detach().numpy()
        for name, gradient in zip(("student_hidden", "projection"), gradients, strict=True):
            numbers[f"expected/{index}/gradient/{name}"] = gradient.numpy()
    return Table("hidden_state_loss", probes, numbers, {"extremes": {}, "finite extremes": {}, **texts})


def _value(compute: Callable[..., Tensor], probe: Probe) -> np.ndarray:
    with torch.no_grad():
        return with_projection(compute)(*_doubles(probe)).numpy()


def _doubles(probe: Probe) -> list:
    tensors = [torch.from_numpy(v) if isinstance(v, np.ndarray) else v for v in probe.inputs.values()]
    return [t.double() if isinstance(t, Tensor) and t.is_floating_point() else t for t in tensors]
