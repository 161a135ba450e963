"""The catalogue: what goes wrong in a ``distillation_loss``, one mistake for each wrong choice in a recipe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from grader.exercise import Misconception
from grader.exercises.lab02.distillation_loss.choice import Choice
from grader.exercises.lab02.distillation_loss.costs import NO_LOGARITHM, WHICH_AXIS
from grader.exercises.lab02.distillation_loss.recipe import (
    AT_ENDS,
    FACTORS,
    IN_PARTS,
    IN_WHOLE,
    ORDER,
    VARY,
    Recipe,
    cook,
)
from utils.checks.distillation_loss import blend, parts
from utils.checks.distillation_loss.judge import WHOLE
from utils.checks.distillation_loss.whole import SWAPPED_MODELS, SWAPPED_SETTINGS
from utils.checks.scale import HALF_OF_BOTH_WAYS, TOTAL_VARIATION

ALSO = {blend.FIXED: (blend.UNUSED,), blend.UNWEIGHTED: (blend.UNUSED,)}  # other names that are as true
# Names that a verdict finds by a property, not by a choice.
FURTHER = {
    blend.UNUSED: VARY,
    "alpha missing on the hard part": AT_ENDS,
    blend.UNBRACKETED.format("soft"): ORDER,
    parts.UNEQUAL: "Each token counts once. What gives some of yours more weight?",
    parts.LEFT_OUT: "Every position with a valid label counts. Which condition removes some of yours?",
    parts.AXIS: WHICH_AXIS,
    HALF_OF_BOTH_WAYS: "You average two directions. Which one does the formula ask for?",
    TOTAL_VARIATION: NO_LOGARITHM,
    SWAPPED_MODELS: "Which argument comes first in your function, and which of the two is to learn?",
    SWAPPED_SETTINGS: "In which order does the task give the arguments?",
}


@dataclass(frozen=True)
class Wrong:
    """name as the verdict says it; what it changes in the right recipe; other names that are as true."""

    name: str
    changes: Recipe
    also: tuple[str, ...] = ()


def _in_parts(step: str) -> Iterator[Wrong]:
    """A mistake that both parts can have: in both, in the soft one, in the hard one. Others: in their part."""
    soft, hard = ([one for one in choices if len(one.names) == 1] for choices in IN_PARTS[step])
    for one in soft:
        name = one.names[0]
        twin = one if one in hard else next((other for other in hard if other.names == one.names), None)
        if twin is not None:
            both = "" if name.startswith(WHOLE) else " in both parts"
            yield Wrong(name.format(both), {f"soft_{step}": one, f"hard_{step}": twin})
        yield Wrong(name.format(" in the soft part"), {f"soft_{step}": one})
    yield from (Wrong(one.names[0].format(" in the hard part"), {f"hard_{step}": one}) for one in hard)


def _in_whole(key: str, choices: tuple[Choice, ...]) -> Iterator[Wrong]:
    for one in choices:
        yield from (Wrong(name, {key: one}, ALSO.get(name, ())) for name in one.names)


WRONG = (
    *(wrong for step in IN_PARTS for wrong in _in_parts(step)),
    *(wrong for key in IN_WHOLE for wrong in _in_whole(key, IN_WHOLE[key])),
)


def _hints() -> dict[str, str]:
    """A question for each name, with or without the part that it stands for."""
    known = {name: one.hint for choices in FACTORS.values() for one in choices for name in one.names} | FURTHER
    return known | {name.format(""): hint for name, hint in known.items()}


HINTS = _hints()


def misconceptions() -> tuple[Misconception, ...]:
    """Each entry as something that runs."""
    return tuple(Misconception(wrong.name, wrong.name, cook(wrong.changes), wrong.also) for wrong in WRONG)
