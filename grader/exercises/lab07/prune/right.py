"""Right ways to write prune, in other styles."""

from __future__ import annotations

import copy

import torch
from torch import nn

from grader.exercises.lab07.prune.rule import blocks_of, copied_with, deepened, renumbered, with_blocks
from grader.exercises.lab07.prune.wrong import catalogue

right = catalogue.right


@right
def by_deleting(model, layers):
    small = copy.deepcopy(model)
    blocks = blocks_of(small)
    for place in sorted(set(range(len(blocks))) - set(layers), reverse=True):
        del blocks[place]
    for place, block in enumerate(blocks):
        for part in block.modules():
            if hasattr(part, "layer_idx"):
                part.layer_idx = place
    small.config.num_hidden_layers = len(blocks)
    return small


@right
def in_a_new_model(model, layers):
    config = copy.deepcopy(model.config)
    config.num_hidden_layers = len(layers)
    small = type(model)(config).to(next(model.parameters()).dtype)
    names = {}
    start = "transformer.h." if hasattr(model, "transformer") else "model.layers."
    for name, weight in model.state_dict().items():
        if not name.startswith(start):
            names[name] = weight
            continue
        place, _, rest = name.removeprefix(start).partition(".")
        if int(place) in layers:
            names[f"{start}{list(layers).index(int(place))}.{rest}"] = weight
    small.load_state_dict(names)
    return small.eval()


@right
def by_its_own_names(model, layers):
    small = copy.deepcopy(model)
    if small.config.model_type == "gpt2":
        small.transformer.h = nn.ModuleList([small.transformer.h[i] for i in layers])
        for i, block in enumerate(small.transformer.h):
            block.attn.layer_idx = i
        small.config.n_layer = len(layers)
    else:
        small.model.layers = nn.ModuleList([small.model.layers[i] for i in layers])
        for i, block in enumerate(small.model.layers):
            block.self_attn.layer_idx = i
        small.config.num_hidden_layers = len(layers)
    return small


@right
def with_the_decoder(model, layers):
    small = copy.deepcopy(model)
    for name, child in list(small.get_decoder().named_children()):
        if isinstance(child, nn.ModuleList):
            setattr(small.get_decoder(), name, nn.ModuleList(child[place] for place in layers))
    return deepened(renumbered(small))


@right
def blocks_copied_alone(model, layers):
    blocks = [copy.deepcopy(blocks_of(model)[place]) for place in layers]
    memory = {id(blocks_of(model)): nn.ModuleList(blocks)}
    small = copy.deepcopy(model, memory)
    for place, block in enumerate(blocks):
        vars(block.attn if hasattr(block, "attn") else block.self_attn)["layer_idx"] = place
    small.config.update({"num_hidden_layers": len(blocks)})
    return small


@right
def saved_and_loaded(model, layers):
    import io

    buffer = io.BytesIO()
    torch.save(model, buffer)
    buffer.seek(0)
    small = torch.load(buffer, weights_only=False)
    return deepened(renumbered(with_blocks(small, [blocks_of(small)[place] for place in layers])))


@right
def in_the_list_itself(model, layers):
    small = copy.deepcopy(model)
    blocks = blocks_of(small)
    kept = [blocks[place] for place in layers]
    for place, block in enumerate(kept):
        blocks[place] = block
    while len(blocks) > len(kept):
        blocks.pop(-1)
    return deepened(renumbered(small))


@right
def by_module_names(model, layers):
    small = deepened(copied_with(model, layers))
    for name, module in small.named_modules():
        if name.endswith((".attn", ".self_attn")):
            module.layer_idx = int(name.split(".")[-2])
    return small
