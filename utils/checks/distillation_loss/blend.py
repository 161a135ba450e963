"""How the soft and the hard part are put together, and each part taken out of the blend again.

Most blends are linear in alpha, so the answers at alpha 0 and 1 give both parts back; the answer at 0.3 tests the line.
Where a blend never shows one part alone, a likely loss is taken off and the rest is explained as the other part.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from utils.checks.distillation_loss.parts import (
    SHIFTED,
    Evidence,
    Explanation,
    Fingerprints,
    close,
    combine,
    explain,
    places_of,
    same,
)
from utils.checks.records import Answer, Table

PARTS = ("soft", "hard")
OTHER = {"soft": "hard", "hard": "soft"}
MISSING = {"soft": "the soft part is missing", "hard": "the hard part is missing"}
SWAPPED = "alpha and 1 - alpha swapped"
NO_REST = "1 - alpha missing on the hard part"
NO_ALPHA = "alpha missing on the soft part"
ONE_PLUS = "1 + alpha instead of 1 - alpha on the hard part"
UNWEIGHTED = "soft and hard part are added without alpha"
FIXED = "alpha hard-coded instead of the argument"
UNUSED = "alpha is not used"
BENT = "alpha does not enter linearly"
LEAKING = "T squared weighs the hard part too: 1 - alpha times T squared instead of 1 - alpha"
UNBRACKETED = "1 - alpha without brackets: 1 is added and alpha times the {} part is taken off"
ON_BOTH = {
    "soft": "alpha on both parts: 1 - alpha missing on the hard part",
    "hard": "1 - alpha on both parts: alpha missing on the soft part",
}
BESIDE = "a term is added that alpha does not weigh"
ALPHA = 0.3
CHEAP = 2.0  # no other blend explains it for less
GUESSES = 1.45  # patterns up to this price are tried as the part that is taken off


# what is wrong, the soft and the hard part as (times the answer at alpha 0, times that at 1), price
BLENDS = (
    ((), (0, 1), (1, 0), 0),
    ((SWAPPED,), (1, 0), (0, 1), 1),
    ((NO_REST,), (-1, 1), (1, 0), 1),
    ((NO_ALPHA,), (0, 1), (1, -1), 1),
    ((ONE_PLUS,), (-2, 1), (1, 0), 1.3),
    ((SWAPPED, "alpha missing on the hard part"), (1, 0), (-1, 1), 2),
    ((SWAPPED, NO_REST), (1, -1), (0, 1), 2),
)


@dataclass(frozen=True)
class Reading:
    """names of the blend, an explanation of each part (None: nothing fits), and what each part was taken to be."""

    names: tuple[str, ...] = ()
    parts: dict[str, Explanation | None] = field(default_factory=dict)
    price: float = 0.0
    evidence: dict[str, Evidence] = field(default_factory=dict)

    @property
    def rank(self) -> tuple[int, float]:
        """As many parts explained as possible, and of those the cheapest."""
        return -sum(one is not None for one in self.parts.values()), self.price


def total(answer: Answer) -> float:
    """The answer as one number: a vector's sum."""
    value = answer.numbers.get("value")
    return float(value.sum()) if value is not None else float("nan")


def gather(table: Table, answers: Sequence[Answer]) -> dict[str, Evidence]:
    """The answers at alpha 0 ("hard"), 1 ("soft") and 0.3 ("blend"), on the frames."""
    without = all(answer.gradient("student_logits") is None for answer in answers)
    found = {}
    for end in ("hard", "soft", "blend"):
        places = places_of(table, end)
        given = [(table.probes[i].inputs["student_logits"], answers[i].gradient("student_logits")) for i in places]
        gradients = tuple(np.zeros(logits.shape) if gradient is None else gradient for logits, gradient in given)
        found[end] = Evidence(np.array([total(answers[i]) for i in places]), None if without else gradients)
    return found


def nothing(evidence: Evidence) -> bool:
    """Is this zero on every frame?"""
    return bool(np.all(np.abs(evidence.values) < 1e-6)) and not any(
        np.any(np.abs(gradient) > 1e-6) for gradient in evidence.gradients or ()
    )


def read(table: Table, ends: dict[str, Evidence]) -> Reading:
    """The best reading."""
    prints = {part: Fingerprints(table, part) for part in PARTS}
    hard, soft = ends["hard"], ends["soft"]
    if same(hard, soft):
        return min(_without_alpha(prints, hard), key=lambda one: one.rank)
    heat = prints["soft"].temperatures
    readings = []
    for names, *weights, price in (*BLENDS, ((LEAKING,), (heat**2 - 1, 1), (1, 0), 1.4)):
        evidence = {PARTS[i]: combine((weights[i][0], hard), (weights[i][1], soft)) for i in range(2)}
        parts = {part: _explained(prints[part], evidence[part]) for part in PARTS}
        price += sum(one.price for one in parts.values() if one)
        readings.append(Reading(names, parts, price, evidence))
        if readings[-1].rank[0] == -2 and price <= CHEAP:
            break
    if min(readings, key=lambda one: one.rank).rank[0] > -2:
        readings += itertools.islice(_mixtures(prints, hard, soft), 1)
    best = _without_guess(min(readings, key=lambda one: one.rank))
    line = combine((1 - ALPHA, hard), (ALPHA, soft))
    if any(best.parts.values()) and not same(line, ends["blend"]) and np.isfinite(line.values).all():
        return Reading((*best.names, BENT), best.parts, best.price, best.evidence)
    return best


