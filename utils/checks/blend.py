"""How are the soft and the hard part put together? Each way of blending says how to take the two apart again.

``f(alpha)`` is linear in alpha in every blend listed here, so the answers at alpha 0 and 1 give both parts back; the
answer at 0.3 tests the line. The mistake this prevents is to blame a part for its weight.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from utils.checks.mixture import unmix
from utils.checks.parts import Evidence, Explanation, Fingerprints, close, explain
from utils.checks.records import Answer, Table
from utils.checks.scale import CONSTANTS, FIXED_SCALES, NO_SCALE, named_constant

MISSING = {"soft": "the soft part is missing", "hard": "the hard part is missing"}
SWAPPED = "alpha and 1 - alpha swapped"
UNWEIGHTED = "soft and hard part are added without alpha"
FIXED = "alpha hard-coded instead of the argument"
UNUSED = "alpha is not used"
BENT = "alpha does not enter linearly"
LEAKING = "T squared weighs the hard part too: 1 - alpha times T squared instead of 1 - alpha"
UNBRACKETED = "1 - alpha without brackets: 1 is added and alpha times the {} part is taken off"


@dataclass(frozen=True)
class Blend:
    """names: what is wrong with the blend. hard, soft: each part as (times f(0), times f(1))."""

    names: tuple[str, ...]
    hard: tuple[float, float]
    soft: tuple[float, float]
    cost: float


BLENDS = (
    Blend((), (1, 0), (0, 1), 0),
    Blend((SWAPPED,), (0, 1), (1, 0), 1),
    Blend(("1 - alpha missing on the hard part",), (1, 0), (-1, 1), 1),
    Blend(("alpha missing on the soft part",), (1, -1), (0, 1), 1),
    Blend(("1 + alpha instead of 1 - alpha on the hard part",), (1, 0), (-2, 1), 1.3),
    Blend((SWAPPED, "alpha missing on the hard part"), (-1, 1), (1, 0), 2),
    Blend((SWAPPED, "1 - alpha missing on the hard part"), (0, 1), (1, -1), 2),
)
JOINT = (
    ("alpha on both parts: 1 - alpha missing on the hard part", "soft"),
    ("1 - alpha on both parts: alpha missing on the soft part", "hard"),
)


@dataclass(frozen=True)
class Reading:
    """What was found: names of the blend, and an explanation of each part (None: nothing in the catalogue fits)."""

    names: tuple[str, ...] = ()
    parts: dict[str, Explanation | None] = field(default_factory=dict)
    cost: float = 0.0
    evidence: dict[str, Evidence] = field(default_factory=dict)

    @property
    def known(self) -> int:
        return sum(explanation is not None for explanation in self.parts.values())


@dataclass(frozen=True)
class Answers:
    """The answers on the frames, by alpha: values (frames + 1,) and gradients, as ``Evidence`` holds them."""

    hard: Evidence
    soft: Evidence
    blend: Evidence

    def mix(self, hard: float, soft: float) -> Evidence:
        values = (
            hard * self.hard.values + soft * self.soft.values
            if hard and soft
            else (hard * self.hard.values if hard else soft * self.soft.values)
        )
        if self.hard.gradients is None or self.soft.gradients is None:
            return Evidence(values, None)
        pairs = zip(self.hard.gradients, self.soft.gradients, strict=True)
        return Evidence(values, tuple(hard * left + soft * right for left, right in pairs))


def gather(table: Table, answers: Sequence[Answer]) -> Answers:
    """The frames' answers out of all answers; where no answer has a gradient, None stands for them."""
    places = {probe.name: index for index, probe in enumerate(table.probes)}
    names = [name.removesuffix("/soft") for name in places if name.endswith("/soft")]

    def evidence(part: str) -> Evidence:
        chosen = [answers[places[key]] for key in (f"{name}/{part}" for name in names) if key in places]
        values = np.array([total(answer) for answer in chosen])
        framed = list(zip(names, chosen, strict=False))[: int(table.texts["frames"])]
        if all(answer.gradient("student_logits") is None for answer in answers):
            return Evidence(values, None)
        shapes = [table.probes[places[f"{name}/{part}"]].inputs["student_logits"].shape for name, _ in framed]
        gradients = [answer.gradient("student_logits") for _, answer in framed]
        filled = (np.zeros(shape) if g is None else g for shape, g in zip(shapes, gradients, strict=True))
        return Evidence(values, tuple(filled))

    return Answers(evidence("hard"), evidence("soft"), evidence("blend"))


def total(answer: Answer) -> float:
    """The answer as one number: a vector's sum."""
    value = answer.numbers.get("value")
    return float(value.sum()) if value is not None else float("nan")


