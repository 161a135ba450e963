"""The catalogue: what goes wrong in a ``distillation_loss``, as changes of the right recipe.

Most of it follows from the lists of costs, positions, divisors, powers and blends: one mistake for each name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from grader.exercise import Misconception
from grader.exercises.lab02.distillation_loss.costs import DIVERGENCES, LABEL_COSTS, NORMALISER, PLACED, WITH_LABEL
from grader.exercises.lab02.distillation_loss.kernels import (
    EVERY_TEMPERATURE,
    HARD_CODES,
    HARD_TEMPERATURES,
    TEACHER_PLACES,
)
from grader.exercises.lab02.distillation_loss.positions import CHOICES, DIVISORS, OTHERS, SHIFTS
from grader.exercises.lab02.distillation_loss.recipe import ADDED, BLENDS, HARD_TRAITS, ODD, SOFT_TRAITS, Recipe, cook
from utils.checks.distillation_loss.blend import BESIDE, FIXED, MISSING, UNUSED
from utils.checks.distillation_loss.parts import FIXED_SCALE, FIXED_SCALES, POWERS, ROW_MEANS
from utils.checks.distillation_loss.verdict import CUT_OFF, DETACHED, NOT_FINITE, WHOLE
from utils.checks.distillation_loss.whole import CONSTANT, EXP, LEAK, NUMBER, RANDOM, TURNED
from utils.checks.judgement import BACKWARD, HALF
from utils.checks.scale import BITS, SIGN

BOTH = ("soft", "hard")
RETURNED = {
    "item": NUMBER,
    "numpy": NUMBER,
    "tuple": "a tuple instead of one number",
    "dict": "a dict instead of one number",
    "none": "nothing returned",
    "text": "a str instead of one number",
    "vector": "a tensor of shape (1,) instead of one number",
    "repeated": "a tensor of shape (4,) instead of one number",
    "detached": DETACHED.format(""),
    "nan": NOT_FINITE,
    "constant": CONSTANT,
    "zero": CONSTANT,
    "exp": EXP,
    "noise": RANDOM,
    "backward": BACKWARD,
}


@dataclass(frozen=True)
class Wrong:
    """name as the verdict says it; what it changes in the right recipe; other names that are as true."""

    name: str
    changes: Recipe
    also: tuple[str, ...] = ()


def _each_part(name: str, factor: str, choice: object) -> Iterator[Wrong]:
    """One mistake in both parts, in the soft part alone, in the hard part alone."""
    both = {f"{part}_{factor}": choice for part in BOTH}
    yield Wrong(name.format("" if name.startswith(WHOLE) else " in both parts"), both)
    for key, value in both.items():
        yield Wrong(name.format(f" in the {key[:4]} part"), {key: value})


def _singles(entries: tuple) -> list[str]:
    """The names that stand alone in some entry, each once."""
    return list(dict.fromkeys(names[0] for names, *_ in entries if len(names) == 1))


def _positions() -> Iterator[Wrong]:
    for factor, entries in (("shift", SHIFTS), ("mask", (*CHOICES, *OTHERS)), ("mean", DIVISORS)):
        for name in _singles(entries):
            yield from _each_part(name, factor, name)
    yield from _each_part(ROW_MEANS, "mean", ROW_MEANS)
    yield from (Wrong(name, {"teacher_place": name}) for name in dict.fromkeys(place[0] for place in TEACHER_PLACES))


def _costs() -> Iterator[Wrong]:
    soft = dict.fromkeys((*DIVERGENCES, *(name for name, *_ in PLACED), *WITH_LABEL))
    for part, names in (("soft", soft), ("hard", (*LABEL_COSTS, *ODD))):
        yield from (Wrong(name, {f"{part}_cost": name}) for name in names if name and name != NORMALISER)
    for name in (NORMALISER, *(name for name in SOFT_TRAITS if name in HARD_TRAITS)):
        yield from _each_part(name, "cost", name)


def _scales() -> Iterator[Wrong]:
    temperatures = (("soft", EVERY_TEMPERATURE), ("hard", HARD_TEMPERATURES | HARD_CODES))
    for part, names in temperatures:
        yield from (Wrong(name, {f"{part}_temperature": name}) for name in names if name)
    for part, powers in POWERS.items():
        yield from (Wrong(name, {f"{part}_power": name}) for name, _ in powers.values() if name)
    yield from (Wrong(FIXED_SCALE.format(fixed), {"fixed_scale": fixed}) for fixed in FIXED_SCALES)
    yield from _each_part(SIGN, "factor", -1.0)
    yield from _each_part(BITS, "factor", 1.4426950408889634)
    turns = {"exp": lambda x, _: x.exp(), "squared": lambda x, _: x**2}
    turns |= {"the divergence is": lambda x, T: x**2 / T**2, "2 **": lambda x, T: x * 2**T / T**2}
    for part, names in TURNED.items():
        for name in names:
            turn = next(turn for word, turn in reversed(turns.items()) if word in name)
            yield Wrong(name, {f"{part}_turn": turn})


def _wholes() -> Iterator[Wrong]:
    yield from _each_part(DETACHED, "graph", "detached")
    yield Wrong(LEAK, {"teacher_graph": "open"})
    for name in filter(None, BLENDS):
        plain = name.split(", ")[0] if name.startswith((FIXED, *MISSING.values())) else name
        unused = any(name.startswith(start) for start in (FIXED, "soft and hard part are added"))
        yield Wrong(plain, {"blend": name}, (UNUSED,) if unused else ())
    yield from (Wrong(name, {"returned": choice}) for choice, name in RETURNED.items())
    effects = {"labels": "labels", "student": "student_logits", "teacher": "teacher_logits"}
    yield from (Wrong(f"{name} changed in place", {"side_effect": what}) for what, name in effects.items())
    yield from (Wrong(HALF.format(kind), {"precision": kind}) for kind in ("bfloat16", "float16"))
    yield Wrong(CUT_OFF.format(" in both parts"), {"precision": "clamped"})
    yield from (Wrong(BESIDE, {"added": what}) for what in filter(None, ADDED))


WRONG = (*_positions(), *_costs(), *_scales(), *_wholes())


def misconceptions() -> tuple[Misconception, ...]:
    """Each entry as something that runs."""
    return tuple(Misconception(wrong.name, wrong.name, cook(wrong.changes), wrong.also) for wrong in WRONG)
