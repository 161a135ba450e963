"""initialise(uniforms, out_features): where A and B begin, so that the model begins as it was and can still learn."""

from __future__ import annotations

import math

import numpy as np
import torch

from grader.exercises.ordinary import Catalogue, exercise
from utils.checks.records import Probe

catalogue = Catalogue()
wrong, right = catalogue.wrong, catalogue.right


def _zeros(uniforms, out_features):
    return torch.zeros(out_features, uniforms.shape[0], dtype=uniforms.dtype)


def initialise(uniforms, out_features):
    bound = 1 / math.sqrt(uniforms.shape[1])
    return (2 * uniforms - 1) * bound, _zeros(uniforms, out_features)


@wrong(
    "A and B are both zero: no gradient ever reaches either",
    "A is zero too.",
    "The gradient of B is made of A, and that of A is made of B. What are they at the start?",
)
def both_zero(uniforms, out_features):
    return torch.zeros_like(uniforms), _zeros(uniforms, out_features)


@wrong(
    "B is random: the model does not begin as it was",
    "Both matrices are drawn.",
    "What is B A at the start, and what should it be?",
)
def b_random(uniforms, out_features):
    A, B = initialise(uniforms, out_features)
    return A, B + A.mean() + 0.1


@wrong(
    "B is filled with ones",
    "The model does not begin as it was.",
    "What is B A at the start, and what should it be?",
)
def b_ones(uniforms, out_features):
    A, B = initialise(uniforms, out_features)
    return A, B + 1


@wrong(
    "A is zero and B is drawn: the two are exchanged",
    "The start is right, but the matrices have each other's part.",
    "Which of the two does the task want to be zero?",
)
def exchanged(uniforms, out_features):
    rank, columns = uniforms.shape
    drawn = (2 * uniforms - 1) / math.sqrt(columns)
    return torch.zeros_like(uniforms), drawn.flatten().repeat(out_features)[: out_features * rank].reshape(-1, rank)


@wrong(
    "returned in the other order: (B, A)",
    "The task asks for (A, B).",
    "Which matrix reads x, and which shape does it have?",
)
def other_order(uniforms, out_features):
    return initialise(uniforms, out_features)[::-1]


@wrong(
    "B has A's shape: (rank, in) instead of (out, rank)",
    "zeros_like(A).",
    "B A must have the shape of the weight, (out, in). Which shape does B need?",
)
def b_like_a(uniforms, out_features):
    A, _ = initialise(uniforms, out_features)
    return A, torch.zeros_like(A)


@wrong(
    "B is transposed: (rank, out) instead of (out, rank)",
    "B A cannot be multiplied.",
    "B A must have the shape of the weight, (out, in). Which shape does B need?",
)
def b_transposed(uniforms, out_features):
    A, B = initialise(uniforms, out_features)
    return A, B.T


@wrong(
    "A is transposed: (in, rank) instead of (rank, in)",
    "A reads x from the right side here.",
    "Which shape do the numbers have that you are given?",
)
def a_transposed(uniforms, out_features):
    A, B = initialise(uniforms, out_features)
    return A.T, B


@wrong(
    "A's numbers are all positive: the range from 0 to 1 is not moved to its middle",
    "Scales the uniform numbers, but does not subtract.",
    "What is the mean of your A?",
)
def not_centred(uniforms, out_features):
    return uniforms / math.sqrt(uniforms.shape[1]), _zeros(uniforms, out_features)


@wrong(
    "A reaches only half as far: from -1/2 to 1/2 before it is scaled",
    "Subtracts 0.5 and does not double.",
    "How large is the largest entry that your A can have?",
)
def half_as_far(uniforms, out_features):
    return (uniforms - 0.5) / math.sqrt(uniforms.shape[1]), _zeros(uniforms, out_features)


@wrong(
    "A's range follows the rank instead of the input's width",
    "1 / sqrt(rank).",
    "How many products does one entry of A x add up?",
)
def by_rank(uniforms, out_features):
    return (2 * uniforms - 1) / math.sqrt(uniforms.shape[0]), _zeros(uniforms, out_features)


@wrong(
    "A's range follows the output's width instead of the input's",
    "1 / sqrt(out).",
    "How many products does one entry of A x add up?",
)
def by_output(uniforms, out_features):
    return (2 * uniforms - 1) / math.sqrt(out_features), _zeros(uniforms, out_features)


@wrong(
    "A's range is divided by the width instead of by its root",
    "1 / in.",
    "A sum of n random numbers grows like which power of n?",
)
def without_root(uniforms, out_features):
    return (2 * uniforms - 1) / uniforms.shape[1], _zeros(uniforms, out_features)


@wrong(
    "A is not scaled: its entries reach from -1 to 1",
    "No division by the root of the width.",
    "How large does A x become where x has a thousand entries?",
)
def not_scaled(uniforms, out_features):
    return 2 * uniforms - 1, _zeros(uniforms, out_features)


