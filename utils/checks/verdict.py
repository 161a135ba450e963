"""What a check says: passed or not, one message, and the names of the mistakes that are certain."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Verdict:
    """passed: every number was right. message: a few sentences for the learner, with a number, never code.

    misconceptions: what is wrong here, most certain first, at most three names in the field's words; empty where
    nothing is certain (a verdict would rather name nothing than something false).
    """

    passed: bool
    message: str
    misconceptions: list[str] = field(default_factory=list)

    def _ipython_display_(self) -> None:
        """Nothing: `check` has shown the card, and a check cell ends with the verdict."""
