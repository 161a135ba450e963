"""What one part of the loss is, isolated from the other: found by its factors, not in a list of whole losses.

A part is a sum over positions of weight times cost. Its gradient at a position shows the cost (its direction in the
vocabulary) and the weight (its length) apart. The weights show which positions count and by what they are divided. An
explanation must fit on every frame, in value and gradient, or nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from utils.checks.records import Table
from utils.checks.scale import TOLERANCE, named_constant

FIT = 4e-4  # relative distance up to which numbers in single precision count as equal
VALUE_FIT = 3e-4
TINY = 1e-9
ROUNDING = 1e-14  # a squared length up to this is what single precision leaves of none
EVEN = 1e-2  # weights that lie nearer together than this count as equal
LEFT_OUT = "some valid tokens are left out{}"
UNEQUAL = "valid tokens do not all count the same{}"
# A pattern that speaks of a shift and a cost that knows the right label contradict each other.
SHIFTED = ("no causal shift", "causal shift", "shift by two", "labels rolled", "flattened before the shift")
CONTRADICTION = 2.0
AXIS = "softmax over the {} instead of the vocabulary{{}}"
AXES = {
    "sequence": (1,),
    "batch": (0,),
    "tokens": (0, 1),
    "row and the vocabulary at once": (1, 2),
    "tokens and the vocabulary at once": (0, 1, 2),
}


@dataclass(frozen=True)
class Evidence:
    """One part on the frames: a value each, and a gradient each ((B, S, V), zero where none arrived).

    gradients is None where no answer had any.
    """

    values: np.ndarray
    gradients: tuple[np.ndarray, ...] | None

    @property
    def flat(self) -> bool:
        """Does no gradient arrive anywhere?"""
        return not any(np.any(gradient) for gradient in self.gradients or ())


def combine(*terms: tuple[np.ndarray | float, Evidence]) -> Evidence:
    """A weighted sum. A weight is one number, or one for each frame; what weighs 0 may be infinite."""
    used = [(weight, evidence) for weight, evidence in terms if np.any(weight)]
    values = np.sum([weight * evidence.values for weight, evidence in used], axis=0)
    if any(evidence.gradients is None for _, evidence in terms):
        return Evidence(values, None)
    weights = [np.broadcast_to(weight, values.shape) for weight, _ in used]
    each = [[w * g for w, g in zip(w, one.gradients, strict=True)] for w, (_, one) in zip(weights, used, strict=True)]
    return Evidence(values, tuple(sum(frame) for frame in zip(*each, strict=True)))


@dataclass(frozen=True)
class Explanation:
    """names: what is wrong, ``{}`` standing for the part; empty when it is right. price: the cheapest is named.

    finite: does it explain numbers, and no NaN?
    """

    names: tuple[str, ...]
    price: float
    finite: bool = True


def places_of(table: Table, end: str) -> list[int]:
    """The probes of the frames at one end of the blend ("hard", "soft", "blend")."""
    return [i for i, p in enumerate(table.probes) if p.name.endswith(f"/{end}") and not p.name.startswith("huge")]


class Fingerprints:
    """The numbers of one part in a table, in double precision. K costs, P patterns, D divisors, one list per frame."""

    def __init__(self, table: Table, part: str) -> None:
        self.part = part
        self.frames = range(int(table.texts["frames"]))
        self.temperatures = np.array([table.probes[i].inputs["temperature"] for i in places_of(table, part)])
        self.kernels, self.pattern_entries, self.divisor_entries, self.scale_entries = (
            [(tuple(names), price) for names, price in table.texts[key]]
            for key in (part, "patterns", "divisors", f"{part} scales")
        )
        self.patterns, self.values, self.gradients, odd_values, self.odd_gradients = (
            [np.float64(table.numbers[f"{kind}/{i}"]) for i in self.frames]
            for kind in ("patterns", f"{part}/value", f"{part}/gradient", "odd/value", "odd/gradient")
        )
        self.divisors = np.stack([table.numbers[f"divisors/{i}"] for i in self.frames], axis=-1)
        self.scales = table.numbers[f"{part}/scales"]
        self.counts = np.stack([patterns.sum((1, 2)) for patterns in self.patterns], axis=-1)
        self.odd_names, self.odd_values = table.texts["odd"] if part == "hard" else [], np.stack(odd_values, axis=-1)

    def sum_of(self, kernel: int, pattern: int) -> np.ndarray:
        """By frame: a cost summed over a pattern."""
        pairs = ((self.patterns[i][pattern], self.values[i][kernel]) for i in self.frames)
        return np.array([np.sum(weights[weights != 0] * costs[weights != 0]) for weights, costs in pairs])

    def loss_of(self, kernel: int, pattern: int) -> Evidence:
        """The part that averages this cost over this pattern, all else being right."""
        factors = self.temperatures ** (2 if self.part == "soft" else 0) / self.counts[pattern]
        weights = [factors[i] * self.patterns[i][pattern] for i in self.frames]
        gradients = tuple(weights[i][..., None] * self.gradients[i][kernel] for i in self.frames)
        return Evidence(factors * self.sum_of(kernel, pattern), gradients)

    @cached_property
    def single_mistakes(self) -> tuple[list[tuple[int, int]], np.ndarray]:
        """(cost, pattern) of which at most one is wrong, or both by one shift; and their sums, a column per frame."""
        shifts = {names[0]: kernel for kernel, (names, _) in enumerate(self.kernels) if len(names) == 1}
        moved = [(shifts[n[0]], p) for p, (n, _) in enumerate(self.pattern_entries) if n and n[0] in shifts]
        every = [(k, 0) for k in range(len(self.kernels))] + [(0, p) for p in range(1, len(self.pattern_entries))]
        pairs, sums = every + moved, np.array([self.sum_of(*pair) for pair in every + moved])
        usable = np.isfinite(sums).all(-1) & (np.abs(sums) > TINY).all(-1)
        return [pair for pair, use in zip(pairs, usable, strict=True) if use], sums[usable]


def close(left: np.ndarray | float, right: np.ndarray | float, fit: float = VALUE_FIT) -> bool:
    """Equal within ``fit``, relative to the larger one; two NaNs are equal, and so are two infinities of one sign."""
    left, right = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    both_nan = np.isnan(left) & np.isnan(right)
    with np.errstate(invalid="ignore"):
        near = np.abs(left - right) <= fit * np.maximum(np.maximum(np.abs(left), np.abs(right)), 1e-2)
        near &= np.isfinite(left) & np.isfinite(right)
    return bool(np.all(near | both_nan | (left == right)))


def explain(prints: Fingerprints, evidence: Evidence) -> Explanation | None:
    """The cheapest explanation that fits everywhere, or None."""
    if evidence.flat:
        return min(_by_value(prints, evidence.values), key=lambda one: one.price, default=None)
    if not all(np.isfinite(gradient).all() for gradient in evidence.gradients):
        return None
    found = [*_by_gradient(prints, evidence), *_odd(prints, evidence)]
    return min(found, key=lambda one: one.price, default=_wrong_axis(evidence.gradients))


def _by_gradient(prints: Fingerprints, evidence: Evidence) -> Iterator[Explanation]:
    seen = [_project(prints.gradients[i], evidence.gradients[i]) for i in prints.frames]
    size = sum(float(np.sum(gradient**2)) for gradient in evidence.gradients)
    for kernel in np.flatnonzero(sum(left for _, _, left in seen) <= FIT**2 * size):
        each = [_weigh(prints.patterns[i], seen[i][0][kernel], seen[i][1][kernel]) for i in prints.frames]
        factors, fits = (np.array(one) for one in zip(*each, strict=True))
        chosen = [p for p in np.flatnonzero(fits.all(0)) if _told(prints, kernel, p, factors[:, p], evidence)]
        yield from _scaled(prints, [(kernel, p) for p in chosen], factors.T[chosen])


def _project(kernels: np.ndarray, gradient: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each kernel's best weight at each position (K, B, S), its squared length there, and what is left (K,)."""
    length = np.einsum("kbsv,kbsv->kbs", kernels, kernels)
    along = np.einsum("kbsv,bsv->kbs", kernels, gradient)
    used = length > ROUNDING
    weights = np.where(used, along / np.where(used, length, 1), 0)
    left = np.maximum(np.sum(gradient**2, -1) - weights * along, 0)
    return weights, length, left.sum((1, 2))


