"""A cost for each position: a divergence or label cost, with a place for T and a neighbour to compare with.

``soft_kernels`` and ``hard_kernels`` are the combinations that the engine recognises. ``SOFT`` and ``HARD`` hold every
cost as a function of (choice of T, choice of place, student, teacher, labels, T), at each position.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.exercises.lab02.distillation_loss.choice import Choice, joined, listed
from grader.exercises.lab02.distillation_loss.costs import (
    DIVERGENCES,
    HARD_TRAITS,
    LABEL_COSTS,
    ODD,
    PLACED,
    SOFT_TRAITS,
    WITH_LABEL,
)
from grader.exercises.lab02.distillation_loss.positions import LABEL_PLACES, SHIFTS, neighbour

LIKELY = 2.6  # combinations up to this price are tried
CODED = tuple((f"temperature hard-coded to {value:g}", lambda T, v=value: v) for value in (2.0, 3.0, 4.0, 5.0, 10.0))
# what T becomes before it divides (the student's logits, the teacher's)
TEMPERATURES = listed(
    ((), (lambda T: T, lambda T: T)),
    "Follow the logits of each model: how often do they meet T on their way to the softmax?",
    ("temperature missing in the softmax of both", (lambda T: 1.0, lambda T: 1.0)),
    ("temperature missing on the teacher", (lambda T: T, lambda T: 1.0)),
    ("temperature missing on the student", (lambda T: 1.0, lambda T: T)),
    ("temperature applied twice on the student", (lambda T: T * T, lambda T: T), 1.3),
    ("temperature applied twice on the teacher", (lambda T: T, lambda T: T * T), 1.3),
    "Should T = 10 make a distribution flatter or sharper?",
    ("logits multiplied by the temperature instead of divided", (lambda T: 1 / T, lambda T: 1 / T)),
    ("student logits multiplied by the temperature instead of divided", (lambda T: 1 / T, lambda T: T), 1.2),
    ("teacher logits multiplied by the temperature instead of divided", (lambda T: T, lambda T: 1 / T), 1.2),
    "T squared belongs to the loss. Which power of T divides the logits?",
    ("logits divided by T squared", (lambda T: T * T, lambda T: T * T), 1.3),
    ("logits divided by the square root of T", (math.sqrt, math.sqrt), 1.5),
    "Call your function with two temperatures. Does the softmax notice?",
    *((name, (heat, heat), 1.1) for name, heat in CODED),
    "At T = 1 the logits should stay as they are, and at T = 1.5 they should not. Do yours?",
    ("a fractional temperature is cut to a whole number", (lambda T: max(1.0, math.floor(T)),) * 2, 1.6),
    ("T + 1 instead of T divides the logits", (lambda T: T + 1,) * 2, 1.6),
    ("temperatures below 2 are raised to 2", (lambda T: max(T, 2.0),) * 2, 1.6),
)
HARD_TEMPERATURES = listed(
    ((), lambda T: 1.0),
    "The labels are not softened. Should the hard part change with T at all?",
    ("temperature in the hard part", lambda T: T),
    ("logits multiplied by the temperature in the hard part", lambda T: 1 / T, 1.3),
    *((f"{name} in the hard part", heat, 1.3) for name, heat in CODED),
)
AHEAD, BEHIND = "teacher one position ahead of the student", "teacher one position behind the student"
# (how far away the teacher's position is, what follows a row's end)
TEACHER_PLACES = listed(
    ((), (0, "")),
    "Print the slices of student and teacher: do they start at the same position?",
    (AHEAD, (1, "")),
    (BEHIND, (-1, "")),
    (AHEAD, (1, "its start"), 1.05),
    (BEHIND, (-1, "its start"), 1.05),
)


def _beside_teacher(
    divergence: Callable, heats: Choice, place: Choice, student: Tensor, teacher: Tensor, labels: Tensor, T: float
) -> Tensor:
    own, other = (heat(T) for heat in heats.do)
    costs = divergence(student / own, neighbour(teacher, place.do[0], 0.0, place.do[1]) / other)
    return costs * neighbour(torch.ones_like(costs), place.do[0], 0.0, place.do[1])


def _placing_itself(
    divergence: Callable, heats: Choice, place: Choice, student: Tensor, teacher: Tensor, labels: Tensor, T: float
) -> Tensor:
    return divergence(student, teacher, T)


def _of_label(
    cost: Callable, heat: Choice, place: Choice, student: Tensor, teacher: Tensor, labels: Tensor, T: float, stand_in=0
) -> Tensor:
    """place: a shift of the labels. stand_in: the id that an ignored label is taken for."""
    size, (offset, after, follows) = student.shape[-1], place.do
    wanted = neighbour(labels, *((offset, size, after) if follows else (1, size)))
    inside = wanted != size
    shown = torch.where(wanted < 0, stand_in % size, torch.where(inside, wanted, 0))
    hot = F.one_hot(shown, size).to(student.dtype)
    return torch.where(inside, cost(student / heat.do(T), teacher / heat.do(T), hot), 0.0)


def _with_label(cost: Callable, heats: Choice, place: Choice, *given: Tensor | float) -> Tensor:
    return _of_label(cost, Choice((), lambda T: T, 0.0), SHIFTS[0], *given)


def _as_a_whole(mean: Callable, heat: Choice, place: Choice, *given: Tensor | float) -> Tensor:
    return mean(*given)


def _all(how: Callable, choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    return tuple(replace(choice, do=partial(how, choice.do)) for choice in choices)


SOFT_KNOWN = _all(_beside_teacher, DIVERGENCES)
SOFT_SINGLE = _all(_placing_itself, PLACED) + _all(_with_label, WITH_LABEL)
HARD_KNOWN = _all(_of_label, LABEL_COSTS)
SOFT = SOFT_KNOWN + SOFT_SINGLE + _all(_beside_teacher, SOFT_TRAITS)
HARD = HARD_KNOWN + _all(_of_label, HARD_TRAITS) + _all(_as_a_whole, ODD)


def soft_kernels() -> Iterator[Choice]:
    """Divergences with every placement of T and of the teacher."""
    for place, cost, heats in itertools.product(TEACHER_PLACES, SOFT_KNOWN, TEMPERATURES):
        if place.price + cost.price + heats.price <= LIKELY:
            yield joined(partial(cost.do, heats, place), place, cost, heats)
    yield from (joined(partial(cost.do, TEMPERATURES[0], TEACHER_PLACES[0]), cost) for cost in SOFT_SINGLE)


def hard_kernels() -> Iterator[Choice]:
    """Costs of a label with every neighbouring label and every placement of T."""
    for place, cost, heat in itertools.product(LABEL_PLACES, HARD_KNOWN, HARD_TEMPERATURES):
        if place.price + cost.price + heat.price <= LIKELY:
            yield joined(partial(cost.do, heat, place), place, cost, heat)
            if not cost.names and not heat.names:
                yield replace(joined(partial(cost.do, heat, place, stand_in=-1), place), price=place.price + 0.01)
