"""Which run is this?  A fingerprint of functions, rows and weights: a checkpoint is only taken up by its own run.

The mistake this module prevents: two experiments that differ in one number (a temperature in a lambda, another
teacher, other labels) and share a checkpoint, so that the second silently goes on from the middle of the first.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any

import torch
from torch import Tensor, nn

from utils.batches import Row

VALUES_A_TENSOR = 4096
_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis))
_EMPTY = CellType()


def of_rows(rows: Iterable[Row]) -> str:
    """A hash of every row's tokens and labels."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(repr((row.input_ids, row.labels)).encode())
    return digest.hexdigest()


def of_weights(model: nn.Module) -> str:
    """A hash of the model's names, shapes and up to 4,096 values spread over each tensor: training moves them all."""
    return of_state(model.state_dict())


def of_state(state: dict[str, Tensor]) -> str:
    """The hash that `of_weights` gives for a model with this state dict."""
    digest = hashlib.sha256()
    for name, tensor in state.items():
        digest.update(repr((name, tuple(tensor.shape), str(tensor.dtype))).encode())
        digest.update(_sample(tensor))
    return digest.hexdigest()


def of_function(function: Any) -> Any:
    """What tells two functions apart, as plain lists: code, defaults, bound arguments, and the values they look up."""
    return _describe(function, ())


def _sample(tensor: Tensor) -> bytes:
    values = tensor.detach().flatten()
    spread = values[:: max(1, -(-values.numel() // VALUES_A_TENSOR))]
    return spread.cpu().contiguous().view(torch.uint8).numpy().tobytes()


def _describe(value: Any, seen: tuple[int, ...]) -> Any:
    if isinstance(value, _PLAIN):
        return repr(value)
    if id(value) in seen:
        return "again"
    seen = (*seen, id(value))
    if isinstance(value, Tensor):
        return of_state({"": value})
    if isinstance(value, nn.Module):
        return of_weights(value)
    if isinstance(value, list | tuple):
        return [_describe(item, seen) for item in value]
    if isinstance(value, set | frozenset):  # their order changes from one start of Python to the next
        return sorted(map(repr, value))
    if isinstance(value, dict):
        return [[repr(key), _describe(item, seen)] for key, item in value.items()]
    if isinstance(value, functools.partial):
        return [_describe(part, seen) for part in (value.func, value.args, value.keywords)]
    if isinstance(value, MethodType):
        return [_describe(value.__func__, seen), _describe(value.__self__, seen)]
    if isinstance(value, FunctionType):
        return _describe_function(value, seen)
    return _describe_object(value, seen)


def _describe_object(value: Any, seen: tuple[int, ...]) -> list[Any]:
    """Its class, how it is called, and its plain attributes: the rest may differ from one start to the next."""
    kind = type(value)
    plain = {name: item for name, item in getattr(value, "__dict__", {}).items() if isinstance(item, _PLAIN)}
    called = kind.__dict__.get("__call__")
    return [f"{kind.__module__}.{kind.__qualname__}", _describe(plain, seen), called and _describe(called, seen)]


def _describe_function(function: FunctionType, seen: tuple[int, ...]) -> list[Any]:
    enclosed = [cell.cell_contents for cell in function.__closure__ or () if cell != _EMPTY]
    looked_at = (function.__defaults__, function.__kwdefaults__, enclosed, _looked_up(function))
    return [_describe_code(function.__code__), *(_describe(part, seen) for part in looked_at)]


def _looked_up(function: FunctionType) -> dict[str, Any]:
    """The global values that the function names: plain ones, and functions of its own module."""
    found = {name: function.__globals__.get(name) for name in sorted(_names(function.__code__))}
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, (*_PLAIN, functools.partial))
        or (isinstance(value, FunctionType) and value.__module__ == function.__module__)
    }


def _names(code: CodeType) -> set[str]:
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*(_names(constant) for constant in inner))


def _describe_code(code: CodeType) -> list[Any]:
    constants = [_describe_code(c) if isinstance(c, CodeType) else _describe(c, ()) for c in code.co_consts]
    return [code.co_code.hex(), constants, list(code.co_names)]
