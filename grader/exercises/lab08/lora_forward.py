"""lora_forward(x, weight, A, B, alpha, rank): a frozen linear layer with a low-rank adapter beside it."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F

from grader.exercises.lab08 import adapters
from grader.exercises.ordinary import Catalogue, exercise

catalogue = Catalogue()
wrong, right = catalogue.wrong, catalogue.right


def lora_forward(x, weight, A, B, alpha, rank):
    return x @ weight.detach().T + alpha / rank * (x @ A.T @ B.T)


@wrong(
    "the adapter is not scaled: alpha / rank is missing",
    "Adds B A x as it is.",
    "Double the rank with alpha held still: how much should each direction of the adapter count?",
)
def unscaled(x, weight, A, B, alpha, rank):
    return lora_forward(x, weight, A, B, 1, 1)


@wrong(
    "the adapter is scaled by alpha alone",
    "Does not divide by the rank.",
    "Your sum has rank terms. What keeps its size the same for another rank?",
)
def alpha_alone(x, weight, A, B, alpha, rank):
    return lora_forward(x, weight, A, B, alpha, 1)


@wrong(
    "the adapter is divided by the rank, and alpha is missing",
    "Uses 1 / rank.",
    "Which setting makes the adapter stronger at the same rank?",
)
def rank_alone(x, weight, A, B, alpha, rank):
    return lora_forward(x, weight, A, B, 1, rank)


@wrong(
    "the scale is turned round: rank / alpha",
    "A larger alpha makes the adapter weaker.",
    "Should the adapter count more or less where alpha is larger?",
)
def inverted(x, weight, A, B, alpha, rank):
    return lora_forward(x, weight, A, B, rank, alpha)


@wrong(
    "the adapter is scaled by alpha times the rank",
    "Multiplies where it should divide.",
    "Your sum has rank terms. What keeps its size the same for another rank?",
)
def multiplied(x, weight, A, B, alpha, rank):
    return lora_forward(x, weight, A, B, alpha * rank, 1)


@wrong(
    "divided by the square root of the rank",
    "That is rsLoRA's scale, alpha / sqrt(rank).",
    "Your scale has a name of its own, rsLoRA. Which one does the task ask for?",
)
def root(x, weight, A, B, alpha, rank):
    return lora_forward(x, weight, A, B, alpha, rank**0.5)


@wrong(
    "the adapter is scaled twice",
    "Multiplies by alpha / rank in both products.",
    "At how many places do you multiply by alpha / rank?",
)
def twice(x, weight, A, B, alpha, rank):
    return lora_forward(x, weight, A, B, alpha**2, rank**2)


@wrong(
    "the whole output is scaled, the frozen layer's too",
    "The brackets are in the wrong place.",
    "What should the layer return where B is zero?",
)
def all_scaled(x, weight, A, B, alpha, rank):
    return alpha / rank * (x @ weight.detach().T + x @ A.T @ B.T)


@wrong(
    "the frozen layer is scaled instead of the adapter",
    "Multiplies W x by alpha / rank.",
    "What should the layer return where B is zero?",
)
def base_scaled(x, weight, A, B, alpha, rank):
    return alpha / rank * (x @ weight.detach().T) + x @ A.T @ B.T


@wrong(
    "the frozen layer is missing: the adapter alone is returned",
    "Returns the change instead of the changed output.",
    "What should the layer return where B is zero?",
)
def adapter_alone(x, weight, A, B, alpha, rank):
    return lora_forward(x, torch.zeros_like(weight), A, B, alpha, rank)


@wrong(
    "the adapter is missing: the frozen layer alone is returned",
    "A and B are not used.",
    "Do A and B get a gradient?",
)
def base_alone(x, weight, A, B, alpha, rank):
    return x @ weight.detach().T + 0 * (A.sum() + B.sum())


@wrong(
    "the frozen weight gets a gradient",
    "Nothing keeps the weight out of the graph.",
    "How many numbers do you train, and which ones should they be?",
)
def base_learns(x, weight, A, B, alpha, rank):
    return F.linear(x, weight) + alpha / rank * F.linear(F.linear(x, A), B)


@wrong(
    "A is detached: only B learns",
    "The gradient stops between A and B.",
    "Which of the two matrices should the optimizer move?",
)
def a_detached(x, weight, A, B, alpha, rank):
    return lora_forward(x, weight, A.detach(), B, alpha, rank)


@wrong(
    "B is detached, so that neither matrix learns as it should",
    "B gets no gradient.",
    "B starts at zero. What moves it away from there?",
)
def b_detached(x, weight, A, B, alpha, rank):
    return lora_forward(x, weight, A, B.detach(), alpha, rank)


@wrong(
    "no gradient passes through the adapter to the layers below",
    "x is detached in the adapter's branch.",
    "Which paths lead from the output back to x?",
)
def x_detached(x, weight, A, B, alpha, rank):
    return x @ weight.detach().T + alpha / rank * (x.detach() @ A.T @ B.T)


@wrong(
    "the frozen layer lets no gradient through to the layers below",
    "Computed under no_grad, or x detached there.",
    "The weight is frozen. Are the adapters of the layers below frozen too?",
)
def base_under_no_grad(x, weight, A, B, alpha, rank):
    return (x @ weight.T).detach() + alpha / rank * (x @ A.T @ B.T)


@wrong(
    "the adapter is subtracted",
    "Minus in front of the adapter.",
    "Is a change added, or taken away?",
)
def subtracted(x, weight, A, B, alpha, rank):
    return lora_forward(x, weight, A, B, -alpha, rank)


@wrong(
    "a ReLU between A and B",
    "An adapter of another kind: this one cannot be merged into the weight.",
    "Can your adapter be written as one matrix that is added to the weight?",
)
def with_relu(x, weight, A, B, alpha, rank):
    return x @ weight.detach().T + alpha / rank * (torch.relu(x @ A.T) @ B.T)


@wrong(
    "the scale is rounded down: alpha // rank",
    "alpha // rank drops what is behind the decimal point.",
    "What is 5 / 2, and what does your scale make of it?",
)
def whole_scale(x, weight, A, B, alpha, rank):
    return lora_forward(x, weight, A, B, alpha // rank, 1)


@right
def with_linear(x, weight, A, B, alpha, rank):
    return F.linear(x, weight.detach()) + alpha / rank * F.linear(F.linear(x, A), B)


@right
def merged_first(x, weight, A, B, alpha, rank):
    return x @ (weight.detach() + alpha / rank * B @ A).T


@right
def with_einsum(x, weight, A, B, alpha, rank):
    base = torch.einsum("bsi,oi->bso", x, weight.detach())
    return base + torch.einsum("bsi,ri,or->bso", x, A, B) * alpha / rank


@right
def scaled_input(x, weight, A, B, alpha, rank):
    scale = alpha / rank
    return torch.matmul(x, weight.detach().t()) + torch.matmul(torch.matmul(x * scale, A.t()), B.t())


@right
def by_directions(x, weight, A, B, alpha, rank):
    out = x @ weight.detach().mT
    for a, b in zip(A, B.T, strict=True):
        out = out + (alpha / rank) * (x @ a).unsqueeze(-1) * b
    return out


@right
def columns(x, weight, A, B, alpha, rank):
    flat = x.reshape(-1, x.shape[-1]).T
    out = weight.detach() @ flat + (alpha / rank) * (B @ (A @ flat))
    return out.T.reshape(*x.shape[:-1], weight.shape[0])


@right
def frozen_copy(x, weight, A, B, alpha, rank):
    base = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False, dtype=weight.dtype)
    with torch.no_grad():
        base.weight.copy_(weight)
    return base.requires_grad_(False)(x) + (B * (alpha / rank)).matmul(A.matmul(x.unsqueeze(-1))).squeeze(-1)


@right
def low_rank_sum(x, weight, A, B, alpha, rank):
    hidden = (x.unsqueeze(-2) * A).sum(-1)
    return (x.unsqueeze(-2) * weight.detach()).sum(-1) + hidden @ B.T / rank * alpha


@right
def with_addmm(x, weight, A, B, alpha, rank):
    rows = x.flatten(0, -2)
    base = rows @ weight.data.T
    return torch.addmm(base, rows @ A.T, B.T, alpha=alpha / rank).unflatten(0, x.shape[:-1])


PARTS = (
    (
        "the output and its gradient",
        2.0,
        (*adapters.USUAL, *adapters.SQUARE),
        (
            "the adapter is not scaled",
            "the adapter is scaled by alpha alone",
            "the adapter is divided by the rank",
            "the scale is turned round",
            "divided by the square root",
            "the frozen weight gets a gradient",
            "the adapter is scaled by alpha times",
            "the scale is rounded down",
        ),
    ),
    ("the start, and alpha = rank", 2.0, adapters.LIMITS),
)
EXERCISE = exercise("lora_forward", "08", lora_forward, partial(adapters.draw, batch=True), PARTS, catalogue)
