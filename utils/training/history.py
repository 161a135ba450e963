"""What happened in a training run: a record of each step, in sums and counts, so that no mean of means is taken."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

HOLDS_NO_ANSWER = True


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
