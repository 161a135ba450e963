"""A linear projection made from a probe's numbers, to be called as learners call a module.

The mistake this prevents is a check that hands over a weight matrix, and so tests which side it is multiplied from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor


class Projection(torch.nn.Module):
    """``projection(x)`` is x times the transposed weight (D_t, D_s), a tensor whose gradient is asked; no bias."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = weight, None
        self.out_features, self.in_features = weight.shape

    def parameters(self, recurse: bool = True) -> Iterator[Tensor]:
        """The weight, which is no ``Parameter`` here, as a learner who asks for its number type finds it."""
        yield self.weight

    def forward(self, x: Tensor) -> Tensor:
        """(..., D_s) -> (..., D_t), in the number type of x."""
        return F.linear(x, self.weight.to(x.dtype))


def with_projection(fn: Callable) -> Callable:
    """``fn(student_hidden, teacher_hidden, projection, attention_mask)``, called with a weight in the third place."""
    return lambda student, teacher, weight, mask: fn(student, teacher, Projection(weight), mask)


ADAPTED = {"hidden_state_loss": with_projection}
