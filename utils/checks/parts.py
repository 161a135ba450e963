"""What is one part of the loss, isolated from the other? Found by factors, not by a list of whole losses.

A part is sum over positions of weight * kernel. Its gradient at a position shows the kernel (its direction in the
vocabulary) and the weight (its length) apart; the weights show which positions count and by what they are divided. So
mistakes that meet are all named, also where nobody listed the pair. The mistake this prevents is a wrong name: a
kernel, a pattern and a scale must fit on every frame, in gradient and in value, or nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from utils.checks.records import Table
from utils.checks.scale import POWERS, scales

FIT = 4e-4  # relative distance up to which numbers in single precision count as equal
VALUE_FIT = 3e-4
TINY = 1e-9
FAR_FETCHED = 3.3  # without gradients, kernel and pattern may cost this much together
TRIED = 40  # of the pairs that fit the values alone, the cheapest
ROW_MEANS = "mean of the rows' means: a token in a short row counts more{}"
VOCABULARY = "averaged over the vocabulary as well{}"
OFF_BY_ONE = "the number of valid tokens is off by one{}"
OWN_DIVISORS = (
    VOCABULARY,
    OFF_BY_ONE,
    OFF_BY_ONE,
    "divided by the number of valid tokens and by the batch size{}",
)
# A pattern that speaks of a shift and a kernel that knows the right label contradict each other.
SHIFTED = ("no causal shift", "causal shift", "shift by two", "labels rolled", "flattened before the shift")
CONTRADICTION = 2.0


@dataclass(frozen=True)
class Evidence:
    """One part on the frames. values: (frames + 1,), the last one at large logits.

    gradients: (B, S, V) for each frame, zero where none arrived; None where the answers were not tensors.
    """

    values: np.ndarray
    gradients: tuple[np.ndarray, ...] | None


@dataclass(frozen=True)
class Explanation:
    """names: what is wrong, ``{}`` standing for the part; empty when it is right. cost: how far-fetched it is.

    constant: the factor left over. huge: the value that this explains at large logits (NaN where unknown).
    frames: the values that it explains on the frames.
    """

    names: tuple[str, ...]
    cost: float
    constant: float
    huge: float = float("nan")
    frames: tuple[float, ...] = ()


class Fingerprints:
    """The numbers of one part in a table, in double precision."""

    def __init__(self, table: Table, part: str) -> None:
        self.part = part
        self.frames = range(int(table.texts["frames"]))
        every = range(len(self.frames) + 1)
        numbers = table.numbers
        probes = [probe for probe in table.probes if probe.name.endswith(f"/{part}")]
        self.temperatures = np.array([float(probe.inputs["temperature"]) for probe in probes])
        self.vocabularies = np.array([probe.inputs["student_logits"].shape[-1] for probe in probes])
        self.batches = np.array([len(probe.inputs["labels"]) for probe in probes])
        self.kernels = table.texts[part]
        self.mixed = table.texts[f"{part} mixed"]
        self.pattern_entries = table.texts["patterns"]
        self.divisor_entries = table.texts["divisors"]
        self.patterns = [np.float64(numbers[f"{part}/patterns/{i}"]) for i in every]
        self.divisors = np.stack([numbers[f"{part}/divisors/{i}"] for i in every], axis=1)
        self.values = [np.float64(numbers[f"{part}/value/{i}"]) for i in every]
        self.gradients = [np.float64(numbers[f"{part}/gradient/{i}"]) for i in self.frames]
        self.mixed_values = np.stack([np.float64(numbers[f"{part}/mixed value/{i}"]) for i in every], axis=1)
        self.mixed_gradients = [np.float64(numbers[f"{part}/mixed gradient/{i}"]) for i in self.frames]
        self.mixed_counts = np.stack([numbers[f"{part}/mixed count/{i}"] for i in every], axis=1)

    def pattern(self, index: int) -> tuple[tuple[str, ...], float]:
        names, cost = self.pattern_entries[index % len(self.pattern_entries)]
        in_rows = index >= len(self.pattern_entries)
        return (*names, *((ROW_MEANS,) if in_rows else ())), cost + 1.1 * in_rows

    @cached_property
    def sums(self) -> list[np.ndarray]:
        """By frame (K, P): each kernel's costs summed over each pattern."""
        return [
            np.nan_to_num(values, posinf=0, neginf=0).reshape(len(self.kernels), -1) @ masks.reshape(len(masks), -1).T
            for values, masks in zip(self.values, self.patterns, strict=True)
        ]

    @cached_property
    def likely_pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Kernels and patterns that are not both far-fetched, as two lists of indices."""
        kernels = np.array([cost for _, cost in self.kernels])
        patterns = np.array([self.pattern(index)[1] for index in range(len(self.patterns[0]))])
        together = kernels[:, None] + patterns
        for name in {name for index in range(len(patterns)) for name in self.pattern(index)[0]}:
            # One mistake, where a kernel's label and a pattern's mask are moved alike.
            moved = np.array([name in names for names, _ in self.kernels])
            masked = np.array([name in self.pattern(index)[0] for index in range(len(patterns))])
            together -= moved[:, None] & masked
        return np.nonzero(together <= FAR_FETCHED)


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
    if evidence.gradients is None or not any(np.any(gradient) for gradient in evidence.gradients):
        found = _by_value(prints, evidence.values)
    else:
        found = _by_kernel(prints, evidence) + _by_mixed(prints, evidence)
    return min(found, key=lambda explanation: explanation.cost, default=None)


def _by_kernel(prints: Fingerprints, evidence: Evidence) -> list[Explanation]:
    seen = [project(prints.gradients[i], evidence.gradients[i]) for i in prints.frames]
    total = sum(float(np.sum(gradient**2)) for gradient in evidence.gradients)
    if not np.isfinite(total) or total == 0:
        return []
    lost = sum(total_lost for _, _, total_lost in seen)
    with np.errstate(invalid="ignore"):
        fitting = np.flatnonzero(lost <= FIT**2 * total)
    found = []
    for kernel in fitting:
        weights = [w[kernel] for w, _, _ in seen]
        powers = [gg[kernel] for _, gg, _ in seen]
        found += explain_weights(prints, int(kernel), weights, powers, False, evidence.values)
    return found


def project(kernels: np.ndarray, gradient: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each kernel's best weight at each position (K, B, S), its squared length there, and what is left (K,)."""
    length = np.einsum("kbsv,kbsv->kbs", kernels, kernels)
    along = np.einsum("kbsv,bsv->kbs", kernels, gradient)
    used = length > TINY
    weights = np.where(used, along / np.where(used, length, 1), 0)
    left = np.maximum(np.sum(gradient**2, -1) - weights * along, 0)
    return weights, length, left.sum((1, 2))


