"""Two mistakes at once: which pairs of the catalogue can be made together, and when both count as named.

A pair is left out by a rule, never by hand: where both change the same factor, only one of them is there; where one of
them leaves nothing of the other to be seen, no engine could name it. ``hidden`` states those rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from grader.exercises.loss_recipe import Recipe
from grader.exercises.loss_wrong import WRONG, Wrong

BOTH, SOFT, HARD = " in both parts", " in the soft part", " in the hard part"
# Nothing else can be seen in an answer that holds no number of its own.
BLIND = {"none", "text", "nan", "constant", "zero", "noise", "exp"}
# Without a graph, no mistake in what flows back shows.
GRAPHLESS = {"float", "numpy", "detached"}
# Costs that take no logarithm of the student's probabilities, so that it cannot be unstable.
WITHOUT_LOG = {"raw student", "no log", "mse logits", "mse probabilities", "l1", "binary", "raw", "squared"}
WITHOUT_SOFTMAX = {"mse logits", "binary", "raw"}
SQUARES = {"mse logits", "mse probabilities", "mse logs"}
GONE = {"only soft": "hard", "all soft": "hard", "only hard": "soft", "all hard": "soft"}


def base(name: str) -> str:
    """The name without the part in which it was made."""
    for ending in (BOTH, SOFT, HARD):
        name = name.removesuffix(ending)
    return name


def _parts(wrong: Wrong) -> set[str]:
    """The parts that a mistake touches."""
    soft = {"divergence", "teacher_graph"}
    return {
        "soft" if key.startswith("soft") or key in soft else "hard" if key.startswith("hard") else "whole"
        for key in wrong.changes
    }


def _same_loss(changes: dict[str, object], part: str) -> bool:
    """Do two changes in one part give the same numbers as one of them alone?"""
    shift, mask, mean = (changes.get(f"{part}_{factor}") for factor in ("shift", "mask", "mean"))
    kind = changes.get("divergence" if part == "soft" else "hard_cost")
    return (
        (mask == "none" and mean == "all")  # all positions are the valid ones
        or (mean == "vocabulary" and kind in SQUARES)  # a squared error is averaged by default
        or (mask == "last" and mean == "batch")  # one position a row: as many as rows
        or (shift == "none" and mask == "unshifted")  # nothing is cut, so the mask fits
        or (f"{part}_log" in changes and kind in WITHOUT_LOG)
        or (f"{part}_axis" in changes and kind in WITHOUT_SOFTMAX)
    )


def hidden(first: Wrong, second: Wrong) -> bool:
    """Does one of the two leave nothing of the other to be seen?"""
    changes = first.changes | second.changes
    if changes.get("returned") in BLIND:
        return True
    if changes.get("returned") in GRAPHLESS and any("graph" in key for key in changes):
        return True
    if changes.get("teacher_graph") == "open" and changes.get("divergence") == "top":
        return True  # the teacher's favourite has no gradient
    if changes.get("returned") == "repeated" and "sum" in (changes.get("soft_mean"), changes.get("hard_mean")):
        return True  # what comes unreduced is not also summed
    if any(_same_loss(changes, part) for part in ("soft", "hard")):
        return True
    gone = GONE.get(str(changes.get("blend")))
    return gone is not None and any(_parts(wrong) == {gone} for wrong in (first, second))


def pairs() -> Iterator[tuple[Wrong, Wrong, Recipe]]:
    """Every pair that can be made and seen, with its recipe."""
    for index, first in enumerate(WRONG):
        for second in WRONG[index + 1 :]:
            if not first.changes.keys() & second.changes.keys() and not hidden(first, second):
                yield first, second, replace(Recipe(), **(first.changes | second.changes))


def named(wrong: Wrong, misconceptions: Sequence[str]) -> bool:
    """Is this mistake among the names?

    The same mistake made in both parts is said once, for both; of a mistake in both parts only one half can be seen
    where the other part is missing.
    """
    if any(name in misconceptions for name in (wrong.name, *wrong.also)):
        return True
    stem = base(wrong.name)
    if stem in misconceptions or stem + BOTH in misconceptions:
        return True
    if wrong.name.endswith((SOFT, HARD)):
        return False
    halves = {SOFT: "the hard part is missing", HARD: "the soft part is missing"}
    if all(stem + half in misconceptions for half in halves):
        return True
    return any(stem + half in misconceptions and missing in misconceptions for half, missing in halves.items())
