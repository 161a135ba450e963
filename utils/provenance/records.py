"""A record for each trace: who wrote it, under which terms, and for what it is to be used.

Records are stored beside the text: in a file of JSON lines, or in a column of a data set, under "provenance".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import NotRequired, TypedDict

from utils.errors import CourseError
from utils.provenance.terms import PURPOSES

HOLDS_NO_ANSWER = True
COLUMN = "provenance"


class Source(TypedDict):
    """A model that had a part in the text.

    licence: of its weights, by SPDX name; None where there are none to be had, or nothing is known.
    provider: whose API was asked; None where the weights ran on your own machines.
    terms_date: of the provider's terms at that time (ISO); None where there is no provider, or nothing is known.
    """

    model: str
    licence: str | None
    provider: str | None
    terms_date: str | None


class Record(Source):
    """The model that wrote a trace, what came before it, and what the text is to be used for.

    base: the model that the writer was tuned from; None where it was trained from scratch.
    chain: every model on whose text the writer was tuned, and those before them.
    data_licence: of the data set that the trace was taken from; None where it was made here.
    users_at_release: monthly users of the company and its affiliates in the month before the writer's release;
    users_now: the same today; product_users: of the student's product.  None where unknown.
    """

    base: Source | None
    chain: list[Source]
    purpose: str
    data_licence: str | None
    users_at_release: int | None
    users_now: NotRequired[int | None]
    product_users: NotRequired[int | None]
    obtained: NotRequired[str | None]


_SOURCE = tuple(Source.__annotations__)
_REQUIRED = (*_SOURCE, "base", "chain", "purpose")


def read_records(path: Path) -> list[Record]:
    """The records of a file of JSON lines, each row's under "provenance".  Raises CourseError with the bad line."""
    records = []
    for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(text)
        except ValueError as error:
            raise CourseError(f"{path.name}, line {line}, is not JSON: {error}. Write one object a line.") from error
        records += records_of(path.name, [row.get(COLUMN) if isinstance(row, dict) else None], line)
    return records


def records_of(name: str, rows: Iterable[Mapping | None], first: int = 1) -> list[Record]:
    """The records in the order of the rows, with what may be left out as None.

    name: of the file or data set. first: the number of the first row.  Raises CourseError with the row that has none.
    """
    return [_record(f"{name}, line {line}", row) for line, row in enumerate(rows, first)]


def _record(place: str, row: Mapping | None) -> Record:
    if not isinstance(row, Mapping):
        raise CourseError(f"{place} has no {COLUMN!r}. Say of every row where it comes from, or remove the row.")
    missing = [key for key in _REQUIRED if key not in row]
    if missing:
        raise CourseError(f"{place}: its {COLUMN!r} has no {', '.join(missing)}. Write null where nothing is known.")
    unknown = sorted(row.keys() - {*_SOURCE, *Record.__annotations__})
    if unknown:
        raise CourseError(
            f"{place}: its {COLUMN!r} has {unknown[0]!r}, which nobody reads. Mend the name, or remove it."
        )
    if row["purpose"] not in PURPOSES:
        raise CourseError(f"{place}: the purpose is {row['purpose']!r}. Give one of {', '.join(PURPOSES)}.")
    empty = {"data_licence": None, "users_at_release": None}
    base = None if row["base"] is None else _source(place, "base", row["base"])
    chain = [_source(place, "chain", source) for source in row["chain"] or ()]
    own = _source(place, COLUMN, {key: row[key] for key in _SOURCE})
    return Record(**(empty | dict(row) | own | {"base": base, "chain": chain}))


def _source(place: str, where: str, source: object) -> Source:
    if not isinstance(source, Mapping) or set(source) != set(_SOURCE):
        raise CourseError(f"{place}: its {where} is {source!r}. A model has {', '.join(_SOURCE)}.")
    day = source["terms_date"]
    return Source(**(dict(source) | {"terms_date": day.isoformat()[:10] if isinstance(day, date) else day}))
