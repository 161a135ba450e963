"""Losses as learners write them, put together from choices: the raw material of the wrong ones and of their pairs.

A ``Recipe`` names a choice for each factor; ``cook`` turns it into a function in single precision, written apart from
the catalogue of fingerprints, in the way notebooks look. The mistake this prevents is an engine that is tested only on
its own numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from utils.data.batches import IGNORE


@dataclass(frozen=True)
class Recipe:
    """One choice a factor; the defaults are right. ``soft_*`` and ``hard_*`` factors belong to one part each."""

    soft_shift: str = "right"
    hard_shift: str = "right"
    soft_mask: str = "valid"
    hard_mask: str = "valid"
    soft_mean: str = "valid"
    hard_mean: str = "valid"
    divergence: str = "kl"
    hard_cost: str = "ce"
    soft_axis: str = "vocabulary"
    hard_axis: str = "vocabulary"
    soft_temperature: str = "both"
    hard_temperature: str = "none"
    soft_scale: str = "squared"
    hard_scale: str = "none"
    soft_sign: str = "plus"
    hard_sign: str = "plus"
    soft_unit: str = "nats"
    hard_unit: str = "nats"
    soft_log: str = "stable"
    hard_log: str = "stable"
    soft_graph: str = "open"
    hard_graph: str = "open"
    teacher_graph: str = "closed"
    blend: str = "right"
    returned: str = "tensor"
    side_effect: str = "none"


def _shift(choice: str, student: Tensor, teacher: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The positions of student and teacher that are compared, and the labels that belong to them."""
    windows = {
        "right": (slice(None, -1), slice(None, -1), slice(1, None)),
        "none": (slice(None), slice(None), slice(None)),
        "wrong way": (slice(1, None), slice(1, None), slice(None, -1)),
        "two": (slice(None, -2), slice(None, -2), slice(2, None)),
        "teacher ahead": (slice(None, -1), slice(1, None), slice(1, None)),
        "wrong end": (slice(1, None), slice(1, None), slice(1, None)),
    }
    if choice == "flattened":
        following = torch.cat([labels.flatten()[1:], torch.tensor([IGNORE])])
        return student, teacher, following.view_as(labels)
    if choice == "rolled":
        return student, teacher, torch.roll(labels, -1, 1)
    first, second, third = windows[choice]
    return student[:, first], teacher[:, second], labels[:, third]


def _mask(choice: str, wanted: Tensor, labels: Tensor, vocabulary: int) -> Tensor:
    """1 where a position counts; ``wanted`` are the labels in the window, ``labels`` the whole ones."""
    valid = wanted != IGNORE
    place = torch.arange(wanted.shape[1])
    if choice == "first row":
        return valid & (torch.arange(len(wanted)) == 0).unsqueeze(1)
    return {
        "valid": lambda: valid,
        "none": lambda: torch.ones_like(valid),
        "not id 0": lambda: valid & (wanted != 0),
        "not last id": lambda: valid & (wanted != vocabulary - 1),
        "only not id 0": lambda: wanted != 0,
        "only not last id": lambda: wanted != vocabulary - 1,
        "unshifted": lambda: labels[:, : wanted.shape[1]] != IGNORE,
        "inverted": lambda: ~valid,
        "last": lambda: (place == wanted.shape[1] - 1).expand_as(valid),
        "without first": lambda: valid & (place > 0),
        "both ends": lambda: valid & (labels[:, : wanted.shape[1]] != IGNORE),
    }[choice]()


def _mean(choice: str, costs: Tensor, mask: Tensor, labels: Tensor, vocabulary: int) -> Tensor:
    """Costs (B, W) -> one number."""
    kept = torch.where(mask, costs, 0.0)
    batch, width = costs.shape
    if choice == "rows":
        return (kept.sum(1) / mask.sum(1).clamp(min=1)).mean()
    valid = mask.sum()
    return (
        kept.sum()
        / {
            "valid": valid,
            "batch": batch,
            "all": batch * width,
            "sum": 1,
            "before shift": (labels != IGNORE).sum(),
            "vocabulary": valid * vocabulary,
            "only vocabulary": vocabulary,
            "everything": batch * width * vocabulary,
            "length": width,
            "twice": valid * batch,
            "one more": valid + 1,
            "one fewer": valid - 1,
        }[choice]
    )


def _divide(choice: str, temperature: float) -> tuple[float, float]:
    """By what the student's and the teacher's logits are divided."""
    T = temperature
    if choice.startswith("fixed"):
        fixed = float(choice.split()[1])
        return fixed, fixed
    return {
        "both": (T, T),
        "none": (1.0, 1.0),
        "student": (T, 1.0),
        "teacher": (1.0, T),
        "multiplied": (1 / T, 1 / T),
        "squared": (T * T, T * T),
        "root": (math.sqrt(T), math.sqrt(T)),
        "student twice": (T * T, T),
    }[choice]


