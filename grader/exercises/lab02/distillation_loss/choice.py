"""A choice: one way to take a step of the loss, right or wrong. The lists of choices are the catalogue of mistakes.

A list is written as a question and, after it, the mistakes that the question leads to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Choice:
    """names: what is wrong, with ``{}`` for the part of the loss; none where it is right. do: depends on the list.

    price: how far-fetched it is; of several explanations that fit a submission the cheapest is named.
    hint: a question that leads to the mistake and gives no code away.
    """

    names: tuple[str, ...]
    do: Any
    price: float
    hint: str = ""


def listed(*lines: str | tuple) -> tuple[Choice, ...]:
    """Choices from questions and, after each, (name or names, what is done, price) of what it is for.

    Without a price a mistake costs 1, and what is right nothing.
    """
    found, hint = [], ""
    for line in lines:
        if isinstance(line, str):
            hint = line
        else:
            names, do, *price = line
            names = (names,) if isinstance(names, str) else names
            found.append(Choice(names, do, price[0] if price else float(bool(names)), hint))
    return tuple(found)


def joined(do: Any, *choices: Choice) -> Choice:
    """Several choices made together."""
    return Choice(tuple(name for choice in choices for name in choice.names), do, sum(one.price for one in choices))


def entries(choices: Sequence[Choice]) -> list:
    """Names and price of each, as a table holds them."""
    return [[list(choice.names), choice.price] for choice in choices]
