"""What is asked of a learner's function, what it answered, and what was expected: plain values, nothing that runs.

The same diagnosis works where the function is called directly (a notebook) and where its answers come over a pipe from
a sandbox (grading). So a probe is plain values, an answer is numpy arrays and short texts, and a table is numpy arrays
and names. No object of the learner's is compared: an ``__eq__`` that is always true proves nothing about numbers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np

from utils.checks.pack import laid_end_to_end, packed, taken_apart, unpacked


@dataclass(frozen=True)
class Probe:
    """One call.

    name: unique in its list, such as ``"wide/soft"``.
    inputs: the arguments in the order in which they are passed *by position*: plain values and ``Made`` ones (see
        ``pack.py``). An array becomes a torch tensor of the same dtype, also inside of a list or tuple. An argument
        that is missing at the end is left to the function's default.
    gradients: the names of inputs whose gradient is asked.
    play: the module of ``utils.checks.plays`` that calls the function with toy models; empty for a plain call.
    toys: for a play: the plain numbers from which it builds models and batches.
    slope: an answer with several elements is summed with weights 1, 1 + slope, 1 + 2 slope, ... before gradients are
        taken: a softmax's plain sum is constant and would have none.
    """

    name: str
    inputs: dict[str, object]
    gradients: tuple[str, ...] = ()
    toys: dict[str, np.ndarray | float] = field(default_factory=dict)
    slope: float = 0.0
    play: str = ""


def packed_probe(probe: Probe, place: Callable[[np.ndarray], int]) -> dict[str, object]:
    """A probe as JSON can hold it; its arrays go to ``place``, which numbers them."""
    return {each.name: packed(getattr(probe, each.name), place) for each in fields(probe)}


def unpacked_probe(stored: dict[str, object], arrays: Sequence[np.ndarray]) -> Probe:
    return Probe(**{name: unpacked(value, arrays) for name, value in stored.items()})


@dataclass(frozen=True)
class Answer:
    """What one call gave.

    outcome: ``"tensor"``, ``"float"``, ``"none"``, ``"other"``, ``"error"``, ``"unwritten"`` (NotImplementedError),
        ``"signature"`` (it cannot be called so) or ``"timeout"``.
    note: the type's name, or the error's text.
    line: for an error the learner's own line, such as ``"line 7: loss = kl * mask"``, else empty.
    form: what kind of thing was returned, as JSON (see ``forms.py``); empty where nothing was.
    numbers: float64 arrays. ``value``, and ``value/1``, ``value/2``, ... for what holds several; ``gradient/NAME`` for
        each gradient that reached the input (absent: none did); ``changed/NAME`` for each input changed in place;
        ``trace/...`` for what a toy model or optimizer saw.
    """

    outcome: str
    note: str = ""
    line: str = ""
    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    form: str = ""

    @property
    def value(self) -> float:
        """The answer as one number, NaN where there is none."""
        value = self.numbers.get("value")
        return float(value.reshape(-1)[0]) if value is not None and value.size == 1 else float("nan")

    @property
    def leaves(self) -> list[np.ndarray]:
        """The arrays of what was returned, in order."""
        return list(leaves_of(self.numbers))

    def gradient(self, name: str) -> np.ndarray | None:
        return self.numbers.get(f"gradient/{name}")


def leaf_name(place: int) -> str:
    """Under which name the array number ``place`` of an answer is kept."""
    return f"value/{place}" if place else "value"


def leaves_of(numbers: dict[str, np.ndarray], start: str = "") -> Iterable[np.ndarray]:
    """The arrays ``value``, ``value/1``, ... of these numbers, whose names begin with ``start``."""
    place = 0
    while (array := numbers.get(start + leaf_name(place))) is not None:
        yield array
        place += 1


@dataclass(frozen=True)
class Table:
    """Expected numbers and the fingerprints of known mistakes on one list of probes.

    name: the exercise. texts: names and sentences, JSON-like; ``judge`` names the module of ``utils.checks`` that reads
    the answers, ``hints`` holds a thought for each mistake by its name. numbers: arrays by name.
    probes: the probes on which they hold; answers stand in the same order.
    """

    name: str
    probes: tuple[Probe, ...]
    numbers: dict[str, np.ndarray]
    texts: dict[str, object]
    _below: tuple[int, dict[str, list[str]]] = field(default=(-1, {}), init=False, repr=False, compare=False)

    def below(self, folder: str) -> dict[str, np.ndarray]:
        """The arrays whose names begin with ``folder``, which ends with a slash, by the rest of their names."""
        size, folders = self._below
        if size != len(self.numbers):  # a table that is being made grows
            folders = {}
            for key in self.numbers:
                for place in (place for place, sign in enumerate(key, 1) if sign == "/"):
                    folders.setdefault(key[:place], []).append(key)
            object.__setattr__(self, "_below", (len(self.numbers), folders))
        return {key.removeprefix(folder): self.numbers[key] for key in folders.get(folder, ())}

    def save(self, path: Path) -> None:
        """Write the table as one compressed ``.npz``; the same table gives the same arrays again."""
        arrays: list[np.ndarray] = []

        def place(array: np.ndarray) -> int:
            arrays.append(array)
            return len(arrays) - 1

        probes = [packed_probe(probe, place) for probe in self.probes]
        numbers = [[key, place(array)] for key, array in self.numbers.items()]
        ends, shapes = laid_end_to_end(arrays)
        texts = {"name": self.name, "texts": self.texts, "probes": probes, "numbers": numbers, "shapes": shapes}
        np.savez_compressed(path, header=np.frombuffer(json.dumps(texts).encode(), dtype=np.uint8), **ends)

    @staticmethod
    def load(path: Path) -> Table:
        with np.load(path, allow_pickle=False) as stored:
            ends = {key: stored[key] for key in stored.files}
        header = json.loads(ends.pop("header").tobytes().decode())
        arrays = taken_apart(ends, header["shapes"])
        probes = tuple(unpacked_probe(entry, arrays) for entry in header["probes"])
        numbers = {key: arrays[number] for key, number in header["numbers"]}
        return Table(header["name"], probes, numbers, header["texts"])
