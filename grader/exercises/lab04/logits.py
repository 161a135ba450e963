"""The probes that acceptance_rate and draft_loss share: two models' logits, and which positions count."""

from __future__ import annotations

import numpy as np

from utils.checks.records import Probe

GAPS, PADDED, LARGE, ROW = "a mask with gaps", "rows of different lengths", "large logits", "a row that counts nowhere"


def draw(random: np.random.Generator, first: str, second: str, gradients: tuple[str, ...] = ()) -> list[Probe]:
    """Probes of (first, second, mask), where first and second name the logits; the models agree in part."""
    return [
        _probe(random, GAPS, first, second, gradients, 1.5, [(0, 1, 3), (2,), (0, 4)]),
        _probe(random, PADDED, first, second, gradients, 1.0, [range(5), range(2), range(3)]),
        _probe(random, LARGE, first, second, gradients, 12.0, [(1, 2), (0, 3, 4), (2,)]),
        _probe(random, ROW, first, second, gradients, 1.5, [(0, 1, 2, 4), (), (3,)]),
    ]


def _probe(
    random: np.random.Generator,
    name: str,
    first: str,
    second: str,
    gradients: tuple[str, ...],
    size: float,
    counted: list,
) -> Probe:
    shared = random.normal(0, size, (3, 5, 7))
    one, other = (shared + random.normal(0, 0.7 * size, shared.shape) for _ in range(2))
    mask = np.zeros((3, 5), dtype=bool)
    for row, places in enumerate(counted):
        mask[row, list(places)] = True
    inputs = {first: one.astype(np.float32), second: other.astype(np.float32), "mask": mask}
    return Probe(name, inputs, gradients)
