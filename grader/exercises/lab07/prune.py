"""prune(model, layers): a copy of a GPT-2 or a Llama that keeps these blocks; a model in, a model out."""

from __future__ import annotations

import copy

import torch
from torch import nn

from grader.exercises.ordinary import Catalogue, exercise
from utils.checks.observe import LOOK, ONCE
from utils.checks.pack import Made
from utils.checks.records import Probe

catalogue = Catalogue()
wrong, right = catalogue.wrong, catalogue.right
BLOCKS = ("a GPT-2's blocks", "a Llama's blocks")
WHOLE = ("a whole GPT-2", "a whole Llama")


def _blocks(model):
    return model.transformer.h if hasattr(model, "transformer") else model.model.layers


def _put(model, blocks):
    """The model with these blocks in place of its own."""
    if hasattr(model, "transformer"):
        model.transformer.h = nn.ModuleList(blocks)
    else:
        model.model.layers = nn.ModuleList(blocks)
    return model


def _number(model):
    for place, block in enumerate(_blocks(model)):
        (block.attn if hasattr(block, "attn") else block.self_attn).layer_idx = place
    return model


def _kept(model, layers):
    """A copy with these blocks, and nothing else done."""
    small = copy.deepcopy(model)
    return _put(small, [_blocks(small)[place] for place in layers])


def _deepened(model):
    model.config.num_hidden_layers = len(_blocks(model))
    return model


def prune(model, layers):
    return _deepened(_number(_kept(model, layers)))


def draw(random):
    asked = ((BLOCKS[0], "gpt2", (1, 3), ONCE), (BLOCKS[1], "llama", (0, 2, 3), ONCE))
    asked += ((WHOLE[0], "gpt2", (0, 1, 3), LOOK), (WHOLE[1], "llama", (0, 3, 4), LOOK))
    for name, family, layers, look in asked:
        model = Made("model", {"family": family, "layers": 5, "seed": int(random.integers(1, 10_000))})
        ids = random.integers(1, 11, (1, 5))
        yield Probe(name, {"model": model, "layers": list(layers)}, toys={look: ids})


# What belongs to a whole model


@wrong(
    "the configuration still has the old depth",
    "num_hidden_layers stays as it was.",
    "How many blocks will be built from the saved configuration?",
)
def old_config(model, layers):
    return _number(_kept(model, layers))


@wrong(
    "the blocks' places in the cache (layer_idx) are the old ones",
    "Does not renumber layer_idx.",
    "Where does a block put its keys if it still believes to be number 3 of 4?",
)
def old_places(model, layers):
    return _deepened(_kept(model, layers))


@wrong(
    "neither the configuration nor the blocks' places in the cache are new",
    "Changes the list of blocks alone.",
    "What besides the list knows how deep the model is?",
)
def list_alone(model, layers):
    return _kept(model, layers)


@wrong(
    "layer_idx is set on the block instead of on its attention",
    "The attention keeps its old place.",
    "Which part of a block writes into the cache, and what place does that part know?",
)
def place_on_the_block(model, layers):
    small = _deepened(_kept(model, layers))
    for place, block in enumerate(_blocks(small)):
        block.layer_idx = place
    return small


@wrong(
    "only the configuration is changed: all blocks are still there",
    "Sets num_hidden_layers and nothing else.",
    "Does a built model look at its configuration again, or at its list of blocks?",
)
def configuration_alone(model, layers):
    small = copy.deepcopy(model)
    small.config.num_hidden_layers = len(layers)
    return small


@wrong(
    "the depth in the configuration is the number of removed blocks",
    "num_hidden_layers is what went, not what stayed.",
    "How many blocks has the small model?",
)
def removed_depth(model, layers):
    small = prune(model, layers)
    small.config.num_hidden_layers = len(_blocks(model)) - len(layers)
    return small


# The model that was given


@wrong(
    "the model is changed in place",
    "Cuts the model that was given.",
    "Does the caller still need the large model, as a teacher for example?",
)
def in_place(model, layers):
    return _deepened(_number(_put(model, [_blocks(model)[place] for place in layers])))


@wrong(
    "the copy shares its weights with the model",
    "copy.copy copies the shell only.",
    "You train the small model. What happens to the large one?",
)
def shallow(model, layers):
    small = copy.copy(model)
    small._modules = dict(model._modules)
    name = "transformer" if hasattr(model, "transformer") else "model"
    inner = copy.copy(getattr(model, name))
    inner._modules = dict(inner._modules)
    setattr(small, name, inner)
    small.config = copy.deepcopy(model.config)
    inner.config = small.config
    return _deepened(_number(_put(small, [copy.deepcopy(_blocks(model)[place]) for place in layers])))


@wrong(
    "kept blocks are the model's own, not copies",
    "Copies everything and then puts the original's blocks in.",
    "You train the small model. What happens to the large one?",
)
def own_blocks(model, layers):
    small = copy.deepcopy(model)
    return _deepened(_number(_put(small, [_blocks(model)[place] for place in layers])))


