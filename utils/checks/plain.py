"""From whatever was returned to plain numbers, without trusting the object: none of its own operators is called."""

from __future__ import annotations

import math

import numpy as np
import torch

_WHOLE = (int, np.integer)
_NUMBERS = (*_WHOLE, float, np.floating)


def describe(returned: object) -> tuple[str, str, torch.Tensor | None]:
    """(outcome, type's name, the number in it as a tensor where one can be found)."""
    kind = type(returned).__name__
    if isinstance(returned, torch.Tensor):
        return "tensor", kind, returned
    if returned is None:
        return "none", kind, None
    if isinstance(returned, (bool, str)):
        return "other", kind, None
    if isinstance(returned, (int, float, np.number)) or (isinstance(returned, np.ndarray) and returned.ndim == 0):
        return "float", kind, torch.tensor(float(returned), dtype=torch.float64)
    if isinstance(returned, dict):
        returned = list(returned.values())
    if isinstance(returned, (tuple, list)):
        if all(isinstance(item, _NUMBERS) and type(item) is not bool for item in returned):
            numbers = torch.tensor([float(item) for item in returned], dtype=torch.float64)
            whole = all(isinstance(item, _WHOLE) for item in returned)
            return "other", kind if whole else f"{kind} of floats", numbers
        tensors = [item for item in returned if isinstance(item, torch.Tensor)]
        inner = f" of {type(returned[0]).__name__}s" if returned and not tensors else ""
        return "other", kind + inner, tensors[0] if tensors else None
    return "other", kind, None


def plain(tensor: torch.Tensor) -> np.ndarray:
    """Detached float64 numbers; a boolean or complex tensor gives NaN, which is never right."""
    if tensor.is_complex() or tensor.dtype == torch.bool:
        return np.full(tuple(tensor.shape), math.nan)
    return tensor.detach().to(torch.float64).cpu().numpy().copy()
