"""What is right, and the pieces that wrong and right ways to write prune share."""

from __future__ import annotations

import copy

from torch import nn


def blocks_of(model):
    return model.transformer.h if hasattr(model, "transformer") else model.model.layers


def with_blocks(model, blocks):
    """The model with these blocks in place of its own."""
    if hasattr(model, "transformer"):
        model.transformer.h = nn.ModuleList(blocks)
    else:
        model.model.layers = nn.ModuleList(blocks)
    return model


def renumbered(model):
    for place, block in enumerate(blocks_of(model)):
        (block.attn if hasattr(block, "attn") else block.self_attn).layer_idx = place
    return model


def copied_with(model, layers):
    """A copy with these blocks, and nothing else done."""
    small = copy.deepcopy(model)
    return with_blocks(small, [blocks_of(small)[place] for place in layers])


def deepened(model):
    model.config.num_hidden_layers = len(blocks_of(model))
    return model


def prune(model, layers):
    return deepened(renumbered(copied_with(model, layers)))


def shell_of(model):
    """A copy of a model's own object and of the one that holds its blocks; all that they hold is still the model's."""
    shell = copy.copy(model)
    shell._modules = dict(model._modules)
    name = "transformer" if hasattr(model, "transformer") else "model"
    inner = copy.copy(getattr(model, name))
    inner._modules = dict(inner._modules)
    setattr(shell, name, inner)
    return shell
