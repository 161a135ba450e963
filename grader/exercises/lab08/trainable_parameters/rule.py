"""The reference of trainable_parameters, and what its variants share."""

from __future__ import annotations

import torch


def targeted(model, targets):
    """The layers whose last name is one of the targets."""
    return [module for name, module in model.named_modules() if name.split(".")[-1] in targets]


def sides(module):
    """(in, out) of a Linear or a Conv1D."""
    rows, columns = module.weight.shape
    return (columns, rows) if isinstance(module, torch.nn.Linear) else (rows, columns)


def trainable_parameters(model, rank, targets):
    return sum(rank * sum(module.weight.shape) for module in targeted(model, targets))