def explain_weights(
    prints: Fingerprints,
    kernel: int,
    weights: list[np.ndarray],
    lengths: list[np.ndarray],
    any_constant: bool,
    values: np.ndarray | None,
) -> list[Explanation]:
    """Which pattern and which scale give these weights; ``values`` (if given) must follow from them."""
    names, cost = prints.kernels[kernel]
    factors, fits = [], True
    for index in prints.frames:
        patterns = prints.patterns[index]
        norm = np.einsum("pbs,bs->p", patterns**2, lengths[index])
        dot = np.einsum("pbs,bs->p", patterns, lengths[index] * weights[index])
        with np.errstate(invalid="ignore", divide="ignore"):
            factor = np.where(norm > 0, dot / norm, 0)
        left = np.einsum("pbs,bs->p", (weights[index] - factor[:, None, None] * patterns) ** 2, lengths[index])
        size = np.sum(lengths[index] * weights[index] ** 2)
        fits = fits & (left <= (2 * FIT) ** 2 * size) & (factor != 0)
        factors.append(factor)
    found = []
    for pattern in np.flatnonzero(fits):
        factor = np.array([values_of[pattern] for values_of in factors])
        predicted = [f * total(prints, kernel, pattern, i) for i, f in enumerate(factor)]
        # A value that is NaN throughout says nothing: the other part's, times zero.
        told = values is not None and np.isfinite(values[: len(factor)]).any()
        if told and not close(predicted, values[: len(factor)]):
            continue
        found += _scaled(prints, kernel, int(pattern), factor, tuple(names), cost, any_constant)
    return found


def total(prints: Fingerprints, kernel: int, pattern: int, frame: int) -> float:
    weights, costs = prints.patterns[frame][pattern], prints.values[frame][kernel]
    return float(np.sum(weights[weights != 0] * costs[weights != 0]))


def divisors_of(prints: Fingerprints, counts: np.ndarray) -> tuple[np.ndarray, list]:
    """The table's divisors and, before them, those that start from the pattern's own count."""
    own = np.stack([counts, counts * prints.vocabularies, counts + 1, counts - 1, counts * prints.batches])
    entries = [[[], 0.0], *([[name], 1.0 + 0.1 * place] for place, name in enumerate(OWN_DIVISORS))]
    return np.concatenate([own, prints.divisors]), [*entries, *prints.divisor_entries]


