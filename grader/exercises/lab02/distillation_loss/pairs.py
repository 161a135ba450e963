"""Two mistakes at once: how many pairs of the catalogue are named, both of them or one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grader.exercises.lab02.distillation_loss.misconceptions import WRONG, Wrong
from grader.exercises.lab02.distillation_loss.recipe import Recipe, cook
from utils.checks.ask import ask
from utils.checks.diagnosis import verdict_on
from utils.checks.distillation_loss.blend import MISSING, OTHER
from utils.checks.records import Answer, Table

ENDINGS = (" in both parts", " in the soft part", " in the hard part")


@dataclass(frozen=True)
class Pair:
    """Two mistakes in different factors, and the names that the verdict gave (``passed``: it found nothing wrong)."""

    first: Wrong
    second: Wrong
    names: tuple[str, ...]
    passed: bool

    @property
    def hits(self) -> int:
        return sum(is_named(wrong, self.names) for wrong in (self.first, self.second))


def is_named(wrong: Wrong, names: Sequence[str]) -> bool:
    """Is this mistake among the names?

    The same mistake in both parts is said once. Where one part is missing, only the other half of it can be seen.
    """
    if {wrong.name, *wrong.also} & set(names):
        return True
    ending = next((ending for ending in ENDINGS if wrong.name.endswith(ending)), "")
    stem = wrong.name.removesuffix(ending)
    if stem in names or stem + ENDINGS[0] in names:
        return True
    seen = [part for part in OTHER if f"{stem} in the {part} part" in names]
    return ending in ("", ENDINGS[0]) and (len(seen) == 2 or any(MISSING[OTHER[part]] in names for part in seen))


def drawn(table: Table, count: int, seed: int) -> list[Pair]:
    """So many pairs, drawn at random from those in which neither mistake hides the other."""
    stream, found = np.random.Generator(np.random.PCG64(seed)), []
    alone = {id(wrong): _answers(table, wrong.changes) for wrong in WRONG}
    right = _answers(table, {})
    while len(found) < count:
        first, second = (WRONG[place] for place in stream.choice(len(WRONG), 2, replace=False))
        if first.changes.keys() & second.changes.keys():
            continue
        answers = _answers(table, first.changes | second.changes)
        if not any(_alike(answers, other) for other in (right, alone[id(first)], alone[id(second)])):
            said = verdict_on(table, answers)
            found.append(Pair(first, second, tuple(said.misconceptions), said.passed))
    return found


def tally(pairs: Sequence[Pair]) -> dict[str, int]:
    """How many pairs have both mistakes named, one, none, and how many pass."""
    counts = Counter("missed" if pair.passed else ("none", "one", "both")[pair.hits] for pair in pairs)
    return {kind: counts[kind] for kind in ("both", "one", "none", "missed")}


def _answers(table: Table, recipe: Recipe) -> list[Answer]:
    return ask(table.probes, cook(recipe))


def _alike(left: Sequence[Answer], right: Sequence[Answer]) -> bool:
    """Are these the answers of one and the same loss?"""
    pairs = list(zip(left, right, strict=True))
    if any(a.outcome != b.outcome or a.numbers.keys() != b.numbers.keys() for a, b in pairs):
        return False
    arrays = [(array, b.numbers[key]) for a, b in pairs for key, array in a.numbers.items()]
    return all(x.shape == y.shape and np.allclose(x, y, 1e-4, 1e-5, equal_nan=True) for x, y in arrays)
