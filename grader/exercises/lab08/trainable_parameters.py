"""trainable_parameters(model, rank, targets): how many numbers the adapters of these layers hold."""

from __future__ import annotations

import numpy as np
import torch

from grader.exercises.ordinary import Catalogue, exercise
from utils.checks.pack import Made
from utils.checks.records import Probe

catalogue = Catalogue()
wrong, right = catalogue.wrong, catalogue.right


def _targeted(model, targets):
    return [module for name, module in model.named_modules() if name.split(".")[-1] in targets]


def trainable_parameters(model, rank, targets):
    return sum(rank * sum(module.weight.shape) for module in _targeted(model, targets))


@wrong(
    "counted as one matrix of rank x in x out",
    "Multiplies the two sides instead of adding them.",
    "How many numbers has A, and how many has B?",
)
def product_of_sides(model, rank, targets):
    return sum(rank * module.weight.numel() for module in _targeted(model, targets))


@wrong(
    "A alone is counted",
    "rank x in for each layer; B is missing.",
    "Which two matrices does one adapter have?",
)
def only_a(model, rank, targets):
    linear = torch.nn.Linear
    return sum(
        rank * module.weight.shape[1 if isinstance(module, linear) else 0] for module in _targeted(model, targets)
    )


@wrong(
    "B alone is counted",
    "rank x out for each layer; A is missing.",
    "Which two matrices does one adapter have?",
)
def only_b(model, rank, targets):
    linear = torch.nn.Linear
    return sum(
        rank * module.weight.shape[0 if isinstance(module, linear) else 1] for module in _targeted(model, targets)
    )


@wrong(
    "every layer is taken to be square: 2 x rank x width",
    "Uses the model's width for both sides.",
    "Which sides has the first matrix of the MLP?",
)
def square(model, rank, targets):
    return sum(2 * rank * model.config.hidden_size for _ in _targeted(model, targets))


@wrong(
    "the frozen matrices are counted, not their adapters",
    "The rank is not used.",
    "Does your count depend on the rank?",
)
def frozen(model, rank, targets):
    return sum(module.weight.numel() for module in _targeted(model, targets))


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
    biases = sum(
        module.weight.shape[0 if isinstance(module, torch.nn.Linear) else 1] for module in _targeted(model, targets)
    )
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
    return sum(rank * sum(found[target].weight.shape) for target in targets)


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
        rank * sum(module.weight.shape) for module in _targeted(model, targets) if isinstance(module, torch.nn.Linear)
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


@right
def with_numpy(model, rank, targets):
    shapes = [module.weight.shape for module in _targeted(model, targets)]
    return int(rank * np.sum(shapes)) if shapes else 0


@right
def by_endswith(model, rank, targets):
    ends = tuple("." + target for target in targets)
    return sum(rank * sum(module.weight.size()) for name, module in model.named_modules() if name.endswith(ends))


@right
def by_parameters(model, rank, targets):
    count = 0
    for name, parameter in model.named_parameters():
        *_, layer, kind = name.split(".")
        if layer in targets and kind == "weight":
            count += rank * (parameter.shape[0] + parameter.shape[1])
    return count


@right
def by_features(model, rank, targets):
    total = 0
    for name, module in model.named_modules():
        if name.rsplit(".", 1)[-1] not in targets:
            continue
        if isinstance(module, torch.nn.Linear):
            total += rank * (module.in_features + module.out_features)
        else:
            rows, columns = module.weight.shape
            total += rank * rows + rank * columns
    return total


@right
def builds_them(model, rank, targets):
    adapters = torch.nn.ParameterList()
    for module in _targeted(model, targets):
        one, other = module.weight.shape
        adapters.extend([torch.zeros(rank, one), torch.zeros(other, rank)])
    return sum(parameter.numel() for parameter in adapters)


@right
def walks_the_tree(model, rank, targets):
    def below(module):
        found = 0
        for name, child in module.named_children():
            found += rank * sum(child.weight.shape) if name in targets else below(child)
        return found

    return below(model)


@right
def by_the_state(model, rank, targets):
    import re

    pattern = re.compile(r"(?:^|\.)(?:" + "|".join(map(re.escape, targets)) + r")\.weight$")
    state = {name: tensor for name, tensor in model.state_dict().items() if pattern.search(name)}
    return sum(rank * sum(tensor.shape) for tensor in state.values())


@right
def by_get_submodule(model, rank, targets):
    names = [name for name, _ in model.named_modules() if name and name.split(".")[-1] in set(targets)]
    return rank * sum(sum(model.get_submodule(name).weight.shape) for name in names)


def draw(random: np.random.Generator) -> list[Probe]:
    """GPT-2s and Llamas, with targets in the attention, in the MLP, and in both."""
    found = []
    for name, settings, targets in ASKED:
        model = Made("model", {**settings, "seed": int(random.integers(1000))})
        found.append(Probe(name, {"model": model, "rank": int(random.integers(2, 6)), "targets": list(targets)}))
    return found


LLAMA = {"family": "llama", "layers": 3, "width": 8}
GROUPED = {"family": "llama", "layers": 2, "heads": 4, "width": 16, "key_value_heads": 2}
ASKED = (
    ("GPT-2's attention", {"layers": 2, "width": 8}, ("c_attn",)),
    ("a Llama's attention", LLAMA, ("q_proj", "v_proj")),
    ("all of GPT-2", {"layers": 2, "width": 12}, ("c_attn", "c_proj", "c_fc")),
    ("a Llama", LLAMA, ("q_proj", "v_proj", "down_proj")),
    ("a Llama with grouped heads", GROUPED, ("k_proj", "up_proj")),
)
NAMES = tuple(name for name, *_ in ASKED)
PARTS = (
    ("attention", 1.0, NAMES[:2]),
    (
        "several kinds of layer",
        2.0,
        NAMES[2:],
        (
            "A alone",
            "B alone",
            "every layer is taken",
            "biases are counted",
            "one layer of the model",
            "only nn.Linear",
            "only the MLP",
            "all matrices of the model",
            "only the first target",
            "the output layer is adapted",
            "counted twice",
            "the frozen matrices are counted beside",
        ),
    ),
)
EXERCISE = exercise("trainable_parameters", "08", trainable_parameters, draw, PARTS, catalogue)
