"""The second half of a check cell, for nbgrader: a function is asked on probes, and right parts earn points.

The numbers travel inside the cell as one line of text, because an instructor's gradebook stores cells and nothing else.
Probes and expected numbers are in it, and no answer: what is here decides right or wrong by comparison alone. nbgrader
takes whatever is written to stderr for a failure, so warnings are taken aside until the points are counted.

In plain nbgrader a submission shares its process with these tests and could change them; `course.py grade` asks from
outside. The library's functions answer nothing while these tests ask, so that an import of one earns nothing.
"""

from __future__ import annotations

import base64
import io
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from utils.checks.pack import packed, unpacked
from utils.checks.records import Table, packed_probe, unpacked_probe

SECONDS = 60.0  # for all probes of one function: a hang ends, slowness costs nothing
_DECIMALS = 7  # what differs between processors is far below
_INDEXED = re.compile(r"expected/(\d+)/(.*)")
_spoken: list[object] = []  # the stderr that is to be put back


@dataclass(frozen=True)
class HiddenTests:
    """table: probes and expected numbers. parts: name, points, and the indices of the probes that must all be right."""

    table: Table
    parts: tuple[tuple[str, float, tuple[int, ...]], ...]


def hush() -> None:
    """Take what is written to stderr aside until `points` has been called."""
    if not _spoken:
        _spoken.append(sys.stderr)
    sys.stderr = io.StringIO()


def points(function: Callable, record: str, maximum: float) -> float:
    """The share of `maximum` that the function's right parts are worth.  record: as `to_text` wrote it."""
    from utils.checks.ask import ask
    from utils.checks.diagnosis import judge_of
    from utils.checks.withheld import library_withheld

    tests = from_text(record)
    try:
        with library_withheld():
            answers = ask(tests.table.probes, function, seconds=SECONDS)
    finally:
        if _spoken:
            sys.stderr = _spoken.pop()
    if answers and answers[0].note.startswith("ImportError"):
        print(answers[0].note)
    judge = judge_of(tests.table)
    right = [judge.is_right(tests.table, index, answer) for index, answer in enumerate(answers)]
    earned = sum(value for _, value, probes in tests.parts if all(right[index] for index in probes))
    return min(float(maximum), round(maximum * earned / sum(value for _, value, _ in tests.parts), 4))


def excerpt(table: Table, parts: Sequence[tuple[str, float, Sequence[str]]]) -> HiddenTests:
    """The probes that parts are judged on and their expected numbers, out of a whole table with its fingerprints."""
    wanted = {name for _, _, names in parts for name in names}
    kept = [index for index, probe in enumerate(table.probes) if probe.name in wanted]
    place = {table.probes[index].name: new for new, index in enumerate(kept)}
    moved = {index: new for new, index in enumerate(kept)}
    numbers = {}
    for key, array in table.numbers.items():
        found = _INDEXED.fullmatch(key)
        if found and int(found[1]) in moved:
            numbers[f"expected/{moved[int(found[1])]}/{found[2]}"] = np.round(array, _DECIMALS)
        elif key == "expected/value":
            numbers[key] = np.round(array[kept], _DECIMALS)
    texts = {"judge": table.texts["judge"]}
    if "forms" in table.texts:
        texts["forms"] = [table.texts["forms"][index] for index in kept]
    judged = Table(table.name, tuple(table.probes[index] for index in kept), numbers, texts)
    return HiddenTests(judged, tuple((name, value, tuple(place[n] for n in names)) for name, value, names in parts))


def to_text(tests: HiddenTests) -> str:
    """One line of plain letters; the same tests give the same line, so that a build changes nothing without need."""
    store = _Store()
    header = {
        "name": tests.table.name,
        "texts": tests.table.texts,
        "parts": tests.parts,
        "probes": [packed_probe(probe, store.place) for probe in tests.table.probes],
        "numbers": packed({key: _short(array) for key, array in tests.table.numbers.items()}, store.place),
        "arrays": store.described,
    }
    text = json.dumps(_shared(header), separators=(",", ":")).encode()
    return base64.b64encode(len(text).to_bytes(4, "little") + text + b"".join(store.content)).decode("ascii")


def from_text(record: str) -> HiddenTests:
    """What `to_text` wrote."""
    content = base64.b64decode(record)
    end = 4 + int.from_bytes(content[:4], "little")
    header = json.loads(content[4:end])
    arrays = []
    for dtype, shape, stored in header["arrays"]:
        array = np.frombuffer(content, stored, int(np.prod(shape)), end).reshape(shape)
        end += array.nbytes
        arrays.append(array.astype(dtype))

    probes = tuple(unpacked_probe(stored, arrays) for stored in _unshared(header)["probes"])
    numbers = {key: array.astype(np.float64) for key, array in unpacked(header["numbers"], arrays).items()}
    parts = tuple((name, value, tuple(indices)) for name, value, indices in header["parts"])
    return HiddenTests(Table(header["name"], probes, numbers, header["texts"]), parts)


def _shared(header: dict) -> dict:
    """The header in which what several probes are given is written once, under "given"."""
    given: dict[str, int] = {}
    probes = []
    for probe in header["probes"]:
        pairs = [[name, given.setdefault(json.dumps(value), len(given))] for name, value in probe["inputs"]["dict"]]
        probes.append(probe | {"inputs": {"dict": pairs}})
    return header | {"probes": probes, "given": [json.loads(text) for text in given]}


def _unshared(header: dict) -> dict:
    """The header as it was before `_shared`; one of an assignment that was released without it stays as it is."""
    if "given" not in header:
        return header
    probes = [
        probe | {"inputs": {"dict": [[name, header["given"][place]] for name, place in probe["inputs"]["dict"]]}}
        for probe in header["probes"]
    ]
    return header | {"probes": probes}


def _short(array: np.ndarray) -> np.ndarray:
    """Single precision, where that holds the number: whole ones beyond it stay as they are."""
    single = np.asarray(array, np.float32)
    whole = np.asarray(array) == np.round(array)
    return single if not np.any(whole & (single != array)) else np.asarray(array, np.float64)


def _shortest(array: np.ndarray) -> np.ndarray:
    """The same numbers in two bytes each, where they fit exactly."""
    if np.issubdtype(array.dtype, np.integer):
        return array.astype(np.int16) if np.all(np.abs(array) < 2**15) else array
    with np.errstate(over="ignore"):
        half = array.astype(np.float16) if array.dtype.kind == "f" else array
    return half if np.array_equal(half, array) else array


class _Store:
    """Arrays side by side, each only once: probes share their logits."""

    def __init__(self) -> None:
        self.content: list[bytes] = []
        self.described: list[tuple[str, tuple[int, ...], str]] = []  # dtype, shape, dtype as stored
        self._places: dict[tuple, int] = {}

    def place(self, array: np.ndarray) -> int:
        stored = _shortest(array)
        key = (array.dtype.str, array.shape, stored.tobytes())
        if key not in self._places:
            self._places[key] = len(self.content)
            self.described.append((*key[:2], stored.dtype.str))
            self.content.append(key[2])
        return self._places[key]
