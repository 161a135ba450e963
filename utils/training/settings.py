"""How a student is trained: the numbers of a run, checked once."""

from __future__ import annotations

import math
from dataclasses import dataclass

from utils.errors import CourseError
from utils.models.profiles import Profile
from utils.settings import read_numbers

HOLDS_NO_ANSWER = True
NO_PARTS = 10**9  # as record_parts_every: the soft and hard part are not recorded apart


@dataclass(frozen=True)
class TrainingSettings:
    """How a student is trained: AdamW, linear warm-up and decay, gradients clipped to a norm.

    The schedule, the clipping and the order of the data are the loop's, whatever loss and step are passed in.
    Raises CourseError for a rate, a number of epochs, a seed or an interval that cannot be.
    """

    learning_rate: float
    epochs: int
    weight_decay: float = 0.01
    warmup_share: float = 0.05
    max_gradient_norm: float = 1.0
    seed: int = 0
    record_parts_every: int = 5

    def __post_init__(self) -> None:
        read_numbers(self)
        for name, least in (("learning_rate", 0), ("epochs", 1), ("seed", 0), ("record_parts_every", 1)):
            value = getattr(self, name)
            if not least <= value < math.inf:
                raise CourseError(f"{name} is {value}; it must be a finite number and at least {least}.")


def settings_of(profile: Profile, learning_rate: float, seed: int = 0) -> TrainingSettings:
    """The settings that a profile asks for, with a learning rate and a seed."""
    return TrainingSettings(
        learning_rate=learning_rate,
        epochs=profile.epochs,
        weight_decay=profile.weight_decay,
        warmup_share=profile.warmup_share,
        max_gradient_norm=profile.max_gradient_norm,
        seed=seed,
    )
