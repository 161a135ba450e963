"""``cut_layers(model, layers)``: a copy of a Llama that keeps these layers; a model in, a model out."""

import copy

import torch

from grader.exercises.ordinary import Catalogue, exercise
from utils.checks.pack import Made
from utils.checks.records import Probe

catalogue = Catalogue()


def cut_layers(model, layers):
    small = copy.deepcopy(model)
    small.model.layers = torch.nn.ModuleList(small.model.layers[place] for place in layers)
    for place, layer in enumerate(small.model.layers):
        layer.self_attn.layer_idx = place
    small.config.num_hidden_layers = len(layers)
    return small


def draw(stream):
    for layers in ((0, 2), (1,), (0, 1, 2)):
        model = Made("model", {"family": "llama", "layers": 3, "seed": int(stream.integers(1000))})
        look = {"look": stream.integers(1, 11, (1, 5))}
        yield Probe(f"keep {layers}", {"model": model, "layers": list(layers)}, toys=look)


@catalogue.wrong("only the first layer is cut", "layers[1:].", "Which layers does the argument name?")
def without_the_first(model, layers):
    return cut_layers(model, [1, 2])


@catalogue.wrong("the model is changed in place", "No copy.", "Does the caller still need the large model?")
def in_place(model, layers):
    model.model.layers = torch.nn.ModuleList(model.model.layers[place] for place in layers)
    for place, layer in enumerate(model.model.layers):
        layer.self_attn.layer_idx = place
    model.config.num_hidden_layers = len(layers)
    return model


@catalogue.wrong(
    "the config still has the old depth", "num_hidden_layers stays.", "What will be built from the config?"
)
def old_config(model, layers):
    small = cut_layers(model, layers)
    small.config.num_hidden_layers = model.config.num_hidden_layers
    return small


@catalogue.right
def by_deleting(model, layers):
    small = copy.deepcopy(model)
    for place in sorted(set(range(len(small.model.layers))) - set(layers), reverse=True):
        del small.model.layers[place]
    for place, layer in enumerate(small.model.layers):
        layer.self_attn.layer_idx = place
    small.config.num_hidden_layers = len(small.model.layers)
    return small


PROBES = ("keep (0, 2)", "keep (1,)", "keep (0, 1, 2)")
EXERCISE = exercise("cut_layers", "99", cut_layers, draw, [("model", 2, PROBES)], catalogue)
