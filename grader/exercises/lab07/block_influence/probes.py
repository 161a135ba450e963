"""What block_influence is asked."""

from __future__ import annotations

import numpy as np

from utils.checks.records import Probe

WHOLE, PADDED = ("no padding", "no padding, longer"), ("padded on the right", "padded on the left")


MASKS = {
    "no padding": ("....", "...."),
    "no padding, longer": (".....", ".....", "....."),
    "padded on the right": (".....", "..ppp", "...pp"),
    "padded on the left": ("ppp.", "....", "pp.."),
}


def draw(random):
    """States that a block changes by different amounts and sizes; padding holds states of its own."""
    for number, (name, rows) in enumerate(MASKS.items()):
        mask = np.array([[sign == "." for sign in row] for row in rows])
        layers, width = 3 + number % 2, 6
        states = [random.normal(0, 1, (*mask.shape, width))]
        for share in random.permutation([0.4, 0.8, 1.5, 2.5])[:layers]:
            change = random.normal(0, share, (*mask.shape, width))
            states.append(states[-1] * random.choice([-0.6, 1.3, 1.6], (*mask.shape, 1)) + change)
        yield Probe(name, {"hidden_states": [np.float32(state) for state in states], "mask": mask})
