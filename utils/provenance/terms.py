"""Terms as data: what licences and providers said about training on a model's text, and when that was read.

`terms.toml` comes with the course; a policy of your own is a file of the same form.  This is no legal advice.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypedDict

from utils.errors import CourseError

HOLDS_NO_ANSWER = True
TERMS = Path(__file__).with_name("terms.toml")
ANSWERS = ("yes", "ask", "no")  # from the mildest to the strictest
PURPOSES = ("research", "product", "competing")
CHECK = "Check the current terms"


class Decision(NamedTuple):
    """answer: "yes", "no" or "ask".  reason: a sentence that names the rule and its source."""

    answer: str
    reason: str


class Terms(TypedDict):
    """What one licence, or one provider's terms, say.  The comments of terms.toml explain each."""

    uses: dict[str, str]
    date: str | None
    most_users: int | None
    duties: list[str]
    condition: str
    source: str
    read: str


Policy = Mapping[str, Terms]


def read_policy(path: Path = TERMS) -> dict[str, Terms]:
    """The policy in a TOML file, by the name of the terms.  Raises CourseError with the entry that cannot be used."""
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("terms", {})
    except (OSError, ValueError) as error:
        raise CourseError(f"The policy {str(path)!r} cannot be read: {error}. Give a TOML file.") from error
    return {name: _terms(f"{path.name}, [terms.{name!r}]", entry) for name, entry in entries.items()}


def providers() -> list[dict[str, str]]:
    """The table of six providers: what is commonly said, what was found, where and when it was read."""
    return tomllib.loads(TERMS.read_text(encoding="utf-8"))["providers"]


def _terms(place: str, entry: Mapping) -> Terms:
    missing = [key for key in ("uses", "condition", "source", "read") if key not in entry]
    if missing:
        raise CourseError(f"{place} has no {', '.join(missing)}. An answer needs its source and the day it was read.")
    unknown = set(entry) - Terms.__annotations__.keys()
    if unknown:
        raise CourseError(f"{place} has {', '.join(sorted(unknown))}. Use {', '.join(Terms.__annotations__)}.")
    for purpose, answer in entry["uses"].items():
        if purpose not in PURPOSES or answer not in ANSWERS:
            raise CourseError(f"{place} says {purpose} = {answer!r}. Write yes, no or ask for {', '.join(PURPOSES)}.")
    return Terms(**({"date": None, "most_users": None, "duties": []} | dict(entry)))