# Which blocks


@wrong(
    "the blocks named are removed instead of kept",
    "Keeps the others.",
    "Does the argument name what stays or what goes?",
)
def removes(model, layers):
    return prune(model, [place for place in range(len(_blocks(model))) if place not in layers])


@wrong("always the first blocks", "Keeps as many as asked for, from the start.", "Which places does the argument name?")
def first(model, layers):
    return prune(model, range(len(layers)))


@wrong("always the last blocks", "Keeps as many as asked for, from the end.", "Which places does the argument name?")
def last(model, layers):
    depth = len(_blocks(model))
    return prune(model, range(depth - len(layers), depth))


@wrong("the blocks are in reverse order", "Turns the order round.", "In which order are the kept blocks to work?")
def reversed_order(model, layers):
    return prune(model, list(layers)[::-1])


@wrong("counted from 1", "Takes each place one lower.", "What is the place of the first block in Python?")
def from_one(model, layers):
    return prune(model, [place - 1 for place in layers])


@wrong(
    "deleting from the front moves the later places",
    "Deletes ascending, so that after each deletion another block is hit.",
    "Delete place 1 of a list. What is at place 2 now?",
)
def deleted_ascending(model, layers):
    small = copy.deepcopy(model)
    blocks = _blocks(small)
    for place in [place for place in range(len(blocks)) if place not in layers]:
        if place < len(blocks):
            del blocks[place]
    return _deepened(_number(small))


@wrong(
    "everything between the first and the last kept block stays",
    "Takes a slice from the smallest place to the largest.",
    "Are the places always neighbours?",
)
def slice_of(model, layers):
    return prune(model, range(min(layers), max(layers) + 1))


# What the blocks stand between


@wrong(
    "the final norm is lost",
    "Puts nothing in its place.",
    "What does the last state go through before the output layer?",
)
def no_final_norm(model, layers):
    small = prune(model, layers)
    if hasattr(small, "transformer"):
        small.transformer.ln_f = nn.Identity()
    else:
        small.model.norm = nn.Identity()
    return small


@wrong(
    "a new model from the configuration: its weights are random",
    "Builds a small model and copies nothing into it.",
    "Whose weights has a model that was built from a configuration?",
)
def new_weights(model, layers):
    config = copy.deepcopy(model.config)
    config.num_hidden_layers = len(layers)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return type(model)(config).to(next(model.parameters()).dtype).eval()


@wrong(
    "only the blocks are copied: embeddings, norm and output layer are new",
    "Loads the blocks' weights into a fresh model and nothing else.",
    "What is in a model besides its blocks?",
)
def blocks_alone(model, layers):
    small = new_weights(model, layers)
    for block, place in zip(_blocks(small), layers, strict=True):
        block.load_state_dict(_blocks(model)[place].state_dict())
    return small


@wrong(
    "the list of blocks is returned, not the model",
    "Returns what is inside.",
    "Can the answer be called with token ids?",
)
def list_returned(model, layers):
    return _blocks(prune(model, layers))


@wrong(
    "the model without its output layer is returned",
    "Returns the inner model, which gives states and no logits.",
    "Does your answer give logits?",
)
def inner_model(model, layers):
    small = prune(model, layers)
    return small.transformer if hasattr(small, "transformer") else small.model


@wrong(
    "every parameter is frozen",
    "Switches the gradients off.",
    "What comes after pruning, and which parameters does it need?",
)
def frozen(model, layers):
    return prune(model, layers).requires_grad_(False)


@right
def by_deleting(model, layers):
    small = copy.deepcopy(model)
    blocks = _blocks(small)
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
    return _deepened(_number(small))


@right
def blocks_copied_alone(model, layers):
    blocks = [copy.deepcopy(_blocks(model)[place]) for place in layers]
    memory = {id(_blocks(model)): nn.ModuleList(blocks)}
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
    return _deepened(_number(_put(small, [_blocks(small)[place] for place in layers])))


@right
def in_the_list_itself(model, layers):
    small = copy.deepcopy(model)
    blocks = _blocks(small)
    kept = [blocks[place] for place in layers]
    for place, block in enumerate(kept):
        blocks[place] = block
    while len(blocks) > len(kept):
        blocks.pop(-1)
    return _deepened(_number(small))


@right
def by_module_names(model, layers):
    small = _deepened(_kept(model, layers))
    for name, module in small.named_modules():
        if name.endswith((".attn", ".self_attn")):
            module.layer_idx = int(name.split(".")[-2])
    return small


PARTS = (("the right blocks, copied", 3.0, BLOCKS), ("a whole model: configuration and cache", 3.0, WHOLE))
EXERCISE = exercise("prune", "07", prune, draw, PARTS, catalogue)
