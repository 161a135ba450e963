"""merge(weight, A, B, alpha, rank): one matrix that does what the frozen layer and its adapter do together."""

from __future__ import annotations

import torch

from grader.exercises.lab08 import adapters
from grader.exercises.ordinary import Catalogue, exercise

catalogue = Catalogue()
wrong, right = catalogue.wrong, catalogue.right


def merge(weight, A, B, alpha, rank):
    return weight + alpha / rank * (B @ A)


@wrong(
    "the merge loses the scale alpha / rank",
    "Adds B A as it is.",
    "Compare merged and unmerged output for the same x. By which factor do the changes differ?",
)
def unscaled(weight, A, B, alpha, rank):
    return merge(weight, A, B, 1, 1)


@wrong(
    "the merge scales by alpha alone",
    "Does not divide by the rank.",
    "Which scale did your forward pass use?",
)
def alpha_alone(weight, A, B, alpha, rank):
    return merge(weight, A, B, alpha, 1)


@wrong(
    "the merge divides by the rank and leaves alpha out",
    "Uses 1 / rank.",
    "Which scale did your forward pass use?",
)
def rank_alone(weight, A, B, alpha, rank):
    return merge(weight, A, B, 1, rank)


@wrong(
    "the merge turns the scale round: rank / alpha",
    "A larger alpha changes the weight less.",
    "Should a larger alpha change the weight more or less?",
)
def inverted(weight, A, B, alpha, rank):
    return merge(weight, A, B, rank, alpha)


@wrong(
    "the merge applies the scale twice",
    "The adapter's output was scaled, and B A is scaled again.",
    "At how many places do you multiply by alpha / rank?",
)
def twice(weight, A, B, alpha, rank):
    return merge(weight, A, B, alpha**2, rank**2)


@wrong(
    "the merge divides by the square root of the rank",
    "rsLoRA's scale.",
    "Which scale did your forward pass use?",
)
def root(weight, A, B, alpha, rank):
    return merge(weight, A, B, alpha, rank**0.5)


@wrong(
    "the adapter is merged twice",
    "The change is added again to a weight that has it.",
    "How large is merged minus weight, compared with the change?",
)
def merged_twice(weight, A, B, alpha, rank):
    return merge(merge(weight, A, B, alpha, rank), A, B, alpha, rank)


@wrong(
    "the change is transposed before it is added",
    "A.T @ B.T has the sides of a Conv1D's weight (in, out), not of this one (out, in).",
    "Which side of weight is x multiplied with, and which side of A?",
)
def transposed(weight, A, B, alpha, rank):
    change = alpha / rank * (A.T @ B.T)
    return weight + change if change.shape == weight.shape else weight.T + change


@wrong(
    "the merged weight is returned in a Conv1D's layout",
    "The sum is right and then turned round.",
    "Which shape did weight have?",
)
def turned(weight, A, B, alpha, rank):
    return merge(weight, A, B, alpha, rank).T


@wrong(
    "the change alone is returned, without the weight",
    "B A scaled, and W is missing.",
    "What should the merged weight be where B is zero?",
)
def change_alone(weight, A, B, alpha, rank):
    return merge(torch.zeros_like(weight), A, B, alpha, rank)


@wrong(
    "the weight comes back unchanged",
    "Nothing was merged.",
    "A and B are not zero. Why should the weight stay as it was?",
)
def unchanged(weight, A, B, alpha, rank):
    return weight.clone()


@wrong(
    "the change is taken away: this undoes a merge",
    "Minus instead of plus.",
    "Do you merge here, or unmerge?",
)
def undone(weight, A, B, alpha, rank):
    return merge(weight, A, B, -alpha, rank)


@wrong(
    "the frozen weight is overwritten: the merge cannot be undone",
    "weight += ... changes the caller's matrix.",
    "Whose memory does += write to?",
)
def in_place(weight, A, B, alpha, rank):
    weight += alpha / rank * (B @ A)
    return weight


@wrong(
    "the merge scales the weight too",
    "The brackets are in the wrong place.",
    "What should the merged weight be where B is zero?",
)
def all_scaled(weight, A, B, alpha, rank):
    return alpha / rank * (weight + B @ A)


@wrong(
    "the merge multiplies entry by entry",
    "weight * change instead of weight + change.",
    "What should the merged weight be where B is zero?",
)
def multiplied(weight, A, B, alpha, rank):
    return weight * (alpha / rank * (B @ A))


@wrong(
    "the merge rounds the scale down: alpha // rank",
    "alpha // rank drops what is behind the decimal point.",
    "What is 5 / 2, and what does your scale make of it?",
)
def whole_scale(weight, A, B, alpha, rank):
    return merge(weight, A, B, alpha // rank, 1)


@wrong(
    "(B A) is transposed before it is added, which fits a square weight alone",
    "Adds (B @ A).T as it is.",
    "Which shape has B A, and which shape has the weight?",
)
def transposed_without_a_look(weight, A, B, alpha, rank):
    return weight + alpha / rank * (B @ A).T


@wrong(
    "the change is transposed where the weight is square",
    "Turns the change wherever the sides allow it.",
    "Which two sides does B A have, and do they change their order where they are equal?",
)
def transposed_where_square(weight, A, B, alpha, rank):
    change = alpha / rank * (B @ A)
    return weight + (change.T if change.shape[0] == change.shape[1] else change)


@right
def with_addmm(weight, A, B, alpha, rank):
    return torch.addmm(weight, B, A, alpha=alpha / rank)


@right
def with_einsum(weight, A, B, alpha, rank):
    return weight + torch.einsum("or,ri->oi", B, A) * (alpha / rank)


@right
def by_directions(weight, A, B, alpha, rank):
    merged = weight.clone()
    for place in range(rank):
        merged += alpha / rank * torch.outer(B[:, place], A[place])
    return merged


@right
def scale_into_b(weight, A, B, alpha, rank):
    return weight + (B * alpha / rank) @ A


@right
def scale_into_a(weight, A, B, alpha, rank):
    return torch.add(weight, B.matmul(A.mul(alpha).div(rank)))


@right
def by_columns(weight, A, B, alpha, rank):
    """What the layer does to each unit vector is a column of its matrix."""
    unit = torch.eye(weight.shape[1], dtype=weight.dtype)
    return (unit @ weight.T + alpha / rank * (unit @ A.T @ B.T)).T


@right
def transposed_back(weight, A, B, alpha, rank):
    return (weight.T + alpha / rank * A.T @ B.T).T


@right
def in_double(weight, A, B, alpha, rank):
    change = (alpha / rank) * (B.double() @ A.double())
    return (weight.double() + change).to(weight.dtype)


@right
def without_gradient(weight, A, B, alpha, rank):
    with torch.no_grad():
        copy = weight.detach().clone()
        copy.add_(B @ A, alpha=alpha / rank)
    return copy


PARTS = (
    (
        "the merged weight",
        2.0,
        (*adapters.USUAL, *adapters.SQUARE),
        (
            "the merge scales by alpha alone",
            "the merge divides",
            "the adapter is merged twice",
            "the change is taken away",
            "the frozen weight is overwritten",
            "the merge scales the weight",
            "the merge rounds",
            "the change is transposed where",
        ),
    ),
    ("the start, and alpha = rank", 1.0, adapters.LIMITS),
)
EXERCISE = exercise("merge", "08", merge, adapters.draw, PARTS, catalogue)