def _log_softmax(choice: str, logits: Tensor, axis: int = -1) -> Tensor:
    if choice == "stable":
        return F.log_softmax(logits, dim=axis)
    probabilities = F.softmax(logits, dim=axis)
    if choice == "eps":
        return torch.log(probabilities + 1e-8)
    return torch.log(probabilities.clamp(min=1e-10) if choice == "clamp" else probabilities)


def _divergence(recipe: Recipe, student: Tensor, teacher: Tensor) -> Tensor:
    """Costs (B, W) of logits that are already divided by T."""
    axis = {"vocabulary": -1, "sequence": 1, "batch": 0}[recipe.soft_axis]
    log_q, log_p = _log_softmax(recipe.soft_log, student, axis), F.log_softmax(teacher, dim=axis)
    q, p = log_q.exp(), log_p.exp()
    middle = (p + q) / 2
    kinds: dict[str, Callable[[], Tensor]] = {
        "kl": lambda: F.kl_div(log_q, p, reduction="none"),
        "reverse": lambda: F.kl_div(log_p, q, reduction="none"),
        "jsd": lambda: (p * (log_p - middle.log()) + q * (log_q - middle.log())) / 2,
        "symmetric": lambda: p * (log_p - log_q) + q * (log_q - log_p),
        "soft ce": lambda: -p * log_q,
        "mse logits": lambda: (student - teacher) ** 2,
        "mse probabilities": lambda: (q - p) ** 2,
        "mse logs": lambda: (log_q - log_p) ** 2,
        "l1": lambda: (q - p).abs(),
        "no log": lambda: F.kl_div(q, p, reduction="none"),
        "raw student": lambda: F.kl_div(student, p, reduction="none"),
        "log target": lambda: F.kl_div(log_q, log_p, reduction="none"),
        "log target flag": lambda: F.kl_div(log_q, p, reduction="none", log_target=True),
        "raw teacher": lambda: F.kl_div(log_q, teacher, reduction="none", log_target=True),
        "student twice": lambda: F.kl_div(F.log_softmax(q, -1), p, reduction="none"),
        "teacher twice": lambda: F.kl_div(log_q, F.softmax(p, -1), reduction="none"),
        "both twice": lambda: F.kl_div(F.log_softmax(q, -1), F.softmax(p, -1), reduction="none"),
        "unweighted": lambda: log_p - log_q,
        "absolute terms": lambda: (p * (log_p - log_q)).abs(),
        "clamped terms": lambda: (p * (log_p - log_q)).clamp(min=0),
    }
    if recipe.divergence == "top":
        return -log_q.gather(-1, teacher.argmax(-1, keepdim=True)).squeeze(-1)
    if recipe.divergence == "max":
        return (p * (log_p - log_q)).amax(-1)
    return kinds[recipe.divergence]().sum(-1)


def _label_cost(recipe: Recipe, student: Tensor, teacher: Tensor, wanted: Tensor) -> Tensor:
    axis = {"vocabulary": -1, "sequence": 1, "batch": 0}[recipe.hard_axis]
    if recipe.hard_cost == "teacher":
        student = teacher
    logs = _log_softmax(recipe.hard_log, student, axis)
    chosen = wanted.clamp(min=0).unsqueeze(-1)
    picked = logs.gather(-1, chosen).squeeze(-1)
    hot = F.one_hot(chosen.squeeze(-1), student.shape[-1]).to(student.dtype)
    kinds: dict[str, Callable[[], Tensor]] = {
        "ce": lambda: -picked,
        "teacher": lambda: -picked,
        "probability": lambda: -picked.exp(),
        "one minus": lambda: 1 - picked.exp(),
        "raw": lambda: -student.gather(-1, chosen).squeeze(-1),
        "twice": lambda: -F.log_softmax(logs.exp(), -1).gather(-1, chosen).squeeze(-1),
        "smoothed": lambda: -0.9 * picked - 0.1 * logs.mean(-1),
        "squared": lambda: ((logs.exp() - hot) ** 2).sum(-1),
        "binary": lambda: F.binary_cross_entropy_with_logits(student, hot, reduction="none").sum(-1),
        "top": lambda: -logs.gather(-1, teacher.argmax(-1, keepdim=True)).squeeze(-1),
        "imitation": lambda: F.kl_div(logs, F.softmax(teacher, -1), reduction="none").sum(-1),
    }
    return kinds[recipe.hard_cost]()