def nothing(evidence: Evidence) -> bool:
    """Is this part zero on every frame?"""
    return bool(np.all(np.abs(evidence.values[:3]) < 1e-6)) and (
        evidence.gradients is None or all(np.all(np.abs(gradient) < 1e-6) for gradient in evidence.gradients)
    )


def same(left: Evidence, right: Evidence) -> bool:
    frames = min(len(left.values), len(right.values), 3)
    if not close(left.values[:frames], right.values[:frames]) or (left.gradients is None) != (right.gradients is None):
        return False
    if left.gradients is None:
        return True
    return all(
        np.linalg.norm(a - b) <= 1e-3 * max(np.linalg.norm(a), 1e-6)
        for a, b in zip(left.gradients, right.gradients, strict=True)
    )


def read(table: Table, answers: Answers) -> Reading:
    """The best reading: as many parts explained as possible, and of those the least far-fetched."""
    prints = {part: Fingerprints(table, part) for part in ("soft", "hard")}
    if same(answers.hard, answers.soft):
        return _right_parts(table, prints, answers.hard, constant=True) or _constant(prints, answers)
    readings = []
    for blend in BLENDS:
        evidence = {"soft": answers.mix(*blend.soft), "hard": answers.mix(*blend.hard)}
        parts = {part: _explain_or_missing(prints[part], evidence[part]) for part in prints}
        cost = blend.cost + sum(explanation.cost for explanation in parts.values() if explanation)
        readings.append(Reading(blend.names, parts, cost, evidence))
        if readings[-1].known == 2 and readings[-1].cost <= CHEAP:
            break
    for name, part in JOINT:
        other = {"soft": "hard", "hard": "soft"}[part]
        if nothing(getattr(answers, other)):
            both = unmix(prints, getattr(answers, part))
            if both:
                parts = {part: _named(one, one.constant) or one for part, one in both.items()}
                readings.append(Reading((name,), dict(parts), 1.5 + sum(one.cost for one in parts.values())))
        if nothing(getattr(answers, other)):
            readings += [_right_parts(table, prints, getattr(answers, part), constant=False, name=name)]
    readings = [reading for reading in (*readings, *_unbracketed(prints, answers)) if reading]
    if all(reading.known < 2 for reading in readings):
        readings += _leaking(table, prints, answers)
    best = _without_guess(min(readings, key=lambda reading: (-reading.known, reading.cost)))
    line = answers.mix(1 - ALPHA, ALPHA)
    if best.known and not same(line, answers.blend) and np.isfinite(line.values[:3]).all():
        best = Reading((*best.names, BENT), best.parts, best.cost, best.evidence)
    return best


def _leaking(table: Table, prints: dict[str, Fingerprints], answers: Answers) -> list[Reading]:
    """weight = alpha T^2; weight * soft + (1 - weight) * hard: at alpha 1 there is 1 - T^2 of the hard part."""
    temperatures = np.array([probe.inputs["temperature"] for probe in table.probes if probe.name.endswith("/soft")])
    rest = 1 - temperatures**2
    gradients = None
    if answers.soft.gradients is not None and answers.hard.gradients is not None:
        pairs = zip(answers.soft.gradients, answers.hard.gradients, rest, strict=False)
        gradients = tuple(soft - left * hard for soft, hard, left in pairs)
    evidence = {"soft": Evidence(answers.soft.values - rest * answers.hard.values, gradients), "hard": answers.hard}
    parts = {part: explain(prints[part], evidence[part]) for part in prints}
    if None in parts.values():
        return []
    return [Reading((LEAKING,), dict(parts), 1.4 + sum(part.cost for part in parts.values()), evidence)]


ALPHA = 0.3
ALONE = 1.3  # one mistake
CHEAP = 2.0  # no other blend explains it for less


def _right_parts(
    table: Table, prints: dict[str, Fingerprints], evidence: Evidence, constant: bool, name: str = ""
) -> Reading | None:
    """Without gradients: one part right at least, and both added with weights that are the same on every frame.

    constant: alpha changes nothing, so the weights are fixed; else alpha weighs both parts, which is ``name``.
    """
    places = {probe.name: index for index, probe in enumerate(table.probes)}
    expected = table.numbers["expected/value"]
    names = [probe.removesuffix("/soft") for probe in places if probe.endswith("/soft")][: int(table.texts["frames"])]
    soft, hard = (np.array([expected[places[f"{frame}/{part}"]] for frame in names]) for part in ("soft", "hard"))
    values = evidence.values[: len(names)]
    if evidence.gradients is not None or not np.isfinite(values).all():
        return None
    parts = {part: Explanation((), 0.0, 1.0) for part in ("soft", "hard")}
    added = UNWEIGHTED if constant else name
    if close(values, soft + hard):
        return Reading((added,), dict(parts), 1.5)
    weights = (values - hard) / (soft - hard)
    if constant and np.ptp(weights) < 3e-3 and 0.02 < weights.mean() < 0.98:
        return Reading((FIXED,), dict(parts), 1.5)
    for part, other in (("soft", hard), ("hard", soft)):
        found = explain(prints[part], Evidence(values - other, None))
        if found and found.cost <= ALONE:
            return Reading((added,), {**parts, part: found}, 1.5 + found.cost)
    return None


