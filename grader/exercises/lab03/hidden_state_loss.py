"""``hidden_state_loss``: the squared difference of projected states, averaged over real positions and features.

The gradient reaches the student and the projection, never the teacher. Widths, rows and positions differ in number, so
that the text of a shape error says which two met.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from grader.exercise import Exercise, Misconception, Part
from grader.exercises import choices
from grader.exercises.lab03 import hidden_variants as states
from grader.exercises.lab03.hidden_hints import HINTS
from grader.exercises.variants import Variant, catalogue, in_half_precision
from utils.checks.judgement import BACKWARD
from utils.checks.pack import Made
from utils.checks.records import Probe, Table

# Rows of real (1) and padded (0) positions; padding on either side, rows of different lengths.
LAYOUTS = (("111100", "001111", "111111"), ("1110000", "0000011"), ("11110", "11100", "00111", "11111"))
WIDTHS = ((4, 7), (4, 6), (5, 2))
ASKED = ("student_hidden", "teacher_hidden", "projection")
ORDINARY = tuple(f"ordinary {index}" for index in range(4))
FORGOTTEN = "the projection is not used: the student's states keep their own width"
NOT_TRANSPOSED = "the projection's weight is multiplied without its transpose"
MASK_AXIS = "the mask is multiplied without an axis for the features"
MASKED_FIRST = "the states are masked before the projection: its bias stays at padding"
NO_BIAS = "the projection's bias is left out: only its weight is multiplied"
ERRORS = [  # what torch says on the first probe: 3 rows, 6 positions, widths 4 and 7
    ["tensor a (4) must match the size of tensor b (7)", FORGOTTEN],
    ["tensor a (7) must match the size of tensor b (4)", FORGOTTEN],
    ["Trying to backward through the graph a second time", BACKWARD],
    ["x7 and 4x7)", states.TEACHER_PROJECTED],
    ["x4 and 7x4)", NOT_TRANSPOSED],
    ["tensor a (7) must match the size of tensor b (6)", MASK_AXIS],
    ["tensor a (4) must match the size of tensor b (6)", MASK_AXIS],
]


def probes(seed: int | None) -> tuple[Probe, ...]:
    stream = choices.stream_of(seed, 31)
    drawn = [_inputs(stream, LAYOUTS[place], *WIDTHS[place]) for place in range(len(LAYOUTS))]
    bias = np.float32(stream.normal(0, 1, WIDTHS[-1][1]))  # of the last projection alone
    drawn[-1]["projection"].settings["bias"] = bias
    return tuple(Probe(name, inputs, ASKED) for name, inputs in zip(ORDINARY, (drawn[0], *drawn), strict=True))


def _inputs(stream: np.random.Generator, layout: tuple[str, ...], ours: int, theirs: int) -> dict[str, object]:
    mask = np.array([[int(sign) for sign in row] for row in layout])
    return {
        "student_hidden": np.float32(stream.normal(0, 1, (*mask.shape, ours))),
        "teacher_hidden": np.float32(stream.normal(0.5, 1.5, (*mask.shape, theirs))),
        "projection": Made("projection", {"weight": np.float32(stream.normal(0, 0.7, (theirs, ours)))}),
        "attention_mask": mask,
    }


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


def by_the_norm(student_hidden, teacher_hidden, projection, attention_mask):
    real = attention_mask.flatten().nonzero().squeeze(1)
    apart = projection(student_hidden).flatten(0, 1)[real] - teacher_hidden.detach().flatten(0, 1)[real]
    return torch.linalg.vector_norm(apart) ** 2 / apart.numel()


def both_sides_zeroed(student_hidden, teacher_hidden, projection, attention_mask):
    padding = attention_mask.unsqueeze(-1) == 0
    ours, theirs = (x.masked_fill(padding, 0) for x in (projection(student_hidden), teacher_hidden.detach()))
    return F.mse_loss(ours, theirs, reduction="sum") / ((~padding).sum() * theirs.size(-1))


def rows_picked_by_numbers(student_hidden, teacher_hidden, projection, attention_mask):
    return F.mse_loss(projection(student_hidden[attention_mask]), teacher_hidden[attention_mask].detach())


def teacher_not_detached(student_hidden, teacher_hidden, projection, attention_mask):
    valid = attention_mask.bool()
    return F.mse_loss(projection(student_hidden[valid]), teacher_hidden[valid])


def student_detached(student_hidden, teacher_hidden, projection, attention_mask):
    valid = attention_mask.bool()
    return F.mse_loss(projection(student_hidden[valid].detach()), teacher_hidden[valid].detach())


def projection_without_gradient(student_hidden, teacher_hidden, projection, attention_mask):
    valid = attention_mask.bool()
    projected = F.linear(student_hidden[valid], projection.weight.detach(), projection.bias)
    return F.mse_loss(projected, teacher_hidden[valid].detach())


def divided_by_the_student_width(student_hidden, teacher_hidden, projection, attention_mask):
    ratio = teacher_hidden.shape[-1] / student_hidden.shape[-1]
    return by_index(student_hidden, teacher_hidden, projection, attention_mask) * ratio


def as_a_float(student_hidden, teacher_hidden, projection, attention_mask):
    return by_index(student_hidden, teacher_hidden, projection, attention_mask).item()


def projection_forgotten(student_hidden, teacher_hidden, projection, attention_mask):
    real = attention_mask.bool()
    return F.mse_loss(student_hidden[real], teacher_hidden[real].detach())


def forgotten_before_the_mask(student_hidden, teacher_hidden, projection, attention_mask):
    squared = (teacher_hidden.detach() - student_hidden).square().mean(-1)
    return (squared * attention_mask).sum() / attention_mask.sum()


def teacher_projected(student_hidden, teacher_hidden, projection, attention_mask):
    real = attention_mask.bool()
    return F.mse_loss(student_hidden[real], projection(teacher_hidden[real].detach()))


def both_projected(student_hidden, teacher_hidden, projection, attention_mask):
    squared = (projection(student_hidden) - projection(teacher_hidden.detach())).square().mean(-1)
    return (squared * attention_mask).sum() / attention_mask.sum()


def not_transposed(student_hidden, teacher_hidden, projection, attention_mask):
    real = attention_mask.bool()
    return F.mse_loss(student_hidden[real] @ projection.weight, teacher_hidden[real].detach())


def mask_without_an_axis(student_hidden, teacher_hidden, projection, attention_mask):
    squared = (projection(student_hidden) - teacher_hidden.detach()).square()
    return (squared * attention_mask).sum() / attention_mask.sum()


def kl_of_states(student_hidden, teacher_hidden, projection, attention_mask):
    real = attention_mask.bool()
    log_q, p = projection(student_hidden[real]).log_softmax(-1), teacher_hidden[real].detach().softmax(-1)
    return F.kl_div(log_q, p)


def kl_of_raw_states(student_hidden, teacher_hidden, projection, attention_mask):
    real = attention_mask.bool()
    return F.kl_div(projection(student_hidden[real]), teacher_hidden[real].detach(), reduction="batchmean")


def training_without_a_graph_left(student_hidden, teacher_hidden, projection, attention_mask):
    loss = by_index(student_hidden, teacher_hidden, projection, attention_mask)
    loss.backward()
    return loss


def training_by_itself(student_hidden, teacher_hidden, projection, attention_mask):
    loss = by_index(student_hidden, teacher_hidden, projection, attention_mask)
    loss.backward(retain_graph=True)
    return loss


def masked_before_the_projection(student_hidden, teacher_hidden, projection, attention_mask):
    weights = attention_mask.unsqueeze(-1)
    squared = (projection(student_hidden * weights) - teacher_hidden.detach() * weights).square()
    return squared.sum() / (attention_mask.sum() * teacher_hidden.shape[-1])


def without_the_bias(student_hidden, teacher_hidden, projection, attention_mask):
    real = attention_mask.bool()
    return F.mse_loss(student_hidden[real] @ projection.weight.T, teacher_hidden[real].detach())


BESIDE = [Variant((MASKED_FIRST,), masked_before_the_projection, 1.0), Variant((NO_BIAS,), without_the_bias, 1.0)]
RIGHT = {
    f.__name__: f
    for f in (
        by_index, by_product, by_rows, in_the_projection_s_type, features_first, in_double, with_the_weight,
        expanded_square, by_the_norm, both_sides_zeroed,
    )
}  # fmt: skip


def table(seed: int | None = None) -> Table:
    asked = probes(seed)
    texts = {"judge": "arrays", "forms": ["tensor"] * len(asked), "hints": HINTS, "errors": ERRORS}
    return choices.table("hidden_state_loss", asked, [*states.variants(), *BESIDE], texts, states.SCALES)


EXERCISE = Exercise(
    "hidden_state_loss",
    "03",
    ("student_hidden", "teacher_hidden", "projection", "attention_mask"),
    (Part("value and gradient", 4.0, ORDINARY),),
    table,
    catalogue(
        [*states.variants(), *BESIDE],
        Misconception("gradient flows into teacher_hidden", "detach is missing.", teacher_not_detached),
        Misconception(states.WHOLE_ROWS, "mask without bool().", rows_picked_by_numbers),
        Misconception("no gradient reaches student_hidden", "The student is detached.", student_detached),
        Misconception("no gradient reaches projection", "Its weight is detached.", projection_without_gradient),
        Misconception("a Python number instead of a tensor: no gradient can flow", "item().", as_a_float),
        Misconception("sign flipped", "The loss is negated.", lambda *inputs: -by_index(*inputs)),
        Misconception(states.STUDENT_WIDTH, "Divided by N times D_s.", divided_by_the_student_width),
        Misconception(FORGOTTEN, "No projection; the widths differ.", projection_forgotten),
        Misconception(FORGOTTEN, "No projection, before the mask.", forgotten_before_the_mask),
        Misconception(states.TEACHER_PROJECTED, "projection(teacher) raises.", teacher_projected),
        Misconception(states.TEACHER_PROJECTED, "Both are projected.", both_projected),
        Misconception(NOT_TRANSPOSED, "x @ weight.", not_transposed),
        Misconception(MASK_AXIS, "(B, S, D) times (B, S).", mask_without_an_axis),
        Misconception(states.KL, "F.kl_div with its default reduction.", kl_of_states),
        Misconception(states.RAW_KL, "F.kl_div of states as they are.", kl_of_raw_states),
        Misconception(BACKWARD, "backward() inside.", training_by_itself),
        Misconception(BACKWARD, "backward() inside, which frees the graph.", training_without_a_graph_left),
        *in_half_precision(by_index),
    ),
    RIGHT,
)
