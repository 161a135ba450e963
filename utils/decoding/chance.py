"""Where the random decisions of decoding come from: a seed, or anything else that answers the same three questions."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from utils.losses.core import at_least_float32


class Chance(Protocol):
    """The random decisions of one text."""

    def token(self, distribution: Tensor) -> int:
        """A token drawn from (V,) probabilities."""

    def uniforms(self, count: int) -> Tensor:
        """(count,) numbers in [0, 1)."""


class Seeded:
    """Decisions that follow from a seed: the same seed, the same text."""

    def __init__(self, seed: int = 0):
        self.generator = torch.Generator().manual_seed(seed)

    def token(self, distribution: Tensor) -> int:
        """A token drawn from (V,) probabilities."""
        return int(torch.multinomial(distribution.cpu(), 1, generator=self.generator))

    def uniforms(self, count: int) -> Tensor:
        """(count,) numbers in [0, 1)."""
        return torch.rand(count, generator=self.generator, dtype=torch.float64)


def probabilities(logits: Tensor, temperature: float) -> Tensor:
    """softmax(logits / temperature); at temperature 0 all of it on the likeliest token.  (..., V) -> (..., V)."""
    if temperature == 0:
        return torch.zeros_like(at_least_float32(logits)).scatter_(-1, logits.argmax(dim=-1, keepdim=True), 1.0)
    return torch.softmax(at_least_float32(logits) / temperature, dim=-1)
