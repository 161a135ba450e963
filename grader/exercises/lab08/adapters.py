"""The probes that lora_forward and merge share: small matrices whose sides and rank all differ."""

from __future__ import annotations

import numpy as np

from utils.checks.records import Probe

USUAL, SQUARE, LIMITS = ("rank 2", "rank 3"), ("a square matrix",), ("alpha equals rank", "B is zero")
SHAPES = ((5, 4, 2, 5.0), (4, 7, 3, 8.0), (5, 5, 2, 7.0), (6, 4, 3, 3.0), (3, 5, 2, 9.0))  # out, in, rank, alpha


def draw(random: np.random.Generator, batch: bool = False) -> list[Probe]:
    """Probes of (weight, A, B, alpha, rank), and with batch of x in front, whose gradients are asked."""
    found = []
    for name, (rows, columns, rank, alpha) in zip((*USUAL, *SQUARE, *LIMITS), SHAPES, strict=True):
        inputs: dict[str, object] = {
            "weight": random.normal(0, 1, (rows, columns)).astype(np.float32),
            "A": random.normal(0, 1, (rank, columns)).astype(np.float32),
            "B": random.normal(0, 1, (rows, rank)).astype(np.float32) * (name != "B is zero"),
        }
        if batch:
            inputs = {"x": random.normal(0, 1, (2, 3, columns)).astype(np.float32), **inputs}
        inputs |= {"alpha": alpha, "rank": rank}
        found.append(Probe(name, inputs, gradients=("x", "weight", "A", "B") if batch else ()))
    return found
