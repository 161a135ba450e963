"""Which run is this?  A fingerprint of functions, rows and weights: a checkpoint is only taken up by its own run.

Two experiments may differ in one number, such as a temperature in a lambda, and share a checkpoint's name.  So a
function is told by its code, its defaults, and the values that it looks up, and not by its name.  Its code is its
bytecode: a lambda and a function typed into a notebook have that too, where source text is a whole line or is missing.
"""

from __future__ import annotations

import dis
import functools
import hashlib
import sys
from collections.abc import Iterable
from dataclasses import is_dataclass
from pathlib import Path
from types import CellType, CodeType, FunctionType, MethodType, SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from utils.data.batches import Row

HOLDS_NO_ANSWER = True
VALUES_PER_TENSOR = 4096
_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis))
_HOLDERS = (list, tuple, set, frozenset, dict, Tensor, functools.partial, SimpleNamespace)
_LOOKS_UP = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
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


def of_config(model: nn.Module) -> dict[str, Any]:
    """A model's configuration, but for where it was loaded from and by which version."""
    config = getattr(model, "config", None)
    facts = config.to_dict() if hasattr(config, "to_dict") else dict(vars(config)) if config is not None else {}
    return {name: value for name, value in facts.items() if name not in ("_name_or_path", "transformers_version")}


def of_function(function: Any) -> Any:
    """What tells two functions apart, as plain lists: code, defaults, bound arguments, and the values they look up."""
    return _describe(function, ())


def _sample(tensor: Tensor) -> bytes:
    values = tensor.detach().flatten()
    spread = values[:: max(1, -(-values.numel() // VALUES_PER_TENSOR))]
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
        return [of_weights(value), _describe_object(value, seen)]
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
    """Its class, its methods where a reader wrote them, and the attributes that hold values.

    The others, and what begins with an underscore, may change at every start, and a module's mode at every step.
    """
    kind = type(value)
    attributes = sorted(getattr(value, "__dict__", {}).items())
    own = {name: item for name, item in attributes if _holds_values(item) and name[0] != "_" and name != "training"}
    methods = {name: item for name, item in sorted(vars(kind).items()) if isinstance(item, FunctionType)}
    written = _describe(methods, seen) if not _is_installed(kind) else None
    return [f"{kind.__module__}.{kind.__qualname__}", _describe(own, seen), written]


def _is_installed(kind: type) -> bool:
    """Whether a class comes from a library, whose version and not its code is what may differ."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
    return bool({"site-packages", "dist-packages"}.intersection(Path(file).parts))


def _describe_function(function: FunctionType, seen: tuple[int, ...]) -> list[Any]:
    enclosed = [cell.cell_contents for cell in function.__closure__ or () if cell != _EMPTY]
    looked_at = (function.__defaults__, function.__kwdefaults__, enclosed, _looked_up(function))
    return [_describe_code(function.__code__), *(_describe(part, seen) for part in looked_at)]


def _looked_up(function: FunctionType) -> dict[str, Any]:
    """The global values that the function looks up: those that hold values, and functions of its own module."""
    found = {name: function.__globals__.get(name) for name in sorted(_globals(function.__code__))}
    return {
        name: value
        for name, value in found.items()
        if _holds_values(value) or (isinstance(value, FunctionType) and value.__module__ == function.__module__)
    }


def _holds_values(value: Any) -> bool:
    return isinstance(value, (*_PLAIN, *_HOLDERS)) or (is_dataclass(value) and not isinstance(value, type))


def _globals(code: CodeType) -> set[str]:
    """Names that the code looks up among the globals, and not those of attributes."""
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    own = {step.argval for step in dis.get_instructions(code) if step.opname in _LOOKS_UP}
    return own.union(*(_globals(constant) for constant in inner))


def _describe_code(code: CodeType) -> list[Any]:
    constants = [_describe_code(c) if isinstance(c, CodeType) else _describe(c, ()) for c in code.co_consts]
    return [code.co_code.hex(), constants, list(code.co_names)]
