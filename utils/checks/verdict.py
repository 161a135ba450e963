"""What a check says: passed or not, one message, and the names of the mistakes that are certain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

MOST_SIGNS = 600  # letters of a message


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


def not_yet(names: Sequence[str], *sentences: str) -> Verdict:
    """What is not right, in the form that all have: the mistakes' names, then sentences; empty ones are left out."""
    listed = f"Not yet: {'; '.join(names)}." if names else "Not yet."
    return Verdict(False, " ".join(filter(None, (listed, *sentences)))[:MOST_SIGNS].strip(), list(names))
