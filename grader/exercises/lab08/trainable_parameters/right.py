"""Right ways to write trainable_parameters; they join the wrong ones in one catalogue."""

from __future__ import annotations

import numpy as np
import torch

from grader.exercises.lab08.trainable_parameters.names import catalogue
from grader.exercises.lab08.trainable_parameters.rule import targeted

right = catalogue.right


@right
def with_numpy(model, rank, targets):
    shapes = [module.weight.shape for module in targeted(model, targets)]
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
    for module in targeted(model, targets):
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