def _weigh(patterns: np.ndarray, weights: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each pattern's best factor, and whether it then gives these weights."""
    norm = np.einsum("pbs,bs->p", patterns**2, lengths)
    factor = np.einsum("pbs,bs->p", patterns, lengths * weights) / np.where(norm > 0, norm, np.inf)
    left = np.einsum("pbs,bs->p", (weights - factor[:, None, None] * patterns) ** 2, lengths)
    return factor, (left <= (2 * FIT) ** 2 * np.sum(lengths * weights**2)) & (factor != 0)


def _told(prints: Fingerprints, kernel: int, pattern: int, factors: np.ndarray, evidence: Evidence) -> bool:
    """Do the values follow? Values that are all NaN say nothing: they are the other part's, times zero."""
    return not np.isfinite(evidence.values).any() or close(prints.sum_of(kernel, pattern) * factors, evidence.values)


def _by_value(prints: Fingerprints, values: np.ndarray) -> list[Explanation]:
    """Without gradients: single mistakes, and what scales them."""
    if not np.all(np.isfinite(values)) or np.any(values == 0):
        return []
    pairs, sums = prints.single_mistakes
    return list(_scaled(prints, pairs, values / sums))


def _scaled(prints: Fingerprints, pairs: list[tuple[int, int]], factors: np.ndarray) -> Iterator[Explanation]:
    """Which divisor, power of T and constant give these factors (one row per pair, one column per frame)?"""
    if not pairs:
        return
    divisors = prints.divisors[[pattern for _, pattern in pairs]]
    right = prints.temperatures ** (2 if prints.part == "soft" else 0)
    constants = (factors[:, None] * divisors)[:, :, None] / (right * prints.scales)
    middles = constants.mean(-1)
    even = (middles != 0) & (np.ptp(constants, axis=-1) <= TOLERANCE * np.abs(middles))
    for place, divisor, scale in np.argwhere(even):
        kernel, pattern = pairs[place]
        known, extra = named_constant(float(middles[place, divisor, scale]))
        if known is None:
            continue
        parts = prints.pattern_entries[pattern], prints.kernels[kernel]
        parts += prints.divisor_entries[divisor], prints.scale_entries[scale]
        names = (*(name for names, _ in parts for name in names), *known)
        moved = {name for name in parts[0][0] if name.startswith(SHIFTED)} - {*parts[1][0]}
        price = sum(price for _, price in parts) + extra + CONTRADICTION * bool(prints.part == "hard" and moved)
        yield Explanation(tuple(dict.fromkeys(names)), price, np.isfinite(prints.sum_of(kernel, pattern)).all())


def _odd(prints: Fingerprints, evidence: Evidence) -> Iterator[Explanation]:
    """Losses in which a position's cost depends on others: recognised as a whole."""
    for place, name in enumerate(prints.odd_names):
        gradients = (stored[place] for stored in prints.odd_gradients)
        if same(Evidence(prints.odd_values[place], tuple(gradients)), evidence):
            yield Explanation((name,), 1.5)


def same(left: Evidence, right: Evidence) -> bool:
    if not close(left.values, right.values) or (left.gradients is None) != (right.gradients is None):
        return False
    pairs = zip(left.gradients or (), right.gradients or (), strict=True)
    return all(np.linalg.norm(a - b) <= 1e-3 * max(np.linalg.norm(a), 1e-6) for a, b in pairs)


def _wrong_axis(gradients: tuple[np.ndarray, ...]) -> Explanation | None:
    """A softmax's gradient sums to zero along its axis, and only there."""

    def vanishes(axes: tuple[int, ...]) -> bool:
        return all(np.abs(g.sum(axes)).max() <= 1e-4 * max(np.abs(g).max(), 1e-12) for g in gradients)

    name = "" if vanishes((2,)) else next((name for name, axes in AXES.items() if vanishes(axes)), "")
    return Explanation((AXIS.format(name),), 1.5) if name else None


def support(prints: Fingerprints, evidence: Evidence) -> tuple[str, ...]:
    """Of a part that nothing explains: which positions it counts, and whether the right cost is weighed unevenly."""
    if evidence.gradients is None or not all(np.isfinite(gradient).all() for gradient in evidence.gradients):
        return ()
    fits, uneven, lacking, right = True, False, False, True
    for index, gradient in enumerate(evidence.gradients):
        seen = np.linalg.norm(gradient, axis=-1)
        seen = seen > 1e-5 * max(seen.max(), 1e-12)
        counted = prints.patterns[index] != 0
        fits = fits & np.all(counted == seen, axis=(1, 2))
        weights, _, left = _project(prints.gradients[index][:1], gradient)
        right = right and left[0] <= FIT**2 * np.sum(gradient**2) and bool(np.all(weights >= -TINY))
        uneven |= bool(seen.any() and np.ptp(weights[0][seen]) > EVEN * weights.max())
        lacking |= bool(np.any(counted[0] & ~seen) and not np.any(seen & ~counted[0]))
    known = next((prints.pattern_entries[place][0] for place in np.flatnonzero(fits)), None)
    if known is None and right and lacking:
        return (LEFT_OUT,)
    return (known or ()) + (UNEQUAL,) * bool(right and uneven)
