"""From whatever was returned to plain numbers and a form, bounded in size. Nothing of the learner's is trusted."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field

import numpy as np
import torch

from utils.checks.forms import MOST_FORM, Form

MOST_LEAVES = 64
MOST_DEPTH = 4
MOST_NUMBERS = 1 << 16
_SIMPLE = (bool, np.bool_, int, np.integer, float, np.floating, str)


@dataclass
class Read:
    """form: see ``forms.py``. leaves: its arrays. tensors: those of them that are floating tensors, with their graph.
    models: modules that were returned, which have no numbers of their own."""

    form: Form = None
    leaves: list[np.ndarray] = field(default_factory=list)
    tensors: list[torch.Tensor] = field(default_factory=list)
    models: list[torch.nn.Module] = field(default_factory=list)

    @property
    def text(self) -> str:
        return json.dumps(self.form)


class TooLargeError(ValueError):
    """More parts, numbers or levels than an answer may have."""


def read(returned: object) -> Read:
    """What was returned, part by part. Something too large has that as its form, and no numbers."""
    found = Read()
    try:
        found.form = _form(returned, found, 0)
        if len(found.text) > MOST_FORM or sum(leaf.size for leaf in found.leaves) > MOST_NUMBERS:
            raise TooLargeError
    except (TooLargeError, RecursionError):
        return Read("answer that is too large")
    return found


def _form(returned: object, found: Read, depth: int) -> Form:
    if depth > MOST_DEPTH or len(found.leaves) >= MOST_LEAVES:
        raise TooLargeError
    kind = _kind(returned)
    if kind:
        found.leaves.append(_numbers(returned))
        if kind == "tensor":
            found.tensors.append(returned)
        return kind
    if isinstance(returned, torch.nn.Module):
        found.models.append(returned)
        found.leaves.append(np.zeros(0))
        return "model"
    if isinstance(returned, (set, frozenset)):
        return _items("set", _sorted(_inside(returned)), found, depth)
    record = _record(returned)
    if record is not None:
        _bound(record)
        names = list(map(str, record))
        kind = "dict" if isinstance(returned, dict) else "named tuple" if isinstance(returned, tuple) else "record"
        return [kind, names, [_form(item, found, depth + 1) for item in record.values()]]
    if isinstance(returned, (tuple, list)):
        return _items("tuple" if isinstance(returned, tuple) else "list", _inside(returned), found, depth)
    return type(returned).__name__[:60]


def _record(returned: object) -> dict | None:
    """The fields of a dict, a named tuple or a dataclass."""
    if isinstance(returned, dict):
        return dict(dict.items(returned))
    if isinstance(returned, tuple) and isinstance(getattr(type(returned), "_fields", None), tuple):
        return dict(zip(type(returned)._fields, _inside(returned), strict=False))
    if dataclasses.is_dataclass(returned) and not isinstance(returned, type):
        return {each.name: getattr(returned, each.name) for each in dataclasses.fields(returned)}
    return None


def _inside(items: list | tuple | set | frozenset) -> list:
    """What a container holds, by the built-in's own way to go through it: a subclass may go on without an end."""
    kind = next(kind for kind in (list, tuple, set, frozenset) if isinstance(items, kind))
    if kind.__len__(items) > MOST_NUMBERS:
        raise TooLargeError
    return list(kind.__iter__(items))


def _bound(items: dict | list) -> None:
    if len(items) > MOST_LEAVES:
        raise TooLargeError


def _sorted(items: list) -> list:
    """The items of a set in an order that they alone decide."""
    return sorted(items, key=lambda item: (type(item).__name__, item if isinstance(item, _SIMPLE) else 0))


def _items(kind: str, items: list, found: Read, depth: int) -> Form:
    """Numbers of one kind are one leaf, everything else part by part."""
    if not items:
        found.leaves.append(np.zeros(0))
        return [kind, None]
    kinds = {_kind(item) if isinstance(item, _SIMPLE) else "" for item in items}
    if kinds == {"int", "float"} and kind != "tuple":  # in a tuple each place has a kind of its own
        kinds = {"float"}
    if len(kinds) == 1 and kinds <= {"bool", "int", "float"}:
        found.leaves.append(np.array([_number(item) for item in items]))
        return [kind, kinds.pop()]
    if kinds == {"str"}:  # one leaf too: each text ends with -1
        found.leaves.append(np.concatenate([[*_points(item), -1.0] for item in items]))
        return [kind, "str"]
    _bound(items)
    return [kind, [_form(item, found, depth + 1) for item in items]]


def _kind(returned: object) -> str:
    """The name of a leaf's kind; empty for what is no leaf."""
    if returned is None:
        return "None"
    if isinstance(returned, torch.Tensor):
        dtype = returned.dtype
        if dtype.is_complex:
            return "complex tensor"
        return "tensor" if dtype.is_floating_point else "boolean tensor" if dtype == torch.bool else "whole tensor"
    if isinstance(returned, np.ndarray):
        return "array" if returned.dtype.kind == "f" else "whole array" if returned.dtype.kind in "iu" else ""
    names = ((bool | np.bool_, "bool"), (int | np.integer, "int"), (float | np.floating, "float"), (str, "str"))
    return next((name for types, name in names if isinstance(returned, types)), "")


def _numbers(leaf: object) -> np.ndarray:
    if leaf is None:
        return np.zeros(0)
    if isinstance(leaf, torch.Tensor):
        return plain(leaf)
    if isinstance(leaf, np.ndarray):
        return np.asarray(leaf, dtype=np.float64)
    return np.array(_points(leaf)) if isinstance(leaf, str) else np.array(_number(leaf))


def _number(item: object) -> float:
    try:
        return int.__float__(item) if isinstance(item, int) else float.__float__(float(item))
    except OverflowError:  # a whole number beyond float64
        return math.inf


def _points(text: str) -> list[float]:
    if str.__len__(text) > MOST_NUMBERS:
        raise TooLargeError
    return [float(ord(sign)) for sign in str.__iter__(text)]


def describe(returned: object) -> tuple[str, str]:
    """(outcome, the type's name) of what was returned, see ``records.Answer``."""
    kind, leaf = type(returned).__name__, _kind(returned)
    if isinstance(returned, np.ndarray):
        return ("float" if returned.ndim == 0 else "other"), kind
    if isinstance(returned, torch.Tensor):
        return "tensor", kind
    return {"None": "none", "int": "float", "float": "float"}.get(leaf, "other"), kind


def plain(tensor: torch.Tensor) -> np.ndarray:
    """Detached float64 numbers; a complex tensor gives NaN, which is never right."""
    if tensor.is_complex():
        return np.full(tuple(tensor.shape), math.nan)
    return tensor.detach().to(torch.float64).cpu().numpy().copy()