def _scaled(
    prints: Fingerprints, kernel: int, pattern: int, factor: np.ndarray, names: tuple, cost: float, any_constant: bool
) -> list[Explanation]:
    counts = np.array([patterns[pattern].sum() for patterns in prints.patterns])
    divisors, entries = divisors_of(prints, counts)
    size = len(factor)
    found = scales(prints.part, factor, prints.temperatures[:size], divisors[:, :size], entries, any_constant)
    pattern_names, more = prints.pattern(pattern)
    if prints.part == "hard" and any(name.startswith(SHIFTED) and name not in names for name in pattern_names):
        more += CONTRADICTION
    explanations = []
    for scale in found[:1]:
        huge = scale.constant * prints.temperatures[-1] ** scale.power / divisors[scale.divisor, -1]
        explanations.append(
            Explanation(
                tuple(dict.fromkeys((*pattern_names, *names, *scale.names))),
                cost + more + scale.cost,
                scale.constant,
                huge * total(prints, kernel, pattern, size),
                tuple(f * total(prints, kernel, pattern, i) for i, f in enumerate(factor)),
            )
        )
    return explanations


def _by_mixed(prints: Fingerprints, evidence: Evidence) -> list[Explanation]:
    factors, fits = [], True
    for index in prints.frames:
        stored, gradient = prints.mixed_gradients[index], evidence.gradients[index]
        norm = np.einsum("kbsv,kbsv->k", stored, stored)
        dot = np.einsum("kbsv,bsv->k", stored, gradient)
        alive = norm > TINY
        factor = np.where(alive, dot / np.where(alive, norm, 1), np.nan)
        left = np.sum(gradient**2) - np.where(alive, dot * factor, 0)
        # On a batch of one a softmax over the batch is constant: no gradient, nothing to tell.
        fits = fits & ((left <= FIT**2 * np.sum(gradient**2)) | (~alive & (np.sum(gradient**2) < TINY)))
        factors.append(factor)
    found = []
    for entry in np.flatnonzero(fits):
        names, cost = prints.mixed[entry]
        factor = np.array([values[entry] for values in factors])
        size = len(factor)
        told = np.isfinite(factor)
        if told.sum() < 2 or not close(
            (factor * prints.mixed_values[entry, :size])[told], evidence.values[:size][told]
        ):
            continue
        divisors, entries = divisors_of(prints, prints.mixed_counts[entry].astype(float))
        matches = scales(
            prints.part,
            factor[told],
            prints.temperatures[:size][told],
            divisors[:, :size][:, told],
            entries,
        )
        for scale in matches[:1]:
            found.append(Explanation((*names, *scale.names), cost + scale.cost, scale.constant))
    return found


def _by_value(prints: Fingerprints, values: np.ndarray) -> list[Explanation]:
    """Without gradients: kernels x patterns against the values alone. Constants must be known ones."""
    size = len(prints.frames)
    wanted = values[:size]
    if not np.all(np.isfinite(wanted)) or np.any(wanted == 0):
        return []
    kernels, patterns = prints.likely_pairs
    sums = np.stack([prints.sums[index][kernels, patterns] for index in prints.frames], axis=-1)
    counts = np.stack([prints.patterns[index].sum((1, 2))[patterns] for index in prints.frames], axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = wanted / sums
        usable = np.flatnonzero(np.isfinite(ratios).all(-1) & (np.sign(ratios) == np.sign(ratios[:, :1])).all(-1))
        steps = np.log(np.abs(ratios[usable, 1:] / ratios[usable, :1]))
        own = np.log(counts[usable, 1:] / counts[usable, :1])
    heat = np.log(prints.temperatures[1:size] / prints.temperatures[0])
    base = 2 if prints.part == "soft" else 0
    powers = np.array([(base + power) * heat for power in POWERS[prints.part]])
    divisors = np.log(prints.divisors[:, 1:size] / prints.divisors[:, :1])
    targets = (powers[:, None] - divisors[None]).reshape(-1, size - 1)
    sizes = np.log(prints.vocabularies[1:size] / prints.vocabularies[0])
    found = _near(steps, targets) | _near(steps + own, powers) | _near(steps + own + sizes, powers)
    pairs = sorted(
        {(int(kernels[usable[place]]), int(patterns[usable[place]])) for place in found},
        key=lambda pair: prints.kernels[pair[0]][1] + prints.pattern(pair[1])[1],
    )
    explanations = []
    for kernel, pattern in pairs[:TRIED]:
        names, cost = prints.kernels[kernel]
        factor = np.array([value / prints.sums[i][kernel, pattern] for i, value in enumerate(wanted)])
        explanations += _scaled(prints, kernel, pattern, factor, tuple(names), cost, False)
    return explanations


def _near(points: np.ndarray, targets: np.ndarray) -> set[int]:
    """The indices of the points that lie at one of the targets, in every coordinate."""
    order = np.argsort(points[:, 0])
    first = points[order, 0]
    starts, ends = np.searchsorted(first, targets[:, 0] - VALUE_FIT), np.searchsorted(first, targets[:, 0] + VALUE_FIT)
    found: set[int] = set()
    for target, start, end in zip(targets, starts, ends, strict=True):
        near = np.all(np.abs(points[order[start:end]] - target) < VALUE_FIT, axis=-1)
        found |= set(order[start:end][near].tolist())
    return found
