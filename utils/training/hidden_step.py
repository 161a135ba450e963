"""A training step that matches hidden states beside the logits.  (Lab 3 and `utils.measuring.sweeps` train with it.)

The projections from the student's width to the teacher's learn with the student, and are dropped after training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from utils.configuration import text_config
from utils.data.batches import Batch, model_inputs
from utils.errors import CourseError
from utils.losses.core import at_least_float32
from utils.losses.hidden_states import hidden_state_loss
from utils.training.accumulation import real_tokens_per_label
from utils.training.steps import LossFunction, Step, update


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
        each = weight / len(teacher_layers) * real_tokens_per_label(batch, optimizer)

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
