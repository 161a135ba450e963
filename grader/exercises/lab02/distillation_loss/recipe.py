"""A loss put together from choices: ``cook`` turns what is changed in the right recipe into a function.

Each factor has a choice, by name; a factor that is not mentioned is right. So any two mistakes in different factors can
be made together, and a named mistake can be made again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.exercises.lab02.distillation_loss.costs import (
    DIVERGENCES,
    LABEL_COSTS,
    PLACED,
    WITH_LABEL,
    kl,
    log,
    soft,
    total,
)
from grader.exercises.lab02.distillation_loss.kernels import (
    EVERY_TEMPERATURE,
    HARD_CODES,
    HARD_TEMPERATURES,
    LABEL_PLACES,
    TEACHER_PLACES,
    Token,
    hard_kernel,
    labelled_kernel,
    placed_kernel,
    soft_kernel,
)
from grader.exercises.lab02.distillation_loss.positions import CHOICES, DIVISORS, OTHERS, SHIFTS, Labels, pattern
from utils.checks.distillation_loss.blend import (
    BENT,
    FIXED,
    LEAKING,
    MISSING,
    NO_ALPHA,
    NO_REST,
    ON_BOTH,
    ONE_PLUS,
    SWAPPED,
    UNBRACKETED,
    UNWEIGHTED,
)
from utils.checks.distillation_loss.parts import AXIS, POWERS, ROW_MEANS
from utils.checks.distillation_loss.verdict import CUT_OFF, UNSTABLE, ZEROED
from utils.data.batches import IGNORE

Recipe = Mapping[str, object]
SEQUENCE, BATCH_AXIS = AXIS.format("sequence"), AXIS.format("batch")
RESHAPED = "logits reshaped instead of transposed: tokens and vocabulary are mixed up in the hard part"


def _along(axis: int, student: Tensor, teacher: Tensor) -> Tensor:
    return kl(teacher.log_softmax(axis), student.log_softmax(axis))


# Costs that are recognised by a property, not by a fingerprint.
SOFT_TRAITS: dict[str, Callable] = {
    UNSTABLE: lambda s, t: total(soft(t) * (log(t) - soft(s).log())),
    CUT_OFF: lambda s, t: total(soft(t) * (log(t) - (soft(s) + 1e-8).log())),
    SEQUENCE: lambda s, t: _along(1, s, t),
    BATCH_AXIS: lambda s, t: _along(0, s, t),
}
HARD_TRAITS: dict[str, Callable] = {
    UNSTABLE: lambda s, t, hot: -total(hot * soft(s)).log(),
    CUT_OFF: lambda s, t, hot: -total(hot * soft(s)).clamp(min=1e-10).log(),
    SEQUENCE: lambda s, t, hot: -total(hot * s.log_softmax(1)),
    BATCH_AXIS: lambda s, t, hot: -total(hot * s.log_softmax(0)),
}


def _reshaped(student: Tensor, labels: Tensor) -> Tensor:
    rows, length, size = student[:, :-1].shape
    return F.cross_entropy(student[:, :-1].reshape(rows, size, length), labels[:, 1:])


def _zeroed(student: Tensor, labels: Tensor) -> Tensor:
    """Logits times the mask, labels clamped to an id: each ignored position costs log V and hands on no gradient."""
    wanted = labels[:, 1:]
    every = student[:, :-1] * (wanted != IGNORE).unsqueeze(-1)
    return F.cross_entropy(every.flatten(0, 1), wanted.clamp(min=0).flatten())


# Hard parts in which a position's cost depends on others.
ODD: dict[str, Callable[[Tensor, Tensor], Tensor]] = {RESHAPED: _reshaped, ZEROED: _zeroed}
# name -> loss of (soft, hard, alpha, T)
BLENDS: dict[str, Callable[[Tensor, Tensor, float, float], Tensor]] = {
    "": lambda soft, hard, a, T: a * soft + (1 - a) * hard,
    SWAPPED: lambda soft, hard, a, T: (1 - a) * soft + a * hard,
    NO_REST: lambda soft, hard, a, T: a * soft + hard,
    NO_ALPHA: lambda soft, hard, a, T: soft + (1 - a) * hard,
    ONE_PLUS: lambda soft, hard, a, T: a * soft + (1 + a) * hard,
    UNWEIGHTED: lambda soft, hard, a, T: soft + hard,
    FIXED: lambda soft, hard, a, T: 0.5 * soft + 0.5 * hard,
    f"{FIXED}, 0.7": lambda soft, hard, a, T: 0.7 * soft + 0.3 * hard,
    MISSING["hard"]: lambda soft, hard, a, T: a * soft,
    MISSING["soft"]: lambda soft, hard, a, T: (1 - a) * hard,
    f"{MISSING['hard']}, and alpha": lambda soft, hard, a, T: soft,
    f"{MISSING['soft']}, and alpha": lambda soft, hard, a, T: hard,
    ON_BOTH["soft"]: lambda soft, hard, a, T: a * (soft + hard),
    ON_BOTH["hard"]: lambda soft, hard, a, T: (1 - a) * (soft + hard),
    BENT: lambda soft, hard, a, T: a**2 * soft + (1 - a) ** 2 * hard,
    LEAKING: lambda soft, hard, a, T: a * soft + (1 - a * T**2) * hard,
    UNBRACKETED.format("hard"): lambda soft, hard, a, T: a * soft + 1 - a * hard,
}
# name -> what is returned for (loss, soft, hard)
RETURNED: dict[str, Callable[[Tensor, Tensor, Tensor], object]] = {
    "": lambda loss, soft, hard: loss,
    "item": lambda loss, soft, hard: loss.item(),
    "numpy": lambda loss, soft, hard: loss.detach().numpy(),
    "tuple": lambda loss, soft, hard: (loss, soft, hard),
    "dict": lambda loss, soft, hard: {"loss": loss},
    "none": lambda loss, soft, hard: None,
    "text": lambda loss, soft, hard: f"{loss.item():.4f}",
    "vector": lambda loss, soft, hard: loss.unsqueeze(0),
    "repeated": lambda loss, soft, hard: loss.expand(4) / 4,
    "detached": lambda loss, soft, hard: loss.detach(),
    "nan": lambda loss, soft, hard: loss * float("nan"),
    "constant": lambda loss, soft, hard: torch.tensor(2.5),
    "zero": lambda loss, soft, hard: loss * 0.0,
    "exp": lambda loss, soft, hard: loss.exp(),
    "noise": lambda loss, soft, hard: loss * (1 + 0.1 * torch.rand(())),
    "backward": lambda loss, soft, hard: (loss.backward(retain_graph=True) if loss.requires_grad else None, loss)[1],
}
# name -> what is done to (student, teacher) before anything else
PRECISION: dict[str, Callable[[Tensor], Tensor]] = {
    "bfloat16": lambda logits: logits.bfloat16(),
    "float16": lambda logits: logits.half(),
    "clamped": lambda logits: logits.clamp(-30, 30),
}
# name -> a term of the student's logits that is added to the loss
ADDED: dict[str, Callable[[Tensor], Tensor | float]] = {
    "": lambda student: 0.0,
    "penalty": lambda student: 0.01 * student.square().mean(),
    "entropy": lambda student: -0.02 * torch.distributions.Categorical(logits=student).entropy().mean(),
}


def _kernel(part: str, recipe: Recipe) -> Token:
    cost = recipe.get(f"{part}_cost", "")
    if part == "hard":
        heat = (HARD_TEMPERATURES | HARD_CODES)[recipe.get("hard_temperature", "")][0]
        offset, after, _ = LABEL_PLACES.get(recipe.get("hard_shift", ""), LABEL_PLACES[""])
        return hard_kernel(HARD_TRAITS.get(cost) or LABEL_COSTS[cost][0], heat, offset, after)
    if cost in WITH_LABEL:
        return labelled_kernel(WITH_LABEL[cost][0])
    if cost not in DIVERGENCES and cost not in SOFT_TRAITS:
        return placed_kernel(next(divergence for name, divergence, _ in PLACED if name == cost))
    heats = EVERY_TEMPERATURE[recipe.get("soft_temperature", "")][:2]
    places = {name: (offset, after) for name, offset, after, _ in reversed(TEACHER_PLACES)} | {"": (0, "")}
    return soft_kernel(SOFT_TRAITS.get(cost) or DIVERGENCES[cost][0], *heats, *places[recipe.get("teacher_place", "")])


def _named(entries: tuple, name: object) -> tuple:
    """The first entry that has this one name, or none."""
    return next(entry for entry in entries if entry[0] == ((name,) if name else ()))


def _weights(part: str, recipe: Recipe, labels: Labels, vocabulary: int) -> Tensor:
    """How much each position counts, divided by what the sum is divided by."""
    mask, mean = recipe.get(f"{part}_mask", ""), recipe.get(f"{part}_mean", "")
    if any(mask in names for names, *_ in OTHERS):
        weigh = _named(OTHERS, mask)[1]
    else:
        _, shift, positions, _ = _named(SHIFTS, recipe.get(f"{part}_shift", ""))
        weigh = pattern(shift, positions, _named(CHOICES, mask)[1])
    weights = torch.tensor(weigh(labels, vocabulary), dtype=torch.float32)
    if mean == ROW_MEANS:
        return weights / weights.sum(1, keepdim=True).clamp(min=1) / len(weights)
    count = float(weights.sum())
    return weights / _named(DIVISORS, mean)[1](count, (labels != IGNORE).sum(), *labels.shape, vocabulary)


def _part(part: str, recipe: Recipe, student: Tensor, teacher: Tensor, labels: Tensor, temperature: float) -> Tensor:
    if f"{part}_graph" in recipe:
        student = student.detach()
    if recipe.get(f"{part}_cost") in ODD:
        mean = ODD[recipe[f"{part}_cost"]](student, labels)
    else:
        weights = _weights(part, recipe, labels.numpy(), student.shape[-1])
        costs = _kernel(part, recipe)(student, teacher, labels, temperature)
        mean = torch.where(weights > 0, costs * weights, 0.0).sum()
    power = {name: power for power, (name, _) in POWERS[part].items()}[recipe.get(f"{part}_power", "")]
    scale = temperature ** (power + 2 * (part == "soft"))
    factor = recipe.get(f"{part}_factor", 1.0)
    fixed = recipe.get("fixed_scale")
    if part == "soft" and fixed:
        scale = fixed**2
    turn = recipe.get(f"{part}_turn", lambda value, heat: value)
    return turn(mean * scale * factor, temperature)


def cook(recipe: Recipe) -> Callable:
    """The loss that this recipe describes."""

    def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
        student, teacher, wanted = student_logits * 1.0, teacher_logits * 1.0, labels.clone()
        _disturb(recipe.get("side_effect"), student_logits, teacher_logits, labels)
        if "teacher_graph" not in recipe:
            teacher = teacher.detach()
        if "precision" in recipe:
            student, teacher = (PRECISION[recipe["precision"]](logits) for logits in (student, teacher))
        soft, hard = (_part(part, recipe, student, teacher, wanted, temperature) for part in ("soft", "hard"))
        loss = BLENDS[recipe.get("blend", "")](soft, hard, alpha, temperature)
        return RETURNED[recipe.get("returned", "")](loss + ADDED[recipe.get("added", "")](student), soft, hard)

    return distillation_loss


def _disturb(what: object, student: Tensor, teacher: Tensor, labels: Tensor) -> None:
    """Side effects on the inputs; the computation itself works on copies."""
    with torch.no_grad():
        if what == "labels":
            labels[labels == IGNORE] = 0
        elif what:
            (student if what == "student" else teacher).div_(2.0)
