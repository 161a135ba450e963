"""Take whole blocks out of a language model, and see what goes into and comes out of each.

Blocks of one model all read and write states of one width, so any of them can go: the next one reads what the one
before wrote.  How much is lost is another question; see `utils.measuring.influence`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from utils.configuration import text_config
from utils.data.batches import Batch, model_inputs, to_device
from utils.errors import CourseError
from utils.models.forward import in_eval_mode

HOLDS_NO_ANSWER = False


def blocks_of(model: PreTrainedModel) -> nn.ModuleList:
    """The model's blocks, first to last.  Raises CourseError for a model that does not keep them in one list."""
    depth = text_config(model).num_hidden_layers
    decoder = model.get_decoder()
    lists = [child for child in decoder.children() if isinstance(child, nn.ModuleList) and len(child) == depth]
    if len(lists) != 1:
        raise CourseError(
            f"A {type(model).__name__} does not keep its {depth} blocks in one list. Choose a model of the GPT-2 "
            "or the Llama family."
        )
    return lists[0]


def prune(model: PreTrainedModel, layers: Sequence[int]) -> PreTrainedModel:
    """A copy of the model that keeps only these blocks, in this order; the model itself stays as it is.

    layers: places in the model, from 0, ascending.  The copy's configuration has the new depth, also in lists with an
    entry for each layer, and each block its new place in the cache; so the copy generates, is saved, and loads again.
    Embeddings, the final norm and the output layer stay, tied where they were.  Raises CourseError for places that are
    not there, come twice or not in order.
    """
    layers = list(layers)
    depth = len(blocks_of(model))
    _require_places(layers, depth)
    if getattr(text_config(model), "scale_attn_by_inverse_layer_idx", False):
        raise CourseError(
            "This model divides the attention of a block by its place, and a pruned block has another place. "
            "Choose a model without scale_attn_by_inverse_layer_idx."
        )
    small = copy.deepcopy(model)
    blocks = blocks_of(small)
    kept = [blocks[place] for place in layers]
    del blocks[:]
    blocks.extend(kept)
    for place, block in enumerate(blocks):
        for part in block.modules():
            if hasattr(part, "layer_idx"):
                part.layer_idx = place
    config = text_config(small)
    for name, value in list(vars(config).items()):
        if "layer" in name and isinstance(value, list | tuple) and len(value) == depth:
            setattr(config, name, type(value)(value[place] for place in layers))
    config.num_hidden_layers = len(layers)
    return small


def _require_places(layers: Sequence[int], depth: int) -> None:
    if not layers:
        raise CourseError("No layer is to be kept. Name at least one.")
    missing = [place for place in layers if not isinstance(place, int) or not 0 <= place < depth]
    if missing:
        raise CourseError(f"There is no layer {missing[0]!r}: this model has the layers 0 to {depth - 1}.")
    if list(layers) != sorted(set(layers)):
        raise CourseError(f"The layers are {list(layers)}. Name each once, in ascending order.")


@torch.no_grad()
def block_states(model: PreTrainedModel, batch: Batch) -> list[Tensor]:
    """What goes through the blocks: L + 1 float32 tensors (B, S, D), before the first block and after each.

    `output_hidden_states` gives the same but for the last one, which has gone through the final norm.
    """
    batch = to_device(batch, next(model.parameters()).device)
    with in_eval_mode(model), _recorded(blocks_of(model)) as states:
        model(**model_inputs(batch))
    return states


@contextmanager
def _recorded(blocks: nn.ModuleList) -> Iterator[list[Tensor]]:
    """Inside, a call of the model fills the list with what the first block reads and what each block writes."""
    states: list[Tensor] = []

    def before(block: nn.Module, arguments: tuple, named: dict) -> None:
        states.append((arguments[0] if arguments else named["hidden_states"]).float())

    def after(block: nn.Module, arguments: tuple, output: Tensor | tuple) -> None:
        states.append((output[0] if isinstance(output, tuple) else output).float())

    hooks = [blocks[0].register_forward_pre_hook(before, with_kwargs=True)]
    hooks += [block.register_forward_hook(after) for block in blocks]
    try:
        yield states
    finally:
        for hook in hooks:
            hook.remove()