def _explained(prints: Fingerprints, evidence: Evidence) -> Explanation | None:
    return Explanation((MISSING[prints.part],), 1.5) if nothing(evidence) else explain(prints, evidence)


def _without_guess(reading: Reading) -> Reading:
    """Beside a part that is not known, nobody can tell whether the other is missing or weighed by 0 with it."""
    if all(reading.parts.values()):
        return reading
    known = {part: one for part, one in reading.parts.items() if one and MISSING[part] not in one.names}
    return Reading(reading.names, {part: known.get(part) for part in PARTS}, reading.price, reading.evidence)


def _without_alpha(prints: dict[str, Fingerprints], evidence: Evidence) -> Iterator[Reading]:
    """One part alone, or both with fixed weights, or only that alpha changes nothing."""
    yield Reading((UNUSED,), {"soft": None, "hard": None})
    for part in PARTS:
        found = explain(prints[part], evidence)
        if found:
            yield Reading((), {part: found, OTHER[part]: Explanation((MISSING[OTHER[part]],), 1.0)}, 1 + found.price)
    yield from _taken_off(prints, evidence, (UNWEIGHTED,), 1, 1)
    soft, hard = (prints[part].loss_of(0, 0).values[0] for part in PARTS)
    if not np.isfinite(evidence.values).all():
        return
    seen = float((evidence.values[0] - hard) / (soft - hard))
    likely = () if evidence.gradients is None else (0.5, 0.7, 0.3, 0.9, 0.1)
    for share in (seen, *likely):
        if 0.02 < share < 0.98:
            yield from _taken_off(prints, evidence, (FIXED,), share, 1 - share, guesses=1)


def _mixtures(prints: dict[str, Fingerprints], hard: Evidence, soft: Evidence) -> Iterator[Reading]:
    """Blends of which one end shows both parts at once, or both ends show a third term."""
    if nothing(hard):
        yield from _taken_off(prints, soft, (ON_BOTH["soft"],), 1, 1)
    if nothing(soft):
        yield from _taken_off(prints, hard, (ON_BOTH["hard"],), 1, 1)
    if hard.flat and close(hard.values, 1.0):
        rest = Evidence(soft.values - 1, soft.gradients)
        yield from _taken_off(prints, rest, (UNBRACKETED.format("hard"),), 1, -1)
        yield from _taken_off(prints, rest, (SWAPPED, UNBRACKETED.format("soft")), -1, 1)
    yield from _beside(prints, {"hard": hard, "soft": soft})


def _beside(prints: dict[str, Fingerprints], ends: dict[str, Evidence]) -> Iterator[Reading]:
    """One part is the formula's, so its end of the blend shows the term; without it the other part is explained."""
    if ends["hard"].gradients is None:
        return
    for part, other in OTHER.items():
        found = explain(prints[part], combine((1, ends[part]), (-1, ends[other]), (1, prints[other].loss_of(0, 0))))
        if found:
            yield Reading((BESIDE,), {part: found, other: Explanation((), 0.0)}, 1.5 + found.price)


def _taken_off(
    prints: dict[str, Fingerprints], evidence: Evidence, names: tuple, soft: float, hard: float, guesses: int = 40
) -> Iterator[Reading]:
    """One part is the formula's, or has one mistake that is likely in both; what is left must be the other part."""
    weights = {"soft": soft, "hard": hard}
    if not np.isfinite(evidence.values).all():
        return
    guesses = 1 if evidence.gradients is None else guesses
    guessed = [[(part, *guess) for guess in _likely(prints[OTHER[part]])[:guesses]] for part in PARTS]
    for part, kernel, pattern, guess in filter(None, itertools.chain(*itertools.zip_longest(*guessed))):
        other = OTHER[part]
        rest = combine((1, evidence), (-weights[other], prints[other].loss_of(kernel, pattern)))
        found = explain(prints[part], combine((1 / weights[part], rest)))
        if found and "softmax over" not in "".join(found.names):
            yield Reading(names, {part: found, other: guess}, 1.5 + found.price + guess.price)
            return


def _likely(prints: Fingerprints) -> list[tuple[int, int, Explanation]]:
    """Cost, pattern and name of the right part and of those with one likely mistake in the choice of positions."""
    kernels = {names: place for place, (names, _) in reversed(list(enumerate(prints.kernels)))}
    patterns = [(p, names, price) for p, (names, price) in enumerate(prints.pattern_entries) if price <= GUESSES]
    return [
        (kernels.get(names, 0), place, Explanation(names, price))
        for place, names, price in sorted(patterns, key=lambda entry: entry[2])
        if len(names) <= 1
        and (prints.part == "soft" or not names or names in kernels or not names[0].startswith(SHIFTED))
    ]
