"""Make a GPT-2 narrower instead of shallower: fewer heads and fewer neurons in every block, all blocks kept.

For the experiment alone.  A GPT-2's configuration says that heads times their size is the width, so a model with fewer
heads of the same size is not one that `from_pretrained` could build.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from utils.data.batches import Batch, model_inputs
from utils.models.forward import in_eval_mode
from utils.models.pruning import blocks_of


def narrow(model: PreTrainedModel, batches: Iterable[Batch], heads: int, neurons: int) -> PreTrainedModel:
    """A copy of a GPT-2 that keeps in each block the heads and neurons that matter most over the batches.

    A neuron by its mean absolute activation, a head by the mean norm of what it adds to the states.
    """
    found = importance(model, batches)
    small = copy.deepcopy(model)
    for block, (of_heads, of_neurons) in zip(blocks_of(small), found, strict=True):
        kept_neurons = of_neurons.topk(neurons).indices.sort().values
        _keep_outputs(block.mlp.c_fc, kept_neurons)
        _keep_inputs(block.mlp.c_proj, kept_neurons)
        attention, width = block.attn, block.attn.embed_dim
        kept_heads = of_heads.topk(heads).indices.sort().values
        columns = (kept_heads[:, None] * attention.head_dim + torch.arange(attention.head_dim)).flatten()
        _keep_outputs(attention.c_attn, torch.cat([columns + part * width for part in range(3)]))
        _keep_inputs(attention.c_proj, columns)
        attention.num_heads, attention.split_size = heads, len(columns)
    return small


@torch.no_grad()
def importance(model: PreTrainedModel, batches: Iterable[Batch]) -> list[tuple[Tensor, Tensor]]:
    """For each block (heads,) and (neurons,): sums over all real positions of how much each one does."""
    blocks = blocks_of(model)
    found = [(torch.zeros(block.attn.num_heads), torch.zeros(block.mlp.c_fc.nf)) for block in blocks]
    for batch in batches:
        valid = batch["attention_mask"].bool()
        hooks = []
        for block, (of_heads, of_neurons) in zip(blocks, found, strict=True):
            count = partial(_add_heads, valid, of_heads)
            hooks.append(block.attn.c_proj.register_forward_pre_hook(count))
            hooks.append(block.mlp.c_proj.register_forward_pre_hook(partial(_add_neurons, valid, of_neurons)))
        try:
            with in_eval_mode(model):
                model(**model_inputs(batch))
        finally:
            for hook in hooks:
                hook.remove()
    return found


def _add_heads(valid: Tensor, sums: Tensor, projection: Conv1D, inputs: tuple[Tensor]) -> None:
    heads = inputs[0][valid].float().unflatten(-1, (len(sums), -1))
    matrices = projection.weight.float().unflatten(0, (len(sums), -1))
    sums += torch.einsum("phi,hio->pho", heads, matrices).norm(dim=-1).sum(0)


def _add_neurons(valid: Tensor, sums: Tensor, projection: Conv1D, inputs: tuple[Tensor]) -> None:
    sums += inputs[0][valid].float().abs().sum(0)


def _keep_outputs(layer: Conv1D, kept: Tensor) -> None:
    layer.weight = nn.Parameter(layer.weight[:, kept].detach().clone())
    layer.bias = nn.Parameter(layer.bias[kept].detach().clone())
    layer.nf = len(kept)


def _keep_inputs(layer: Conv1D, kept: Tensor) -> None:
    layer.weight = nn.Parameter(layer.weight[kept].detach().clone())
    layer.nx = len(kept)