@wrong(
    "the drawn numbers are returned as they are",
    "A is what was given.",
    "From where to where should A's entries reach?",
)
def as_given(uniforms, out_features):
    return uniforms.clone(), _zeros(uniforms, out_features)


@wrong(
    "brackets are missing: 1 / sqrt(in) is subtracted from 2 u, which is not scaled",
    "2 u - 1 / sqrt(in).",
    "From where to where do your entries reach, for u = 0 and for u = 1?",
)
def brackets(uniforms, out_features):
    return 2 * uniforms - 1 / uniforms.shape[1] ** 0.5, _zeros(uniforms, out_features)


@wrong(
    "A has the other sign: 1 - 2 u instead of 2 u - 1",
    "The range is right, and turned round.",
    "Which entry of A belongs to the smallest u?",
)
def other_sign(uniforms, out_features):
    return (1 - 2 * uniforms) / math.sqrt(uniforms.shape[1]), _zeros(uniforms, out_features)


@wrong(
    "A's range is multiplied by the root of the width instead of divided",
    "Times sqrt(in).",
    "Should an entry of A be larger or smaller where x has more entries?",
)
def times_the_root(uniforms, out_features):
    return (2 * uniforms - 1) * math.sqrt(uniforms.shape[1]), _zeros(uniforms, out_features)


@wrong(
    "B is a tensor of whole numbers, which cannot learn",
    "torch.zeros with an integer type.",
    "Call requires_grad_() on your B. Which type of number can have a gradient?",
)
def b_whole(uniforms, out_features):
    A, B = initialise(uniforms, out_features)
    return A, B.long()


class DrawnAnew:
    """B as torch.rand gives it: another at each call, and the same two in turn, so that tables do not drift."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, uniforms, out_features):
        self.calls += 1
        A, B = initialise(uniforms, out_features)
        return A, B + 0.1 * A.abs().mean() * (1 + self.calls % 2)


wrong(
    "random: the same input gives different answers",
    "B is drawn too, and differs from call to call.",
    "Which numbers do you draw yourself? A is made from those that you are given, and B must be zero at the start.",
)(DrawnAnew())


@right
def with_lerp(uniforms, out_features):
    bound = uniforms.shape[1] ** -0.5
    low, high = torch.full_like(uniforms, -bound), torch.full_like(uniforms, bound)
    return torch.lerp(low, high, uniforms), uniforms.new_zeros(out_features, uniforms.shape[0])


@right
def low_plus_width(uniforms, out_features):
    rank, columns = uniforms.shape
    bound = 1 / columns**0.5
    return -bound + 2 * bound * uniforms, torch.zeros((out_features, rank))


@right
def in_place_on_a_copy(uniforms, out_features):
    A = uniforms.clone()
    A.mul_(2).sub_(1).div_(math.sqrt(A.size(1)))
    return A, A.new_zeros((out_features, A.size(0)))


@right
def kaiming(uniforms, out_features):
    """Kaiming's bound with a = sqrt(5), as peft and nn.Linear have it: sqrt(6 / ((1 + a^2) in))."""
    bound = math.sqrt(6 / ((1 + 5) * uniforms.shape[-1]))
    return (uniforms * 2 - 1).mul(bound), torch.empty(out_features, len(uniforms)).zero_()


@right
def with_numpy(uniforms, out_features):
    drawn = (uniforms.numpy() - 0.5) * 2 / np.sqrt(uniforms.shape[1])
    return torch.from_numpy(drawn), torch.from_numpy(np.zeros((out_features, uniforms.shape[0]), drawn.dtype))


@right
def as_parameters(uniforms, out_features):
    A, B = initialise(uniforms, out_features)
    return torch.nn.Parameter(A), torch.nn.Parameter(B)


@right
def row_by_row(uniforms, out_features):
    rank, columns = uniforms.shape
    rows = [torch.stack([(2 * one - 1) / math.sqrt(columns) for one in row]) for row in uniforms]
    return torch.stack(rows), torch.zeros(rank, out_features).T


@right
def as_a_list(uniforms, out_features):
    A = (uniforms - 0.5) / (0.5 * math.sqrt(uniforms.shape[1]))
    return (A, 0 * torch.ones(out_features, A.shape[0]))


def draw(random: np.random.Generator) -> list[Probe]:
    """Uniform numbers for three shapes, all sides different."""
    shapes = zip(PROBES, ((2, 5), (3, 8), (4, 6)), (7, 4, 9), strict=True)
    return [
        Probe(name, {"uniforms": random.random(shape, dtype=np.float32), "out_features": rows})
        for name, shape, rows in shapes
    ]


PROBES = ("rank 2", "rank 3", "rank 4")
EXERCISE = exercise("initialise", "08", initialise, draw, [("both matrices", 3.0, PROBES)], catalogue, floating=True)
