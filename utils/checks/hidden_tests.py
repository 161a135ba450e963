"""The second half of a check cell, for nbgrader: a function is asked on probes, and right parts earn points.

The numbers travel inside the cell as one line of text, because an instructor's gradebook stores cells and nothing else.
Probes and expected numbers are in it, and no answer: what is here decides right or wrong by comparison alone. The
mistake this prevents is a right answer that costs points because it warned: nbgrader takes whatever stands on stderr
for a failure.

In plain nbgrader a submission shares its process with these tests and could change them; `course.py grade` asks from
outside. The library's functions answer nothing while these tests ask, so that an import of one earns nothing.
"""

from __future__ import annotations

import base64
import io
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from utils.checks.records import Answer, Probe, Table

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
    from utils.checks.withheld import library_withheld

    tests = from_text(record)
    try:
        with library_withheld():
            answers = ask(tests.table.name, tests.table.probes, function, seconds=SECONDS)
    finally:
        if _spoken:
            sys.stderr = _spoken.pop()
    if answers and answers[0].note.startswith("ImportError"):
        print(answers[0].note)
    right = [is_earned(tests.table, index, answer) for index, answer in enumerate(answers)]
    earned = sum(value for _, value, probes in tests.parts if all(right[index] for index in probes))
    return min(float(maximum), round(maximum * earned / sum(value for _, value, _ in tests.parts), 4))


def is_earned(table: Table, index: int, answer: Answer) -> bool:
    """Is this answer right, and was there anything to get right?  What `course.py grade` and nbgrader both go by."""
    from utils.checks import judgement, perplexity, steps

    if table.name == "train_step":
        return steps.is_right(table, index, answer)
    if table.name == "perplexity":
        return perplexity.is_right(table, index, answer)
    if not judgement.is_right(table, index, answer):
        return False
    gradients = judgement.expected_gradients(table, index)
    if gradients:
        return all(np.any(np.abs(gradient) > 1e-6) for gradient in gradients.values())
    return bool(np.any(judgement.expected_value(table, index)))


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
    texts = {"returns": table.texts["returns"]} if "returns" in table.texts else {}
    judged = Table(table.name, tuple(table.probes[index] for index in kept), numbers, texts)
    return HiddenTests(judged, tuple((name, value, tuple(place[n] for n in names)) for name, value, names in parts))


def to_text(tests: HiddenTests) -> str:
    """One line of plain letters; the same tests give the same line, so that a build changes nothing without need."""
    store = _Store()
    header = {
        "name": tests.table.name,
        "texts": tests.table.texts,
        "parts": tests.parts,
        "probes": [
            [p.name, store.mapping(p.inputs), p.gradients, store.mapping(p.toys), p.slope] for p in tests.table.probes
        ],
        "numbers": store.mapping({key: np.asarray(array, np.float32) for key, array in tests.table.numbers.items()}),
        "arrays": store.described,
    }
    text = json.dumps(header, separators=(",", ":")).encode()
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

    def mapping(stored: Mapping) -> dict:
        return {key: arrays[value[0]] if isinstance(value, list) else value for key, value in stored.items()}

    probes = tuple(
        Probe(name, mapping(inputs), tuple(gradients), mapping(toys), slope)
        for name, inputs, gradients, toys, slope in header["probes"]
    )
    numbers = {key: array.astype(np.float64) for key, array in mapping(header["numbers"]).items()}
    parts = tuple((name, value, tuple(indices)) for name, value, indices in header["parts"])
    return HiddenTests(Table(header["name"], probes, numbers, header["texts"]), parts)


class _Store:
    """Arrays side by side, each only once: probes share their logits."""

    def __init__(self) -> None:
        self.content: list[bytes] = []
        self.described: list[tuple[str, tuple[int, ...], str]] = []  # dtype, shape, dtype as stored
        self._places: dict[tuple, int] = {}

    def mapping(self, values: Mapping[str, object]) -> dict[str, object]:
        """Arrays as [place], everything else as it is."""
        return {key: [self._place(value)] if isinstance(value, np.ndarray) else value for key, value in values.items()}

    def _place(self, array: np.ndarray) -> int:
        small = np.issubdtype(array.dtype, np.integer) and np.all(np.abs(array) < 2**15)
        stored = array.astype(np.int16) if small else array
        key = (array.dtype.str, array.shape, stored.tobytes())
        if key not in self._places:
            self._places[key] = len(self.content)
            self.described.append((*key[:2], stored.dtype.str))
            self.content.append(key[2])
        return self._places[key]
