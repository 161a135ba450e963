"""What is asked of a learner's function, what it answered, and what was expected: plain numbers, nothing that runs.

The same diagnosis must work where the function is called directly (a notebook) and where its answers come over a pipe
from a sandbox (grading). So nothing here holds a function or a tensor: a probe is numpy arrays and scalars, an answer
is numpy arrays and short texts, a table is numpy arrays and names. The mistake this prevents is a check that trusts an
object of the learner's: an ``__eq__`` that is always true proves nothing about numbers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

Number = np.ndarray | float


@dataclass(frozen=True)
class Probe:
    """One call.

    name: unique in its list, such as ``"wide/soft"``.
    inputs: the arguments in the order in which they are passed *by position*. An array becomes a torch tensor of the
        same dtype, a float stays a float. An argument that is missing at the end is left to the function's default.
    gradients: the names of inputs whose gradient is asked.
    toys: for ``train_step`` and ``perplexity``: the plain numbers from which ``toys.py`` builds models and batches.
    slope: an answer with several elements is summed with weights 1, 1 + slope, 1 + 2 slope, ... before gradients are
        taken: a softmax's plain sum is constant and would have none.
    """

    name: str
    inputs: dict[str, Number]
    gradients: tuple[str, ...] = ()
    toys: dict[str, Number] = field(default_factory=dict)
    slope: float = 0.0


@dataclass(frozen=True)
class Answer:
    """What one call gave.

    outcome: ``"tensor"``, ``"float"``, ``"none"``, ``"other"``, ``"error"``, ``"unwritten"`` (NotImplementedError),
        ``"signature"`` (it cannot be called so) or ``"timeout"``.
    note: the type's name, or the error's text.
    line: for an error the learner's own line, such as ``"line 7: loss = kl * mask"``, else empty.
    numbers: float64 arrays. ``value``; ``gradient/NAME`` for each gradient that reached the input (absent: none did);
        ``changed/NAME`` for each input changed in place; ``trace/...`` for what a toy model or optimizer saw.
    """

    outcome: str
    note: str = ""
    line: str = ""
    numbers: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """The answer as one number, NaN where there is none."""
        value = self.numbers.get("value")
        return float(value.reshape(-1)[0]) if value is not None and value.size == 1 else float("nan")

    def gradient(self, name: str) -> np.ndarray | None:
        return self.numbers.get(f"gradient/{name}")


@dataclass(frozen=True)
class Table:
    """Expected numbers and the fingerprints of known mistakes on one list of probes.

    name: the exercise. texts: names and sentences, JSON-like. numbers: arrays by name.
    probes: the probes on which they hold; answers stand in the same order.
    """

    name: str
    probes: tuple[Probe, ...]
    numbers: dict[str, np.ndarray]
    texts: dict[str, object]

    def save(self, path: Path) -> None:
        """Write the table as one compressed ``.npz``; the same table gives the same arrays again."""
        arrays = {f"table/{key}": array for key, array in self.numbers.items()}
        probes = []
        for index, probe in enumerate(self.probes):
            for kind, mapping in (("inputs", probe.inputs), ("toys", probe.toys)):
                arrays |= {f"probe/{index}/{kind}/{key}": np.asarray(value) for key, value in mapping.items()}
            probes.append(
                {
                    "name": probe.name,
                    "gradients": list(probe.gradients),
                    "inputs": list(probe.inputs),
                    "toys": list(probe.toys),
                    "slope": probe.slope,
                }
            )
        header = json.dumps({"name": self.name, "texts": self.texts, "probes": probes})
        np.savez_compressed(path, header=np.frombuffer(header.encode(), dtype=np.uint8), **arrays)

    @staticmethod
    def load(path: Path) -> Table:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
        header = json.loads(arrays.pop("header").tobytes().decode())

        def mapping(index: int, kind: str, names: list[str]) -> dict[str, Number]:
            found = {name: arrays[f"probe/{index}/{kind}/{name}"] for name in names}
            return {name: array if array.ndim else array.item() for name, array in found.items()}

        probes = tuple(
            Probe(
                entry["name"],
                mapping(index, "inputs", entry["inputs"]),
                tuple(entry["gradients"]),
                mapping(index, "toys", entry["toys"]),
                entry["slope"],
            )
            for index, entry in enumerate(header["probes"])
        )
        numbers = {key.removeprefix("table/"): array for key, array in arrays.items() if key.startswith("table/")}
        return Table(header["name"], probes, numbers, header["texts"])
