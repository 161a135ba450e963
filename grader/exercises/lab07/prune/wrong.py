"""Wrong ways to write prune."""

from __future__ import annotations

import copy

import torch
from torch import nn

from grader.exercises.lab07.prune.rule import blocks_of, copied_with, deepened, prune, renumbered, shell_of, with_blocks
from grader.exercises.ordinary import Catalogue
from utils.checks.hints import COMMON
from utils.checks.judgement import SHARED_CONFIGURATION, SHARED_WEIGHTS, UNUSED

catalogue = Catalogue()
wrong = catalogue.wrong


# What belongs to a whole model


@wrong(
    "the configuration still has the old depth",
    "num_hidden_layers stays as it was.",
    "How many blocks will be built from the saved configuration?",
)
def old_config(model, layers):
    return renumbered(copied_with(model, layers))


@wrong(
    "the blocks' places in the cache (layer_idx) are the old ones",
    "Does not renumber layer_idx.",
    "Where does a block put its keys if it still believes to be number 3 of 4?",
)
def old_places(model, layers):
    return deepened(copied_with(model, layers))


@wrong(
    "neither the configuration nor the blocks' places in the cache are new",
    "Changes the list of blocks alone.",
    "What besides the list knows how deep the model is?",
)
def list_alone(model, layers):
    return copied_with(model, layers)


@wrong(
    "layer_idx is set on the block instead of on its attention",
    "The attention keeps its old place.",
    "Which part of a block writes into the cache, and what place does that part know?",
)
def place_on_the_block(model, layers):
    small = deepened(copied_with(model, layers))
    for place, block in enumerate(blocks_of(small)):
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
    small.config.num_hidden_layers = len(blocks_of(model)) - len(layers)
    return small


# The model that was given


@wrong(
    "the model is changed in place",
    "Cuts the model that was given.",
    "Does the caller still need the large model, as a teacher for example?",
)
def in_place(model, layers):
    return deepened(renumbered(with_blocks(model, [blocks_of(model)[place] for place in layers])))


@wrong(
    "the new depth is in the configuration of the model that was given, not in the copy's",
    "Writes to model.config; the copy's configuration stays as it was.",
    "Two models, two configurations: which depth does each one say, and which should it say?",
)
def wrong_config(model, layers):
    small = renumbered(copied_with(model, layers))
    model.config.num_hidden_layers = len(layers)
    return small


@wrong(
    "model.config changed in place",
    "Writes the new depth into both configurations.",
    "Which depth does the large model's configuration say after the call?",
)
def both_configs(model, layers):
    small = prune(model, layers)
    model.config.num_hidden_layers = len(layers)
    return small


@wrong(
    SHARED_CONFIGURATION,
    "Gives the copy the configuration object of the model.",
    COMMON[SHARED_CONFIGURATION],
)
def one_config(model, layers):
    small = copied_with(model, layers)
    small.config = model.config
    return deepened(renumbered(small))


@wrong(
    UNUSED,
    "Keeps the removed blocks under another name.",
    COMMON[UNUSED],
)
def keeps_the_old_list(model, layers):
    small = copy.deepcopy(model)
    small.all_blocks = blocks_of(small)
    return deepened(renumbered(with_blocks(small, [blocks_of(small)[place] for place in layers])))


@wrong(
    "the copy shares its weights with the model",
    "copy.copy copies the shell only.",
    COMMON[SHARED_WEIGHTS],
)
def shallow(model, layers):
    small = shell_of(model)
    small.config = copy.deepcopy(model.config)
    (small.transformer if hasattr(small, "transformer") else small.model).config = small.config
    return deepened(renumbered(with_blocks(small, [copy.deepcopy(blocks_of(model)[place]) for place in layers])))


@wrong(
    "kept blocks are the model's own, not copies",
    "Copies everything and then puts the original's blocks in.",
    COMMON[SHARED_WEIGHTS],
)
def own_blocks(model, layers):
    small = copy.deepcopy(model)
    return deepened(renumbered(with_blocks(small, [blocks_of(model)[place] for place in layers])))


# Which blocks


@wrong(
    "the blocks named are removed instead of kept",
    "Keeps the others.",
    "Does the argument name what stays or what goes?",
)
def removes(model, layers):
    return prune(model, [place for place in range(len(blocks_of(model))) if place not in layers])


@wrong("always the first blocks", "Keeps as many as asked for, from the start.", "Which places does the argument name?")
def first(model, layers):
    return prune(model, range(len(layers)))


@wrong("always the last blocks", "Keeps as many as asked for, from the end.", "Which places does the argument name?")
def last(model, layers):
    depth = len(blocks_of(model))
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
    blocks = blocks_of(small)
    for place in [place for place in range(len(blocks)) if place not in layers]:
        if place < len(blocks):
            del blocks[place]
    return deepened(renumbered(small))


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
    for block, place in zip(blocks_of(small), layers, strict=True):
        block.load_state_dict(blocks_of(model)[place].state_dict())
    return small


@wrong(
    "the list of blocks is returned, not the model",
    "Returns what is inside.",
    "Can the answer be called with token ids?",
)
def list_returned(model, layers):
    return blocks_of(prune(model, layers))


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
