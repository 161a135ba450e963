"""What a training run was asked to do and what happened, in sums and counts.

The mistake it prevents: a mean of batch means.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field

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


@dataclass(frozen=True)
class StepRecord:
    """One step: the loss (nats per token), its valid tokens, and now and then its soft and hard parts."""

    epoch: int
    loss: float
    tokens: int
    soft: float | None = None
    hard: float | None = None


@dataclass
class History:
    """The records of one training run."""

    name: str
    steps_total: int
    steps_per_epoch: int
    records: list[StepRecord] = field(default_factory=list)

    @property
    def steps_done(self) -> int:
        """How many steps were taken."""
        return len(self.records)

    @property
    def tokens(self) -> int:
        """Valid tokens seen."""
        return sum(record.tokens for record in self.records)

    def add(self, record: StepRecord) -> None:
        """Append one step."""
        self.records.append(record)

    def epoch_losses(self) -> list[float]:
        """The loss of each epoch in nats per token, weighted by tokens."""
        losses = []
        for epoch in sorted({record.epoch for record in self.records}):
            steps = [record for record in self.records if record.epoch == epoch]
            losses.append(sum(r.loss * r.tokens for r in steps) / sum(r.tokens for r in steps))
        return losses

    def to_dict(self) -> dict:
        """The history as plain numbers, for a checkpoint or a JSON file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: dict) -> History:
        """The history that `to_dict` gave."""
        history = cls(saved["name"], saved["steps_total"], saved["steps_per_epoch"])
        history.restore(saved)
        return history

    def restore(self, saved: dict) -> None:
        """Take over the records of a saved history."""
        self.records[:] = [StepRecord(**record) for record in saved["records"]]
