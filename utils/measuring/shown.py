"""Numbers for reading, the same in a text, a table and on the screen: significant digits, thousands, intervals."""

from __future__ import annotations

from collections.abc import Mapping


def number(value: object, digits: int = 3) -> str:
    """A value for reading: integers with thousands, floats with so many significant digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–" if value is None else str(value).replace("_", " ")
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:#.{digits}g}".removesuffix(".")


def with_intervals(row: Mapping, digits: int = 3) -> dict[str, str]:
    """A row as text, `low` and `high` moved into brackets behind the value in front of them."""
    shown: dict[str, str] = {}
    bounded = ""
    for key, value in row.items():
        if key == "low" and bounded and "high" in row:
            shown[bounded] += f" [{number(value, digits)}, {number(row['high'], digits)}]"
        elif key != "high" or "low" not in row:
            shown[key] = number(value, digits)
            bounded = key
    return shown


def interval(found: Mapping[str, float], form: str = ".1f") -> str:
    """The 95 % interval of a row or an effect, such as "24.9 to 28.3".  form: of each end, as in a format string."""
    return f"{found['low']:{form}} to {found['high']:{form}}"
