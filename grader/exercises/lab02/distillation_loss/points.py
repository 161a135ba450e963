"""What each part of a ``distillation_loss`` earns, with errors carried forward.

A part earns its points for right values and gradients on its probes. A named mistake costs the parts that it belongs
to, and only those: it is made again in an otherwise right loss, and where the submission's numbers are that loss's, the
other parts have been solved. So nothing is earned without a number that had to be computed. Without a name, every part
is judged by the formula alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from grader.exercise import Part
from grader.exercises.lab02.distillation_loss.choice import Choice
from grader.exercises.lab02.distillation_loss.misconceptions import WRONG
from grader.exercises.lab02.distillation_loss.probes import EXTRAS, FRAMES
from grader.exercises.lab02.distillation_loss.recipe import cook
from utils.checks.ask import ask
from utils.checks.distillation_loss import judge_answers
from utils.checks.distillation_loss.blend import MISSING
from utils.checks.distillation_loss.whole import EXP
from utils.checks.judgement import BACKWARD, agrees, expected_gradients, expected_value, leaks
from utils.checks.records import Answer, Table


def _on_frames(end: str) -> tuple[str, ...]:
    return tuple(f"{frame.name}/{end}" for frame in FRAMES)


CLEAN = "nothing but one number"
PARTS = (
    Part("hard part", 2.0, _on_frames("hard")),
    Part("soft part at T = 1", 2.0, _on_frames("at one")),
    Part("temperature", 1.5, _on_frames("soft")),
    Part("which tokens count", 1.5, tuple(f"{frame.name}/{alpha}" for frame in EXTRAS for alpha in (0, 1))),
    Part("blend", 1.5, _on_frames("blend")),
    Part("large logits", 0.75, ("huge/hard", "huge/soft")),
    Part(CLEAN, 0.75, (*_on_frames("hard"), *_on_frames("at one"))),
)
# A part -> how a factor of the recipe begins or ends that it is about; the first that fits counts.
ABOUT = {
    "which tokens count": ("_shift", "_mask", "_rows", "_mean", "_place"),
    "temperature": ("soft_temperature", "soft_scale", "soft_turn"),
    "soft part at T = 1": ("soft_",),
    "hard part": ("hard_",),
    "blend": ("blend", "added"),
    "large logits": ("precision",),
    CLEAN: ("teacher_graph", "side_effect"),
}
LEFT_OF_ONE_PART = {"soft": ("hard part",), "hard": ("soft part at T = 1", "temperature")}  # missing -> what is not
OF_RETURNED = {"a tensor of shape": (CLEAN,), BACKWARD: (CLEAN,), EXP: ("hard part", "soft part at T = 1")}


def scores(table: Table, answers: Sequence[Answer]) -> dict[str, float]:
    """Points earned, by part."""
    best = _earned(table, answers, None, ())
    names = set(judge_answers(table, answers).misconceptions)
    recipes = [wrong.changes for wrong in WRONG if names & {wrong.name, *wrong.also}]
    if len(recipes) > 1:
        recipes.append({key: value for changes in recipes for key, value in changes.items()})
    for recipe in recipes:
        lost = tuple(part for key, value in recipe.items() for part in _cost(key, value))
        if lost:
            again = ask(table.probes, cook(recipe))
            best = max(best, _earned(table, answers, again, lost), key=lambda points: sum(points.values()))
    return best


def _cost(factor: str, choice: Choice) -> tuple[str, ...]:
    """The parts that a choice belongs to; none where nothing can be carried forward."""
    name = choice.names[0]
    if factor == "returned":
        return next((parts for start, parts in OF_RETURNED.items() if name.startswith(start)), ())
    if name.startswith("unstable"):
        return ("large logits",)
    for part, left in LEFT_OF_ONE_PART.items():
        if name.startswith(MISSING[part]):
            return tuple(one.name for one in PARTS if one.name not in left)
    return next(((part,) for part, ends in ABOUT.items() if factor.startswith(ends) or factor.endswith(ends)), ())


def _earned(table: Table, answers: Sequence[Answer], again: list | None, lost: tuple[str, ...]) -> dict[str, float]:
    """The points where the answers are the formula's, or those of a loss with some mistakes (``again``)."""
    again, right, clean = again or [None] * len(answers), set(), set()
    for index, (probe, answer) in enumerate(zip(table.probes, answers, strict=True)):
        if _same_numbers(table, index, answer, again[index]):
            right.add(probe.name)
            clean |= {probe.name} if _is_clean(answer) else set()
    solved = {part.name for part in PARTS if {*part.probes} <= (clean if part.name == CLEAN else right)} - {*lost}
    return {part.name: part.points * (part.name in solved) for part in PARTS}


def _same_numbers(table: Table, index: int, answer: Answer, again: Answer | None) -> bool:
    """Are value and gradient of the student those that they must be, and was there a gradient to get right?"""
    if answer.outcome != "tensor" or "value" not in answer.numbers:
        return False
    value, gradient = expected_value(table, index), expected_gradients(table, index)["student_logits"]
    if again is not None:
        value, gradient = again.numbers.get("value"), again.gradient("student_logits")
    if value is None or gradient is None or not np.any(np.abs(gradient) > 1e-6):
        return False
    total = np.asarray(answer.numbers["value"].sum())
    return agrees(total, np.asarray(value.sum())) and agrees(answer.gradient("student_logits"), gradient)


def _is_clean(answer: Answer) -> bool:
    """One number, no gradient for the teacher, no input changed, no call of backward()."""
    touched = any(key.startswith("changed/") or key == "trace/backward" for key in answer.numbers)
    return answer.numbers["value"].shape == () and not touched and not leaks(answer.gradient("teacher_logits"))
