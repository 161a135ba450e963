"""Mistakes of ``distillation_loss`` as a whole: its precision, and terms beside the blend.  No factor of a recipe."""

from __future__ import annotations

import torch

from grader.exercise import Misconception
from grader.exercises.loss_recipe import Recipe, cook
from utils.checks.judgement import HALF
from utils.checks.whole import BESIDE, TURNED

RIGHT = cook(Recipe())


def in_half_precision(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
    """To save memory."""
    return RIGHT(student_logits.bfloat16(), teacher_logits.bfloat16(), labels, temperature, alpha)


def half_and_back(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
    """Computed in float16, returned as float32."""
    return RIGHT(student_logits.half(), teacher_logits.half(), labels, temperature, alpha).float()


def penalised(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
    """Large logits cost extra."""
    extra = 0.01 * student_logits.square().mean()
    return RIGHT(student_logits, teacher_logits, labels, temperature, alpha) + extra


def rewarded_for_doubt(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
    """A bonus for the student's entropy, at padding too."""
    entropy = torch.distributions.Categorical(logits=student_logits).entropy().mean()
    return RIGHT(student_logits, teacher_logits, labels, temperature, alpha) - 0.02 * entropy


def turned(name: str) -> Misconception:
    """One part right, and then something done to the number."""
    part = "hard" if name in TURNED["hard"] else "soft"

    def compute(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
        parts = {
            which: RIGHT(student_logits, teacher_logits, labels, temperature, share)
            for which, share in (("soft", 1.0), ("hard", 0.0))
        }
        turns = {
            "exp of": lambda x: x.exp(),
            "the cross-entropy is squared": lambda x: x**2,
            "2 ** T": lambda x: x * 2**temperature / temperature**2,
            "the divergence is squared": lambda x: x**2 / temperature**2,
            "the divergence with": lambda x: x**2,
        }
        (turn,) = [each for start, each in turns.items() if name.startswith(start)]
        parts[part] = turn(parts[part])
        return alpha * parts["soft"] + (1 - alpha) * parts["hard"]

    return Misconception(name, "A part is right, and its number is turned into another.", compute)


# Of the loss as a whole: no factor of a recipe.
WHOLE = (
    *(turned(name) for names in TURNED.values() for name in names),
    Misconception(HALF.format("bfloat16"), "Logits are cast to bfloat16.", in_half_precision),
    Misconception(HALF.format("float16"), "Logits are cast to float16, the loss back.", half_and_back),
    Misconception(BESIDE, "A penalty on the size of the logits.", penalised),
    Misconception(BESIDE, "A bonus for entropy.", rewarded_for_doubt),
)
