"""Plain values as JSON and numpy arrays, and back: how probes are stored, sent and kept in a notebook.

Numbers, texts, booleans, None, arrays, lists, tuples, dicts with text keys, and ``Made`` are known. Nothing is
evaluated and nothing is unpickled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Made:
    """An argument that is made from plain settings where the function is called, such as a tiny model.

    kind: one of `utils.checks.made.MAKERS`. settings: plain values by name.
    """

    kind: str
    settings: Mapping[str, object]


def packed(value: object, place: Callable[[np.ndarray], int]) -> object:
    """The value as JSON can hold it. place: takes an array aside and returns its number."""
    if isinstance(value, np.ndarray):
        return {"array": place(value)}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return {type(value).__name__: [packed(item, place) for item in value]}
    if isinstance(value, Made):
        return {"made": value.kind, "settings": packed(dict(value.settings), place)}
    if isinstance(value, dict):
        return {"dict": [[key, packed(item, place)] for key, item in value.items()]}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a {type(value).__name__} is no plain value")


def unpacked(stored: object, arrays: Sequence[np.ndarray]) -> object:
    """What `packed` was given. Raises KeyError, IndexError, TypeError or ValueError where it is something else."""
    if not isinstance(stored, dict):
        return stored
    if "made" in stored:
        return Made(str(stored["made"]), unpacked(stored["settings"], arrays))
    ((kind, content),) = stored.items()
    if kind == "array":
        return arrays[content]
    if kind == "dict":
        return {key: unpacked(item, arrays) for key, item in content}
    return {"list": list, "tuple": tuple}[kind](unpacked(item, arrays) for item in content)


def laid_end_to_end(arrays: Sequence[np.ndarray]) -> tuple[dict[str, np.ndarray], list[list]]:
    """The arrays of each dtype as one flat array, and each array's dtype and shape.

    Thousands of small arrays are then a few large ones, which an archive holds in a fraction of the space.
    """
    kinds: dict[str, list[np.ndarray]] = {}
    for array in arrays:
        kinds.setdefault(array.dtype.name, []).append(array.reshape(-1))
    flat = {kind: np.concatenate(parts) for kind, parts in kinds.items()}
    return flat, [[array.dtype.name, list(array.shape)] for array in arrays]


def taken_apart(flat: Mapping[str, np.ndarray], shapes: Sequence[Sequence]) -> list[np.ndarray]:
    """The arrays that `laid_end_to_end` was given; each one's own, so that none keeps the others in memory."""
    starts = dict.fromkeys(flat, 0)
    arrays = []
    for kind, shape in shapes:
        start = starts[kind]
        starts[kind] = start + math.prod(shape)
        arrays.append(flat[kind][start : starts[kind]].reshape(shape).copy())
    return arrays
