"""Wrong ways to write trainable_parameters: what is counted, and how much of it."""

from __future__ import annotations

import torch

from grader.exercises.lab08.trainable_parameters.rule import sides, targeted, trainable_parameters
from grader.exercises.ordinary import Catalogue

catalogue = Catalogue()
wrong = catalogue.wrong


@wrong(
    "counted as one matrix of rank x in x out",
    "Multiplies the two sides instead of adding them.",
    "How many numbers has A, and how many has B?",
)
def product_of_sides(model, rank, targets):
    return sum(rank * module.weight.numel() for module in targeted(model, targets))


@wrong(
    "A alone is counted",
    "rank x in for each layer; B is missing.",
    "Which two matrices does one adapter have?",
)
def only_a(model, rank, targets):
    return sum(rank * sides(module)[0] for module in targeted(model, targets))


@wrong(
    "B alone is counted",
    "rank x out for each layer; A is missing.",
    "Which two matrices does one adapter have?",
)
def only_b(model, rank, targets):
    return sum(rank * sides(module)[1] for module in targeted(model, targets))


@wrong(
    "every layer is taken to be square: 2 x rank x width",
    "Uses the model's width for both sides.",
    "Which sides has the first matrix of the MLP?",
)
def square(model, rank, targets):
    return sum(2 * rank * model.config.hidden_size for _ in targeted(model, targets))


@wrong(
    "the frozen matrices are counted, not their adapters",
    "The rank is not used.",
    "Does your count depend on the rank?",
)
def frozen(model, rank, targets):
    return sum(module.weight.numel() for module in targeted(model, targets))


@wrong(
    "the frozen matrices are counted beside their adapters",
    "Adds what does not learn.",
    "Which numbers does the optimizer move?",
)
def frozen_too(model, rank, targets):
    return trainable_parameters(model, rank, targets) + frozen(model, rank, targets)


@wrong(
    "biases are counted as trainable",
    "Adds one number for each output.",
    "An adapter is B A x. Where would its bias be?",
)
def with_bias(model, rank, targets):
    biases = sum(sides(module)[1] for module in targeted(model, targets))
    return trainable_parameters(model, rank, targets) + biases


@wrong(
    "one layer of the model is counted instead of all",
    "Stops at the first module of each name.",
    "How often does a target's name come up in the model?",
)
def one_of_each(model, rank, targets):
    found = {}
    for name, module in model.named_modules():
        found.setdefault(name.split(".")[-1], module)
    return sum(rank * sum(found[target].weight.shape) for target in targets if target in found)


@wrong(
    "only the attention is counted: the MLP's matrices are missing",
    "Looks into modules named attn or self_attn alone.",
    "Which of the targets' names are outside the attention?",
)
def attention_only(model, rank, targets):
    return sum(
        rank * sum(module.weight.shape)
        for name, module in model.named_modules()
        if name.split(".")[-1] in targets and "attn" in name
    )


@wrong(
    "only the MLP is counted: the attention's matrices are missing",
    "Looks into modules named mlp alone.",
    "Which of the targets' names are inside the attention?",
)
def mlp_only(model, rank, targets):
    return sum(
        rank * sum(module.weight.shape)
        for name, module in model.named_modules()
        if name.split(".")[-1] in targets and "mlp" in name
    )


@wrong(
    "only nn.Linear is counted: GPT-2's Conv1D is overlooked",
    "In transformers GPT-2 keeps its matrices in a class of its own.",
    "Print type(module) of a GPT-2 layer's c_attn. Is it an nn.Linear?",
)
def linear_only(model, rank, targets):
    return sum(
        rank * sum(module.weight.shape) for module in targeted(model, targets) if isinstance(module, torch.nn.Linear)
    )


@wrong(
    "all matrices of the model are counted, not only the targets",
    "The targets are not asked.",
    "Does your count depend on the targets?",
)
def all_matrices(model, rank, targets):
    names = {name.split(".")[-1] for name, module in model.named_modules() if "h." in name or "layers." in name}
    return sum(
        rank * sum(module.weight.shape)
        for name, module in model.named_modules()
        if name.split(".")[-1] in names and getattr(getattr(module, "weight", None), "ndim", 0) == 2
    )


@wrong(
    "the output layer is adapted too",
    "Adds an adapter for lm_head.",
    "Is lm_head among the targets?",
)
def with_head(model, rank, targets):
    return trainable_parameters(model, rank, targets) + rank * sum(model.lm_head.weight.shape)


@wrong(
    "only the first target is counted",
    "Stops after one name.",
    "Which of the targets do you count?",
)
def only_first_target(model, rank, targets):
    return trainable_parameters(model, rank, targets[:1])


@wrong(
    "the rank is missing: one direction is counted",
    "in + out for each layer.",
    "Does your count depend on the rank?",
)
def rank_missing(model, rank, targets):
    return trainable_parameters(model, 1, targets)


@wrong(
    "counted twice",
    "Goes through weights and adapters, or through parents and children.",
    "Compare with one layer counted by hand.",
)
def twice(model, rank, targets):
    return 2 * trainable_parameters(model, rank, targets)
