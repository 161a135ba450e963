"""Match what the teacher computes on the way, not only what it says: hidden states, layer by layer.

States are not shifted, as logits are: a state at position t belongs to token t in both models, and predicts nothing.
Padding does not count.  (`utils.training.hidden_step` trains with it.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from utils.errors import CourseError
from utils.losses.core import at_least_float32

Distance = Literal["mse", "cosine"]


def layer_map(student_layers: int, teacher_layers: int) -> list[int]:
    """For each student layer, 1-based and in order, the teacher layer it follows: evenly spaced, last to last.

    Layer i follows layer i * teacher_layers / student_layers, rounded down: (6, 24) gives [4, 8, 12, 16, 20, 24].
    Raises CourseError unless 1 <= student_layers <= teacher_layers.
    """
    if not 1 <= student_layers <= teacher_layers:
        raise CourseError(
            f"The student has {student_layers} layers and the teacher {teacher_layers}; each student layer needs a "
            "teacher layer of its own."
        )
    return [i * teacher_layers // student_layers for i in range(1, student_layers + 1)]


def hidden_state_loss(
    student_hidden: Tensor,
    teacher_hidden: Tensor,
    projection: Callable[[Tensor], Tensor],
    attention_mask: Tensor,
    distance: Distance = "mse",
) -> Tensor:
    """The distance of projection(student) from the teacher, averaged over valid positions.

    student_hidden (B, S, D_s), teacher_hidden (B, S, D_t), attention_mask (B, S) with 1 at real tokens; projection
    maps D_s to D_t.  "mse": the squared difference, averaged over the D_t features too; "cosine": 1 - cosine.
    The gradient reaches student_hidden and the projection, never the teacher.  Raises CourseError for shapes that do
    not fit and a mask without a real token.
    """
    if student_hidden.shape[:2] != teacher_hidden.shape[:2] or attention_mask.shape != student_hidden.shape[:2]:
        shapes = (tuple(t.shape) for t in (student_hidden, teacher_hidden, attention_mask))
        raise CourseError(
            "Hidden states are (batch, sequence, features) and the mask (batch, sequence), of one batch; these are "
            "student {}, teacher {}, mask {}.".format(*shapes)
        )
    valid = attention_mask.bool()
    if not valid.any():
        raise CourseError("The attention mask marks no token as real: there is nothing to average over.")
    ours = projection(at_least_float32(student_hidden[valid]))
    theirs = at_least_float32(teacher_hidden[valid].detach())
    if ours.shape != theirs.shape:
        raise CourseError(
            f"The projection gives {ours.shape[-1]} features and the teacher's states have {theirs.shape[-1]}. "
            "Project to the teacher's width."
        )
    if distance not in ("mse", "cosine"):
        raise CourseError(f'The distance is {distance!r}; choose "mse" or "cosine".')
    if distance == "cosine":
        return (1 - torch.cosine_similarity(ours, theirs, dim=-1)).mean()
    return (ours - theirs).square().mean()
