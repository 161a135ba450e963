"""A reader's guess, read before anything is computed: a number typed as text is a number, and a riddle is refused."""

from __future__ import annotations

import math

from utils.errors import CourseError

HOLDS_NO_ANSWER = True


def guess(
    value: object, *choices: object, low: float = -math.inf, high: float = math.inf
) -> float | str | dict[str, float | None] | None:
    """The guess as a number between `low` and `high`, or as one of `choices`; None where none was made.

    A dict is read entry by entry.  Raises CourseError, with what to write instead, where it cannot be read.
    """
    if value is None:
        return None
    if isinstance(value, dict):
        return {name: guess(one, *choices, low=low, high=high) for name, one in value.items()}
    if choices:
        return _one_of(value, choices)
    number = as_number(value)
    if number is None:
        raise CourseError(f"Your guess {value!r} is not a number. Write one, such as {_example(low, high)}, or None.")
    if not low <= number <= high:
        bounds = f"between {low:g} and {high:g}" if math.isfinite(high) else f"at least {low:g}"
        raise CourseError(f"Your guess {value!r} cannot be: it should be {bounds}. Change it, or write None.")
    return number


def as_number(value: object) -> float | None:
    """A finite number, also one typed as text ("45", "0,95", "30 %"); None for anything else."""
    text = str(value).strip()
    if isinstance(value, bool) or not text:
        return None
    share = text.endswith("%")
    text = text.removesuffix("%").strip()
    if text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    try:
        number = float(text) / (100 if share else 1)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _one_of(value: object, choices: tuple[object, ...]) -> object:
    number, text = as_number(value), str(value).strip().casefold()
    for choice in choices:
        if number is not None and number == choice:
            return choice
        if isinstance(choice, str) and text and (text.startswith(choice) or choice.startswith(text)):
            return choice
    named = ", ".join(repr(choice) for choice in choices)
    raise CourseError(f"Your guess {value!r} is none of {named}. Write one of these, or None.")


def _example(low: float, high: float) -> str:
    if math.isfinite(low) and math.isfinite(high):
        between = low + 0.4 * (high - low)
        return f"{round(between) if high - low > 1 else between:g}"  # it may be a count that is guessed
    return "45" if not math.isfinite(low) or low >= 1 else "0.95"
