"""A reader's guess, read before anything is computed: a number typed as text is a number, and a riddle is refused."""

from __future__ import annotations

import math
import re

from utils.errors import CourseError

HOLDS_NO_ANSWER = True

_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
_WORD = re.compile(r"(?<!\w)-?\d+(?:\.\d+)?|[^\W\d_]+|\d+(?:\.\d+)?")


def guess(
    value: object, *choices: object, low: float = -math.inf, high: float = math.inf
) -> float | str | dict[str, float | None] | None:
    """The guess as a number between `low` and `high`, or as one of `choices`; None where none was made.

    A dict is read entry by entry.  Where a number may be larger than 1, percent are asked for: "50 %" is 50.  Raises
    CourseError, with what to write instead, where it cannot be read.
    """
    if value is None:
        return None
    if isinstance(value, dict):
        return {name: guess(one, *choices, low=low, high=high) for name, one in value.items()}
    if choices:
        return _one_of(value, choices)
    number = as_number(value.strip().removesuffix("%") if isinstance(value, str) and high > 1 else value)
    if number is None:
        raise CourseError(f"Your guess {value!r} is not a number. Write one, such as {_example(low, high)}, or None.")
    if not low <= number <= high:
        bounds = f"between {low:g} and {high:g}" if math.isfinite(high) else f"at least {low:g}"
        raise CourseError(f"Your guess {value!r} cannot be: it should be {bounds}. Change it, or write None.")
    return number


def as_number(value: object) -> float | None:
    """A finite number, also one typed as text ("45", "0,95", "1,000", "30 %"); None for anything else."""
    text = str(value).strip()
    if isinstance(value, bool) or not text:
        return None
    share = text.endswith("%")
    text = text.removesuffix("%").strip()
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    elif text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    try:
        number = float(text) / (100 if share else 1)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _one_of(value: object, choices: tuple[object, ...]) -> object:
    typed = _words(value)
    for reading in (_is_choice, _means_choice):  # what is typed in full is never read as the beginning of another
        found = [choice for choice in choices if typed and reading(typed, _words(choice))]
        if len(found) == 1:
            return found[0]
        if found:
            named = " or ".join(repr(choice) for choice in found)
            raise CourseError(f"Your guess {value!r} could be {named}. Write one of these in full, or None.")
    named = ", ".join(repr(choice) for choice in choices)
    raise CourseError(f"Your guess {value!r} is none of {named}. Write one of these, or None.")


def _words(value: object) -> list[str]:
    """What tells one choice from another: words without case, and numbers, 10.0 like 10."""
    number = as_number(value)
    if number is not None:
        return [f"{number:g}"]
    return _WORD.findall(str(value).casefold()) if isinstance(value, str) else []


def _is_choice(typed: list[str], choice: list[str]) -> bool:
    return typed == choice


def _means_choice(typed: list[str], choice: list[str]) -> bool:
    """Whether it has all words of the choice, is some of them, or begins as the choice does, or goes on from it."""
    one, other = " ".join(typed), " ".join(choice)
    longer = len(other) > 1 and one.startswith(other) and not one[len(other) :][:1].isdigit()
    return set(choice) <= set(typed) or set(typed) <= set(choice) or other.startswith(one) or longer


def _example(low: float, high: float) -> str:
    if math.isfinite(low) and math.isfinite(high):
        between = low + 0.4 * (high - low)
        return f"{round(between) if high - low > 1 else between:g}"  # it may be a count that is guessed
    return "45" if not math.isfinite(low) or low >= 1 else "0.95"
