"""Settings are plain Python numbers, whatever kind of number was given.

A learning rate may come from numpy, from a tensor or as a fraction.  Kept as it is, it makes a checkpoint that nobody
can read again, and a tensor even changes while the run trains.  So each class of settings reads its numbers once.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from dataclasses import fields
from decimal import Decimal

from utils.errors import CourseError

HOLDS_NO_ANSWER = True


def plain_number(name: str, value: object, whole: bool) -> int | float:
    """`value`, a number of any kind or one number in an array or tensor, as an int (`whole`) or a float.

    name: the setting, for the message.  Raises CourseError for anything else, and for 2.5 where a whole number is due.
    """
    number = value.item() if hasattr(value, "item") and set(getattr(value, "shape", (0,))) <= {1} else value
    if isinstance(number, bool) or not isinstance(number, numbers.Real | Decimal):
        kind = "a whole number" if whole else "a number"
        raise CourseError(f"{name} is {_shown(value)}, a {type(value).__name__}; give {kind}.")
    if not whole:
        return float(number)
    if number % 1 != 0:
        raise CourseError(f"{name} is {_shown(value)}; give a whole number.")
    return int(number)


def read_numbers(settings: object) -> None:
    """Turn every number of a dataclass into a plain one: fields declared as int or float, or as tuples of these.

    Raises CourseError where a field holds no such number.
    """
    for field in fields(settings):
        kind = str(field.type).removesuffix(" | None")
        value = getattr(settings, field.name)
        if value is None and kind != field.type:
            continue
        if kind in ("int", "float"):
            plain = plain_number(field.name, value, whole=kind == "int")
        elif kind in ("tuple[int, ...]", "tuple[float, ...]"):
            if not isinstance(value, Iterable):
                raise CourseError(f"{field.name} is {_shown(value)}; give several numbers, such as ({_shown(value)},).")
            plain = tuple(plain_number(field.name, item, whole=kind == "tuple[int, ...]") for item in value)
        else:
            continue
        object.__setattr__(settings, field.name, plain)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
