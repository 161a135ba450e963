"""Lab 3, "Temperature and balance": which layer follows which, and the loss on hidden states."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F

from grader.exercise import Exercise, Misconception, Part
from grader.exercises import lab03_states as states
from grader.exercises import lab03_states_table as states_table
from grader.exercises import lab03_variants as variants
from grader.exercises.lab03_gradient import SOFT_GRADIENT
from grader.exercises.variants import catalogue


def floats_for_layers(student_layers, teacher_layers):
    return [i * teacher_layers / student_layers for i in range(1, student_layers + 1)]


def tensor_of_layers(student_layers, teacher_layers):
    return torch.linspace(teacher_layers / student_layers, teacher_layers, student_layers).round().long()


def rounded_down(student_layers, teacher_layers):
    return [(i + 1) * teacher_layers // student_layers for i in range(student_layers)]


def rounded_up(student_layers, teacher_layers):
    return [math.ceil(i * teacher_layers / student_layers) for i in range(1, student_layers + 1)]


def rounded_to_the_nearest(student_layers, teacher_layers):
    return [round(teacher_layers * (i + 1) / student_layers) for i in range(student_layers)]


def from_linspace(student_layers, teacher_layers):
    return torch.linspace(teacher_layers / student_layers, teacher_layers, student_layers).round().int().tolist()


def as_a_tuple(student_layers, teacher_layers):
    return tuple(int(i * teacher_layers / student_layers + 1e-9) for i in range(1, student_layers + 1))


def numpy_integers(student_layers, teacher_layers):
    return list(np.linspace(0, teacher_layers, student_layers + 1)[1:].round().astype(np.int64))


def by_index(student_hidden, teacher_hidden, projection, attention_mask):
    valid = attention_mask.bool()
    return F.mse_loss(projection(student_hidden[valid]), teacher_hidden[valid].detach())


def by_product(student_hidden, teacher_hidden, projection, attention_mask):
    weights = attention_mask.unsqueeze(-1).to(student_hidden.dtype)
    squared = (projection(student_hidden) - teacher_hidden.detach()) ** 2 * weights
    return squared.sum() / (attention_mask.sum() * teacher_hidden.shape[-1])


def by_rows(student_hidden, teacher_hidden, projection, attention_mask):
    total, count = 0.0, 0
    for ours, theirs, mask in zip(student_hidden, teacher_hidden, attention_mask, strict=True):
        ours, theirs = projection(ours[mask == 1]), theirs[mask == 1].detach()
        total, count = total + (ours - theirs).pow(2).sum(), count + theirs.numel()
    return total / count


def in_the_projection_s_type(student_hidden, teacher_hidden, projection, attention_mask):
    weight, valid = next(projection.parameters()), attention_mask.bool()
    return F.mse_loss(projection(student_hidden[valid].to(weight.dtype)), teacher_hidden[valid].detach())


def features_first(student_hidden, teacher_hidden, projection, attention_mask):
    with torch.no_grad():
        target = teacher_hidden.clone()
    squared = F.mse_loss(projection(student_hidden), target, reduction="none").mean(dim=-1)
    return squared.masked_select(attention_mask > 0).mean()


def in_double(student_hidden, teacher_hidden, projection, attention_mask):
    projected = projection(student_hidden).double()
    squared = torch.where(attention_mask[..., None] == 1, projected - teacher_hidden.detach().double(), 0.0) ** 2
    return torch.einsum("bsd->", squared) / attention_mask.sum() / squared.size(-1)


def with_the_weight(student_hidden, teacher_hidden, projection, attention_mask):
    real = attention_mask.nonzero(as_tuple=True)
    projected = F.linear(student_hidden[real], projection.weight, projection.bias)
    return torch.nn.MSELoss()(projected, teacher_hidden.detach()[real])


def expanded_square(student_hidden, teacher_hidden, projection, attention_mask):
    ours, theirs = projection(student_hidden[attention_mask == 1]), teacher_hidden.detach()[attention_mask == 1]
    return (ours.square().sum() - 2 * (ours * theirs).sum() + theirs.square().sum()) / theirs.numel()


def rows_picked_by_numbers(student_hidden, teacher_hidden, projection, attention_mask):
    return F.mse_loss(projection(student_hidden[attention_mask]), teacher_hidden[attention_mask].detach())


def a_fixed_list(student_layers, teacher_layers):
    return [4, 8, 12, 16, 20, 24]


def teacher_not_detached(student_hidden, teacher_hidden, projection, attention_mask):
    valid = attention_mask.bool()
    return F.mse_loss(projection(student_hidden[valid]), teacher_hidden[valid])


def student_detached(student_hidden, teacher_hidden, projection, attention_mask):
    valid = attention_mask.bool()
    return F.mse_loss(projection(student_hidden[valid].detach()), teacher_hidden[valid].detach())


def projection_without_gradient(student_hidden, teacher_hidden, projection, attention_mask):
    valid = attention_mask.bool()
    weight = projection.weight.detach()
    return F.mse_loss(student_hidden[valid] @ weight.T, teacher_hidden[valid].detach())


def divided_by_the_student_width(student_hidden, teacher_hidden, projection, attention_mask):
    ratio = teacher_hidden.shape[-1] / student_hidden.shape[-1]
    return by_index(student_hidden, teacher_hidden, projection, attention_mask) * ratio


def as_a_float(student_hidden, teacher_hidden, projection, attention_mask):
    return by_index(student_hidden, teacher_hidden, projection, attention_mask).item()


_ORDINARY = tuple(probe.name for probe in variants.layer_map_probes(None))
_HIDDEN = tuple(probe.name for probe in states_table.hidden_probes(None))
_DIVIDING, _NOT_DIVIDING = _ORDINARY[: variants.DIVIDING], _ORDINARY[variants.DIVIDING :]

EXERCISES = (
    SOFT_GRADIENT,
    Exercise(
        "layer_map",
        "03",
        ("student_layers", "teacher_layers"),
        (Part("where it divides", 1.0, _DIVIDING), Part("where it does not", 1.0, _NOT_DIVIDING)),
        variants.layer_map_table,
        catalogue(
            variants.layer_map_variants(),
            Misconception("floats instead of whole numbers", "i * t / s is no index.", floats_for_layers),
            Misconception(
                "a fixed list, whatever the two numbers of layers are", "The example's numbers.", a_fixed_list
            ),
            Misconception("a Tensor instead of a list", "linspace gives a tensor.", tensor_of_layers),
        ),
        {
            f.__name__: f
            for f in (rounded_down, rounded_up, rounded_to_the_nearest, from_linspace, as_a_tuple, numpy_integers)
        },
    ),
    Exercise(
        "hidden_state_loss",
        "03",
        ("student_hidden", "teacher_hidden", "projection", "attention_mask"),
        (Part("value and gradient", 4.0, _HIDDEN),),
        states_table.hidden_table,
        catalogue(
            states.hidden_variants(),
            Misconception("gradient flows into teacher_hidden", "detach is missing.", teacher_not_detached),
            Misconception(states.WHOLE_ROWS, "mask without bool().", rows_picked_by_numbers),
            Misconception("no gradient reaches student_hidden", "The student is detached.", student_detached),
            Misconception("no gradient reaches projection", "Its weight is detached.", projection_without_gradient),
            Misconception("a Python number instead of a tensor: no gradient can flow", "item().", as_a_float),
            Misconception("sign flipped", "The loss is negated.", lambda *inputs: -by_index(*inputs)),
            Misconception(
                "averaged over the student's features, not the teacher's",
                "The sum is divided by N times the student's width.",
                divided_by_the_student_width,
            ),
        ),
        {
            f.__name__: f
            for f in (
                by_index,
                by_product,
                by_rows,
                in_the_projection_s_type,
                features_first,
                in_double,
                with_the_weight,
                expanded_square,
            )
        },
    ),
)
