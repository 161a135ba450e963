"""What a learner's function leaves behind: the batches it was given, gradients' switch, parameters that should learn.

A measure that is right only once does harm: the second call finds batches without labels, or a model that
can no longer be trained.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from utils.checks.records import Answer

BATCHES = "the batches are changed: a second call would find others"
SWITCHED_OFF = "gradients are switched off and never on again"
FROZEN = "the model's parameters are frozen: it could not be trained afterwards"
NAMES = (BATCHES, SWITCHED_OFF, FROZEN)
KEPT = len(NAMES)

Batches = Sequence[dict[str, Tensor]]


def left_behind(given: Batches, handed: Batches, model: nn.Module) -> dict[str, np.ndarray]:
    """A 1 for each of NAMES that is so.  handed: the copies of `given` that the learner's function got."""
    same = len(given) == len(handed) and all(map(_kept, given, handed))
    frozen = not all(parameter.requires_grad for parameter in model.parameters())
    return {"trace/left": np.array([not same, not torch.is_grad_enabled(), frozen], dtype=np.float64)}


def _kept(before: dict[str, Tensor], after: dict[str, Tensor]) -> bool:
    """Is all that a batch held still there?  What was put beside it does no harm."""
    return all(
        isinstance(after.get(name), Tensor) and torch.equal(tensor, after[name]) for name, tensor in before.items()
    )


def names(answers: Sequence[Answer]) -> list[str]:
    """Of NAMES those that hold after any of the calls."""
    rows = [answer.numbers["trace/left"] for answer in answers if "trace/left" in answer.numbers]
    return [name for place, name in enumerate(NAMES) if any(row[place] for row in rows)]
