"""The probes that expected_tokens and speedup share."""

from __future__ import annotations

import numpy as np

from utils.checks.records import Probe

USUAL, LIMITS, ONE = tuple(f"usual {i}" for i in range(4)), ("nothing is kept", "a sure draft"), ("one token a round",)


def draw(random: np.random.Generator, costs: bool = False) -> list[Probe]:
    """Probes of (acceptance, gamma) and with costs of (acceptance, gamma, cost_ratio)."""
    gammas = [*random.permutation([2, 3, 5, 8]).tolist(), 4, int(random.integers(2, 7)), 1]
    shares = [*random.uniform(0.2, 0.9, 4).round(3).tolist(), 0.0, 1.0, round(random.uniform(0.3, 0.8), 3)]
    found = []
    for name, share, gamma in zip((*USUAL, *LIMITS, *ONE), shares, gammas, strict=True):
        inputs: dict[str, object] = {"acceptance": share, "gamma": gamma}
        if costs:
            inputs["cost_ratio"] = round(random.uniform(0.05, 0.7), 3)
        found.append(Probe(name, inputs))
    return found