def _without_guess(reading: Reading) -> Reading:
    """Beside a part that is not known, nobody can tell whether the other is missing or weighed by 0 with it."""
    if None not in reading.parts.values():
        return reading
    known = {part: one for part, one in reading.parts.items() if one and MISSING[part] not in one.names}
    return replace(reading, parts={part: known.get(part) for part in reading.parts})


def _unbracketed(prints: dict[str, Fingerprints], answers: Answers) -> list[Reading]:
    """alpha * one + 1 - alpha * other: 1 and no gradient at alpha 0, both parts with opposite signs at alpha 1."""
    flat = answers.hard.gradients is None or not any(np.any(gradient) for gradient in answers.hard.gradients)
    if not flat or not close(answers.hard.values[:3], 1.0):
        return []
    both = unmix(prints, Evidence(answers.soft.values - 1, answers.soft.gradients))
    signs = {part: np.sign(explanation.constant) for part, explanation in both.items()} if both else {}
    if sorted(signs.values()) != [-1, 1]:
        return []
    taken = min(signs, key=lambda part: signs[part])
    parts = {part: _named(explanation, abs(explanation.constant)) for part, explanation in both.items()}
    if any(part is None for part in parts.values()):
        return []
    cost = 1.5 + sum(part.cost for part in parts.values())
    return [Reading((*([SWAPPED] * (taken == "soft")), UNBRACKETED.format(taken)), dict(parts), cost)]


def _named(explanation: Explanation, constant: float) -> Explanation | None:
    """With the name of ``constant`` beside the others; None where it has none."""
    known, price = named_constant(constant)
    if known is None:
        return None
    return replace(explanation, names=(*explanation.names, *known), cost=explanation.cost + price)


def _explain_or_missing(prints: Fingerprints, evidence: Evidence) -> Explanation | None:
    if nothing(evidence):
        return Explanation((MISSING[prints.part],), 1.5, 0.0)
    return explain(prints, evidence)


def _constant(prints: dict[str, Fingerprints], answers: Answers) -> Reading:
    """alpha changes nothing: one part alone, or both with weights of their own."""
    readings = []
    for part, other in (("hard", "soft"), ("soft", "hard")):
        found = explain(prints[part], answers.hard)
        if found:
            missing = Explanation((MISSING[other],), 0.0, 0.0)
            readings.append(Reading((), {part: found, other: missing}, 1 + found.cost))
    both = unmix(prints, answers.hard)
    if both:
        cost = 1 + sum(explanation.cost for explanation in both.values())
        name, parts = _weights(both)
        readings.append(Reading((name,), parts, cost))
    # Of two parts that nobody takes apart, what either counts cannot be told: only that alpha changes nothing.
    unknown = Reading((UNUSED,), {"soft": None, "hard": None})
    return min(readings, key=lambda reading: reading.cost, default=unknown)


def _weights(both: dict[str, Explanation]) -> tuple[str, dict[str, Explanation | None]]:
    """The blend's name, and each part with the name of the constant (a sign, bits) that makes the weights add up."""
    found = []
    for soft, hard in itertools.product(CONSTANTS, repeat=2):
        for fixed in (1.0, *FIXED_SCALES) if NO_SCALE in both["soft"].names else (1.0,):
            weights = both["soft"].constant / soft / fixed**2, both["hard"].constant / hard
            plain = close(weights[0], 1, 3e-3) and close(weights[1], 1, 3e-3)
            if plain or (close(sum(weights), 1, 3e-3) and min(weights) > 0.02):
                found.append((CONSTANTS[soft][1] + CONSTANTS[hard][1] + 0.1 * (not plain), soft, hard, fixed, plain))
    if not found:
        return FIXED, dict(both)
    _, soft, hard, fixed, plain = min(found)
    parts = {
        "soft": _renamed(both["soft"], CONSTANTS[soft][0], fixed),
        "hard": _renamed(both["hard"], CONSTANTS[hard][0], 1.0),
    }
    return UNWEIGHTED if plain else FIXED, dict(parts)


def _renamed(explanation: Explanation, constant: tuple[str, ...], fixed: float) -> Explanation:
    """With the constant's name; a T squared that is missing but made up for by a fixed number is hard-coded."""
    names = [name for name in explanation.names if fixed == 1.0 or name != NO_SCALE]
    names += [f"T squared hard-coded to {fixed:g} squared"] * (fixed != 1.0)
    return replace(explanation, names=(*names, *constant))
