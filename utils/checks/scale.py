"""By what a part is divided and multiplied: read from how its factor changes with sizes and temperature.

The mistake this prevents is a denominator that is guessed from one example: with one batch, 7 tokens and 7 rows look
alike. Only an explanation that holds on every frame with the *same* constant counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NO_SCALE = "T squared missing"
# exponent of T beyond what is right -> name, cost
SOFT_POWERS = {
    0: ("", 0.0),
    -2: (NO_SCALE, 1.0),
    -1: ("scaled by T instead of T squared", 1.0),
    -4: ("divided by T squared instead of multiplied", 1.1),
    -3: ("divided by T instead of multiplied by T squared", 1.2),
    2: ("T squared applied twice", 1.2),
    1: ("scaled by T cubed instead of T squared", 1.3),
    -1.5: ("scaled by the square root of T instead of T squared", 1.4),
}
HARD_POWERS = {
    0: ("", 0.0),
    2: ("T squared on the hard part as well", 1.0),
    1: ("hard part scaled by T", 1.1),
    -2: ("hard part divided by T squared", 1.1),
    -1: ("hard part divided by T", 1.1),
    4: ("T to the fourth power on the hard part", 1.5),
}
POWERS = {"soft": SOFT_POWERS, "hard": HARD_POWERS}
BITS = "bits instead of nats (base 2){}"
SIGN = "sign flipped{}"
CONSTANTS: dict[float, tuple[tuple[str, ...], float]] = {
    1.0: ((), 0.0),
    -1.0: ((SIGN,), 1.0),
    float(1 / np.log(2)): ((BITS,), 1.1),
    float(1 / np.log(10)): (("base-10 logarithm instead of nats{}",), 1.2),
    -float(1 / np.log(2)): ((SIGN, BITS), 2.2),
    -float(1 / np.log(10)): ((SIGN, "base-10 logarithm instead of nats{}"), 2.3),
    0.5: (("halved{}",), 1.2),
    -0.5: ((SIGN, "halved{}"), 2.3),
    2.0: (("doubled{}",), 1.2),
    0.1: (("scaled by 0.1{}",), 1.4),
    10.0: (("scaled by 10{}",), 1.4),
}
BESIDE_FIXED = (-1.0, float(1 / np.log(2)))  # what may stand beside a hard-coded T squared
# a divergence's name begins with; the factor beside it; what both together are called
JOINED = (
    (
        "symmetric KL (both directions added) instead of KL",
        "halved",
        "symmetric KL (mean of both directions) instead of KL",
    ),
    ("symmetric KL (both directions added)", "halved", "symmetric KL (mean of both directions)"),
    ("absolute difference of probabilities instead of KL", "halved", "total variation distance instead of KL"),
)
FIXED_SCALES = (2.0, 3.0, 4.0, 5.0, 10.0)
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Scale:
    """names: what is wrong with the factor. cost: how far-fetched. constant: what is left beside the known powers.

    power: of T, in all. divisor: index into the divisors.
    """

    names: tuple[str, ...]
    cost: float
    constant: float
    power: float
    divisor: int


def scales(
    part: str,
    factors: np.ndarray,
    temperatures: np.ndarray,
    divisors: np.ndarray,
    entries: list,
    any_constant: bool = False,
) -> list[Scale]:
    """Every explanation of ``factors``, cheapest first.

    factors: (frames,), what each position's kernel is multiplied with. divisors: (D, frames); entries: D pairs of
    (names, cost). any_constant: accept constants that have no name (a hard-coded alpha).
    """
    base = 2 if part == "soft" else 0
    found = []
    powers = POWERS[part]
    exponents = np.array(list(powers))
    constants = (factors * divisors)[:, None, :] / temperatures ** (base + exponents)[None, :, None]
    middles = constants.mean(-1)
    spread = constants.max(-1) - constants.min(-1)
    with np.errstate(invalid="ignore"):
        even = np.isfinite(middles) & (middles != 0) & (spread <= TOLERANCE * np.abs(middles))
    for index, place in np.argwhere(even):
        (names, cost), power, middle = entries[index], float(exponents[place]), float(middles[index, place])
        name, more = powers[power]
        known, price = _constant(middle, power, part)
        if known is None and not any_constant:
            continue
        if known is None or any_constant:
            known, price = (), 0.0 if any_constant and middle > 0 else 3.0
        power_name = "" if any(text.startswith("T squared hard-coded") for text in known) else name
        labels = tuple(text for text in (*names, power_name, *known) if text)
        found.append(Scale(labels, cost + more + price, middle, base + power, int(index)))
    return sorted(found, key=lambda scale: scale.cost)


def _constant(value: float, power: float, part: str) -> tuple[tuple[str, ...] | None, float]:
    if part == "soft" and power == -2:
        for fixed in FIXED_SCALES:
            coded = f"T squared hard-coded to {fixed:g} squared"
            if abs(value - fixed**2) < TOLERANCE * fixed**2:
                return (coded,), 0.2
            for constant in BESIDE_FIXED:
                if abs(value - constant * fixed**2) < TOLERANCE * abs(constant) * fixed**2:
                    return (coded, *CONSTANTS[constant][0]), 0.2 + CONSTANTS[constant][1]
    return named_constant(value)


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
    """The names of a factor that is left over, and how far-fetched they are; None where nobody has a name for it."""
    for constant, (names, cost) in CONSTANTS.items():
        if abs(value - constant) < TOLERANCE * abs(constant):
            return names, cost
    return None, 0.0
