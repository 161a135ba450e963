"""A cost for each position: a divergence or label cost, with a place for T and a neighbour to compare with.

``soft_kernels`` and ``hard_kernels`` list the combinations that the engine recognises; ``soft_kernel`` and
``hard_kernel`` compute one of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.exercises.lab02.distillation_loss.costs import (
    DIVERGENCES,
    LABEL_COSTS,
    PLACED,
    RARE,
    WITH_LABEL,
    Divergence,
    LabelCost,
)
from grader.exercises.lab02.distillation_loss.positions import BY_TWO, FLAT, NO_SHIFT, ROLLED, WRONG_WAY, neighbour

Token = Callable[[Tensor, Tensor, Tensor, float], Tensor]
Heat = Callable[[float], float]


@dataclass(frozen=True)
class Kernel:
    """token: (student, teacher, labels, T) -> (B, S) costs. names: what is wrong with it. price: see ``costs``."""

    token: Token
    names: tuple[str, ...]
    price: float


HARD_CODED = (2.0, 3.0, 4.0, 5.0, 10.0)
# name -> (student's divisor, teacher's divisor, price)
TEMPERATURES: dict[str, tuple[Heat, Heat, float]] = {
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
# Tried with the right divergence alone.
RARE_TEMPERATURES: dict[str, Heat] = {
    "a fractional temperature is cut to a whole number": lambda T: max(1.0, math.floor(T)),
    "T + 1 instead of T divides the logits": lambda T: T + 1,
    "temperatures below 2 are raised to 2": lambda T: max(T, 2.0),
}
CODED = {f"temperature hard-coded to {value:g}": lambda T, v=value: v for value in HARD_CODED}
EVERY_TEMPERATURE = (
    TEMPERATURES
    | {name: (heat, heat, 1.1) for name, heat in CODED.items()}
    | {name: (heat, heat, RARE) for name, heat in RARE_TEMPERATURES.items()}
)
HARD_TEMPERATURES: dict[str, tuple[Heat, float]] = {
    "": (lambda T: 1.0, 0),
    "temperature in the hard part": (lambda T: T, 1),
    "logits multiplied by the temperature in the hard part": (lambda T: 1 / T, 1.3),
}
HARD_CODES = {f"{name} in the hard part": (heat, 1.3) for name, heat in CODED.items()}
# name, offset, what follows a row's end, price
TEACHER_PLACES = (
    ("teacher one position ahead of the student", 1, "", 1.0),
    ("teacher one position behind the student", -1, "", 1.0),
    ("teacher one position ahead of the student", 1, "its start", 1.05),
    ("teacher one position behind the student", -1, "its start", 1.05),
)
# name -> (label's offset, what follows a row's end, price)
LABEL_PLACES = {
    "": (1, "", 0.0),
    NO_SHIFT: (0, "", 1.0),
    WRONG_WAY: (-1, "", 1.2),
    BY_TWO: (2, "", 1.3),
    ROLLED: (1, "its start", 1.4),
    FLAT: (1, "the next row", 1.3),
}
FAR_FETCHED = 1.5  # divergences from this price on are tried with the likeliest placements of T alone
BY_DEFAULT_A_MEAN = ("mean squared error", "Huber", "squared error", "binary cross-entropy")


def _names(*names: str) -> tuple[str, ...]:
    return tuple(name for name in names if name)


def soft_kernel(
    divergence: Divergence, student_heat: Heat, teacher_heat: Heat, offset: int = 0, after: str = ""
) -> Token:
    """offset, after: see ``neighbour``; at which place of the teacher a position looks."""

    def token(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float) -> Tensor:
        aligned = neighbour(teacher, offset, 0.0, after)
        costs = divergence(student / student_heat(temperature), aligned / teacher_heat(temperature))
        return costs * neighbour(torch.ones_like(costs), offset, 0.0, after)

    return token


def hard_kernel(cost: LabelCost, heat: Heat, offset: int = 1, after: str = "", stand_in: int = 0) -> Token:
    """offset, after: where a position's label is. stand_in: the id that an ignored label is taken for."""

    def token(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float) -> Tensor:
        size = student.shape[-1]
        wanted = neighbour(labels, offset, size, after)
        inside = wanted != size
        shown = torch.where(wanted < 0, stand_in % size, torch.where(inside, wanted, 0))
        hot = F.one_hot(shown, size).to(student.dtype)
        return torch.where(inside, cost(student / heat(temperature), teacher / heat(temperature), hot), 0.0)

    return token


def placed_kernel(divergence: Callable) -> Token:
    """A divergence that places T itself."""
    return lambda student, teacher, labels, temperature: divergence(student, teacher, temperature)


def labelled_kernel(cost: LabelCost) -> Token:
    """A divergence that looks at the label."""
    return hard_kernel(cost, lambda T: T)


def _forms(costs: dict[str, tuple[Callable, float]]) -> Iterator[tuple[str, tuple[Callable, float]]]:
    """Each cost as it is; those that torch averages over the vocabulary by default in that form as well."""
    for name, (cost, price) in costs.items():
        yield name, (cost, price)
        if name.startswith(BY_DEFAULT_A_MEAN):
            yield name, (lambda s, *others, sum_of=cost: sum_of(s, *others) / s.shape[-1], price - 0.05)


def soft_kernels() -> Iterator[Kernel]:
    """Every divergence with every placement of T, and the teacher one place off for the two commonest placements."""
    for what, (divergence, price) in _forms(DIVERGENCES):
        tried = tuple(TEMPERATURES)[: 2 if price >= RARE else 4] if price >= FAR_FETCHED else EVERY_TEMPERATURE
        for where in tried:
            student, teacher, more = EVERY_TEMPERATURE[where]
            if (where in CODED and price > 1) or (where in RARE_TEMPERATURES and what):
                continue
            yield Kernel(soft_kernel(divergence, student, teacher), _names(what, where), price + more)
        for where in tuple(TEMPERATURES)[:2] if price < FAR_FETCHED else ():
            student, teacher, more = TEMPERATURES[where]
            for place, offset, after, yet_more in TEACHER_PLACES:
                if not (after and what):
                    token = soft_kernel(divergence, student, teacher, offset, after)
                    yield Kernel(token, _names(place, what, where), price + more + yet_more)
    for what, placed, price in PLACED:
        yield Kernel(placed_kernel(placed), (what,), price)
    for what, (cost, price) in WITH_LABEL.items():
        yield Kernel(labelled_kernel(cost), (what,), price)


def hard_kernels() -> Iterator[Kernel]:
    """Every cost of a label with every neighbouring label and, for cross-entropy, every placement of T."""
    for what, (cost, base) in _forms(LABEL_COSTS):
        for where, (heat, more) in (HARD_TEMPERATURES | ({} if what else HARD_CODES)).items():
            for place, (offset, after, yet_more) in LABEL_PLACES.items():
                if (after and what and where) or (base >= RARE and (where or place not in ("", NO_SHIFT))):
                    continue
                for stand_in in (0, -1) if what == where == "" else (0,):
                    token = hard_kernel(cost, heat, offset, after, stand_in)
                    yield Kernel(token, _names(place, what, where), base + more + yet_more + 0.01 * bool(stand_in))