def _scale(choice: str, temperature: float) -> float:
    T = temperature
    if choice.startswith("fixed"):
        return float(choice.split()[1]) ** 2
    powers = {"squared": 2, "none": 0, "once": 1, "inverse": -2, "inverse once": -1, "fourth": 4, "root": 0.5}
    return T ** powers[choice]


SIGNS = {"plus": 1.0, "minus": -1.0}
UNITS = {"nats": 1.0, "bits": 1 / math.log(2)}


def _soft(recipe: Recipe, student: Tensor, teacher: Tensor, labels: Tensor, temperature: float) -> Tensor:
    by_student, by_teacher = _divide(recipe.soft_temperature, temperature)
    student, teacher, wanted = _shift(recipe.soft_shift, student / by_student, teacher / by_teacher, labels)
    if recipe.soft_graph == "detached":
        student = student.detach()
    mask = _mask(recipe.soft_mask, wanted, labels, student.shape[-1])
    costs = _divergence(recipe, student, teacher)
    mean = _mean(recipe.soft_mean, costs, mask, labels, student.shape[-1])
    return mean * _scale(recipe.soft_scale, temperature) * SIGNS[recipe.soft_sign] * UNITS[recipe.soft_unit]


def _hard(recipe: Recipe, student: Tensor, teacher: Tensor, labels: Tensor, temperature: float) -> Tensor:
    divide = _divide(recipe.hard_temperature, temperature)[0]
    student, teacher, wanted = _shift(recipe.hard_shift, student / divide, teacher, labels)
    if recipe.hard_graph == "detached":
        student = student.detach()
    mask = _mask(recipe.hard_mask, wanted, labels, student.shape[-1])
    costs = _label_cost(recipe, student, teacher, wanted)
    mean = _mean(recipe.hard_mean, costs, mask, labels, student.shape[-1])
    return mean * _scale(recipe.hard_scale, temperature) * SIGNS[recipe.hard_sign] * UNITS[recipe.hard_unit]


def _blended(choice: str, soft: Tensor, hard: Tensor, alpha: float) -> Tensor:
    return {
        "right": lambda: alpha * soft + (1 - alpha) * hard,
        "swapped": lambda: (1 - alpha) * soft + alpha * hard,
        "no complement": lambda: alpha * soft + hard,
        "soft unweighted": lambda: soft + (1 - alpha) * hard,
        "sum": lambda: soft + hard,
        "half": lambda: 0.5 * soft + 0.5 * hard,
        "fixed": lambda: 0.7 * soft + 0.3 * hard,
        "only soft": lambda: alpha * soft,
        "only hard": lambda: (1 - alpha) * hard,
        "all soft": lambda: soft,
        "all hard": lambda: hard,
        "alpha on both": lambda: alpha * (soft + hard),
        "squared": lambda: alpha**2 * soft + (1 - alpha) ** 2 * hard,
        "one plus": lambda: alpha * soft + (1 + alpha) * hard,
    }[choice]()


def _returned(choice: str, loss: Tensor, soft: Tensor, hard: Tensor) -> object:
    return {
        "tensor": lambda: loss,
        "float": lambda: loss.item(),
        "tuple": lambda: (loss, soft, hard),
        "list": lambda: [loss],
        "dict": lambda: {"loss": loss},
        "none": lambda: None,
        "shape 1": lambda: loss.unsqueeze(0),
        "repeated": lambda: loss.expand(4) / 4,
        "detached": lambda: loss.detach(),
        "numpy": lambda: loss.detach().numpy(),
        "text": lambda: f"{loss.item():.4f}",
        "nan": lambda: loss * float("nan"),
        "constant": lambda: torch.tensor(2.5),
        "zero": lambda: loss * 0.0,
        "exp": lambda: loss.exp(),
        "noise": lambda: loss * (1 + 0.1 * torch.rand(())),
    }[choice]()


def _disturb(choice: str, student: Tensor, teacher: Tensor, labels: Tensor, temperature: float) -> None:
    """Side effects on the inputs; the computation itself has worked on copies."""
    with torch.no_grad():
        if choice == "labels":
            labels[labels == IGNORE] = 0
        elif choice == "student":
            student.div_(temperature + 1)
        elif choice == "teacher":
            teacher.div_(temperature + 1)


def cook(recipe: Recipe) -> Callable:
    """The loss that this recipe describes."""

    def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
        student, teacher, wanted = student_logits * 1.0, teacher_logits * 1.0, labels.clone()
        _disturb(recipe.side_effect, student_logits, teacher_logits, labels, temperature)
        if recipe.teacher_graph == "closed":
            teacher = teacher.detach()
        soft = _soft(recipe, student, teacher, wanted, temperature)
        hard = _hard(recipe, student, teacher, wanted, temperature)
        return _returned(recipe.returned, _blended(recipe.blend, soft, hard, alpha), soft, hard)

    return distillation_loss
