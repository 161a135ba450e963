"""Constant factors that have a name: a sign, another base of the logarithm, a half."""

from __future__ import annotations

import numpy as np

BITS = "bits instead of nats (base 2){}"
TENS = "base-10 logarithm instead of nats{}"
SIGN = "sign flipped{}"
CONSTANTS: dict[float, tuple[tuple[str, ...], float]] = {
    1.0: ((), 0.0),
    -1.0: ((SIGN,), 1.0),
    float(1 / np.log(2)): ((BITS,), 1.1),
    float(1 / np.log(10)): ((TENS,), 1.2),
    -float(1 / np.log(2)): ((SIGN, BITS), 2.2),
    -float(1 / np.log(10)): ((SIGN, TENS), 2.3),
    0.5: (("halved{}",), 1.2),
    -0.5: ((SIGN, "halved{}"), 2.3),
    2.0: (("doubled{}",), 1.2),
    0.1: (("scaled by 0.1{}",), 1.4),
    10.0: (("scaled by 10{}",), 1.4),
}
BOTH_WAYS = "symmetric KL (both directions added) instead of KL"
HALF_OF_BOTH_WAYS = "symmetric KL (mean of both directions) instead of KL"
DIFFERENCE = "absolute difference of probabilities instead of KL"
TOTAL_VARIATION = "total variation distance instead of KL"
# a divergence's name begins with; the factor beside it; what both together are called
JOINED = (
    (BOTH_WAYS, "halved", HALF_OF_BOTH_WAYS),
    ("symmetric KL (both directions added)", "halved", "symmetric KL (mean of both directions)"),
    (DIFFERENCE, "halved", TOTAL_VARIATION),
)
TOLERANCE = 1e-3


def merged(names: list[str]) -> list[str]:
    """Two factors that go by one name together, such as half a sum of two directions."""
    for start, other, joined in JOINED:
        for place, name in enumerate(names):
            beside = [one for one in names if one.removesuffix(" in the soft part") == other]
            if name.startswith(start) and beside:
                names = [*names[:place], joined, *names[place + 1 :]]
                names = [one for one in names if one not in beside]
    return names


def named_constant(value: float) -> tuple[tuple[str, ...] | None, float]:
    """The names of a factor that is left over, and their price; None where nobody has a name for it."""
    for constant, (names, price) in CONSTANTS.items():
        if abs(value - constant) < TOLERANCE * abs(constant):
            return names, price
    return None, 0.0
