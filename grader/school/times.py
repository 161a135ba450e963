"""When was it handed in?  Reads a time as Moodle, Canvas' API, nbgrader or a person writes it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo

from utils.errors import CourseError

_MONTHS = {
    "Jan": "januar janvier enero gennaio januari", "Feb": "februar février febrero febbraio februari",
    "Mar": "märz mars marzo maart", "Apr": "april avril abril aprile", "May": "mai mayo maggio mei",
    "Jun": "juni juin junio giugno", "Jul": "juli juillet julio luglio", "Aug": "august août agosto augustus",
    "Sep": "september septembre septiembre settembre", "Oct": "oktober octobre octubre ottobre",
    "Nov": "november novembre noviembre", "Dec": "dezember décembre diciembre dicembre december",
}  # fmt: skip
_ENGLISH = {word: month for month, words in _MONTHS.items() for word in words.split()}
_WEEKDAY = re.compile(r"^([^\W\d]+)(?:,\s*|\s+)(?=\d)|^[^\W\d]+,\s*")


def moment(text: str, zone: tzinfo | None) -> datetime | None:
    """The time, with its zone; None where it is not understood. zone: of a time that names none."""
    from dateutil import parser
    from dateutil.tz import gettz

    words = _WEEKDAY.sub(lambda found: found[0] if _is_month(found[1] or "") else "", text.strip())
    words = re.sub(r"[^\W\d_]+", lambda found: _ENGLISH.get(found[0].casefold(), found[0]), words)
    words = re.sub(r"\b(de|del|um|à|alle ore)\b|(?<=\d)\.(?=\s)", " ", words)
    try:
        found = parser.parse(words, tzinfos=lambda name, offset: gettz(name) if name else offset, dayfirst="/" in words)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else local(found, zone)


def _is_month(word: str) -> bool:
    return word[:3].title() in _MONTHS or word.casefold() in _ENGLISH


def local(time: datetime, zone: tzinfo | None) -> datetime:
    """A time without a zone, in this one, or where it is None in this machine's."""
    return time.replace(tzinfo=zone) if zone else time.astimezone()


def zone_called(name: str) -> tzinfo | None:
    """A time zone such as Europe/Berlin; None for "", which means this machine's. Raises CourseError."""
    from zoneinfo import ZoneInfo

    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise CourseError(f"There is no time zone {name!r}: use a name such as Europe/Berlin or UTC.") from None


def utc(time: datetime) -> str:
    """As nbgrader keeps it in timestamp.txt: 2025-05-14 13:05:00 UTC."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
