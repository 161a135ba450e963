"""Match what the teacher computes on the way, not only what it says: hidden states, layer by layer.

The question: which layer of the student follows which of the teacher, and how are two widths compared?  The mistakes
this module prevents: the shift of the loss applied to states, which have nothing to predict (a state at position t
belongs to token t in both models); padding that counts; and a mean over the student's width where the teacher's is
compared.  The projection learns with the student, and is thrown away after training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from utils.configuration import text_config
from utils.data.batches import Batch, model_inputs
from utils.errors import CourseError
from utils.losses.core import at_least_float32
from utils.training.accumulation import Step, real_tokens_a_label
from utils.training.loop import LossFunction, update

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


def add_projections(student: nn.Module, layers: int, teacher_width: int, seed: int = 0) -> nn.ModuleList:
    """Give the student `projections`: one linear map without bias a layer, from its width to the teacher's.

    As the student's own modules they are trained, clipped and saved with it.  Drop them after training.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        maps = nn.ModuleList(
            nn.Linear(text_config(student).hidden_size, teacher_width, bias=False) for _ in range(layers)
        )
    student.projections = maps.to(next(student.parameters()).device)
    return student.projections


def drop_projections(student: nn.Module) -> None:
    """Take the projections off again: the student is what it was made to be."""
    del student.projections


def hidden_step(
    teacher_layers: Sequence[int],
    weight: float,
    loss: Callable[[Tensor, Tensor, Callable, Tensor], Tensor] = hidden_state_loss,
) -> Step:
    """A training step for `distill(step=...)`: the loss function's value plus weight * the mean of `loss` over layers.

    teacher_layers: for each student layer the teacher's, 1-based (`layer_map`).  The student needs `projections`
    (`add_projections`).  Batches are padded, not packed: the mask tells which states are real.
    """

    def step(
        student: nn.Module,
        teacher: nn.Module,
        batch: Batch,
        optimizer: torch.optim.Optimizer,
        loss_function: LossFunction,
    ) -> float:
        with torch.no_grad():
            theirs = teacher(**model_inputs(batch), output_hidden_states=True)
        wanted = [_state(theirs.hidden_states, layer) for layer in teacher_layers]
        each = weight / len(teacher_layers) * real_tokens_a_label(batch, optimizer)

        def blend() -> Tensor:
            ours = student(**model_inputs(batch), output_hidden_states=True)
            value = loss_function(ours.logits, theirs.logits, batch["labels"])
            # Under autocast the states are bfloat16, and the projection's weights are not.
            for index, (target, projection) in enumerate(zip(wanted, student.projections, strict=True), start=1):
                states = at_least_float32(ours.hidden_states[index]), at_least_float32(target)
                value = value + each * loss(*states, projection, batch["attention_mask"])
            return value

        return update(student, optimizer, blend)

    return step


def _state(states: Sequence[Tensor | None], layer: int) -> Tensor:
    """The teacher's states after a layer.  Raises CourseError for one that it does not give."""
    if layer >= len(states) or states[layer] is None:
        given = [number for number, state in enumerate(states) if state is not None]
        raise CourseError(
            f"The step asks for the teacher's layer {layer}, and the teacher gives {given}. Choose among them, or name "
            "the layer when the cache is made: hidden_layers=(...)."
        )
    return states[layer]
