"""Wrong ways to write trainable_parameters: which layers are targets, and which rank their adapters have."""

from __future__ import annotations

from grader.exercises.lab08.trainable_parameters.rule import sides, targeted, trainable_parameters
from grader.exercises.lab08.trainable_parameters.wrong import catalogue

wrong = catalogue.wrong


def _counted(model, rank, chosen):
    """The count over every weight whose layer's whole name is chosen."""
    found = 0
    for name, parameter in model.named_parameters():
        layer, _, kind = name.rpartition(".")
        if kind == "weight" and parameter.ndim == 2 and chosen(layer):
            found += rank * sum(parameter.shape)
    return found


@wrong(
    "a target counts wherever it is a part of the name",
    "Asks whether a target is inside the whole name.",
    "Is `proj` the same as `c_proj`? Compare whole parts of the name, between the dots.",
)
def inside_the_name(model, rank, targets):
    return _counted(model, rank, lambda name: any(target in name for target in targets))


@wrong(
    "a target counts where the name ends with it, also in the middle of a word",
    "Asks name.endswith(target), without the dot.",
    "Does `c_proj` end with `proj`? What stands in front of the last part of a name?",
)
def end_of_the_name(model, rank, targets):
    return _counted(model, rank, lambda name: name.endswith(tuple(targets)))


@wrong(
    "a target counts where the last part of the name holds it",
    "Asks whether a target is inside the last part, not whether it is that part.",
    "Is `proj` the same as `c_proj`? The whole last part must be the target.",
)
def inside_the_last_part(model, rank, targets):
    return _counted(model, rank, lambda name: any(target in name.split(".")[-1] for target in targets))


@wrong(
    "a layer counts where its name is a part of a target",
    "Looks for the layer's name in the targets written as one text.",
    "Is `up_proj` among the targets `gate_up_proj` and `q_proj`?",
)
def inside_a_target(model, rank, targets):
    return _counted(model, rank, lambda name: name.split(".")[-1] in " ".join(targets))


@wrong(
    "the rank is cut to the smaller side of the weight",
    "Takes min(rank, in, out).",
    "Which shapes do A and B have where the rank is larger than the width?",
)
def rank_cut(model, rank, targets):
    return sum(min(rank, *module.weight.shape) * sum(module.weight.shape) for module in targeted(model, targets))


@wrong(
    "the model is frozen by the count",
    "Calls requires_grad_(False) on the model that it was given.",
    "What can still be trained in the model after you have counted?",
)
def freezes(model, rank, targets):
    model.requires_grad_(False)
    return trainable_parameters(model, rank, targets)


@wrong(
    "one side of each weight is counted: its rows",
    "rank x weight.shape[0], which is in or out, by the type of layer.",
    "Which two matrices does one adapter have, and which sides of the weight do they share?",
)
def rows_alone(model, rank, targets):
    return sum(rank * module.weight.shape[0] for module in targeted(model, targets))


@wrong(
    "one side of each weight is counted: its columns",
    "rank x weight.shape[1], which is in or out, by the type of layer.",
    "Which two matrices does one adapter have, and which sides of the weight do they share?",
)
def columns_alone(model, rank, targets):
    return sum(rank * module.weight.shape[1] for module in targeted(model, targets))


@wrong(
    "twice the input side is counted: 2 x rank x in",
    "Takes B to be as large as A.",
    "Which shape has B where a layer has more outputs than inputs?",
)
def twice_in(model, rank, targets):
    return sum(2 * rank * sides(module)[0] for module in targeted(model, targets))


@wrong(
    "twice the output side is counted: 2 x rank x out",
    "Takes A to be as large as B.",
    "Which shape has A where a layer has more outputs than inputs?",
)
def twice_out(model, rank, targets):
    return sum(2 * rank * sides(module)[1] for module in targeted(model, targets))


@wrong(
    "twice the rows of each weight are counted",
    "2 x rank x weight.shape[0].",
    "Which sides of the weight do A and B share?",
)
def twice_rows(model, rank, targets):
    return sum(2 * rank * module.weight.shape[0] for module in targeted(model, targets))


@wrong(
    "twice the columns of each weight are counted",
    "2 x rank x weight.shape[1].",
    "Which sides of the weight do A and B share?",
)
def twice_columns(model, rank, targets):
    return sum(2 * rank * module.weight.shape[1] for module in targeted(model, targets))


@wrong(
    "the first layer alone is counted: the loop returns too early",
    "return stands inside the loop.",
    "In which round of the loop does your function return?",
)
def returns_early(model, rank, targets):
    for module in targeted(model, targets):
        return rank * sum(module.weight.shape)
    return 0


@wrong(
    "the layers' own biases are counted too",
    "Adds module.bias where there is one.",
    "The adapter trains A and B. What trains the layer's bias?",
)
def own_biases(model, rank, targets):
    biases = [getattr(module, "bias", None) for module in targeted(model, targets)]
    return trainable_parameters(model, rank, targets) + sum(bias.numel() for bias in biases if bias is not None)


@wrong(
    "each target is counted once, by its last layer",
    "A dict by the last name keeps one layer for each target.",
    "How often does a target's name come up in the model?",
)
def last_of_each(model, rank, targets):
    found = {name.split(".")[-1]: module for name, module in model.named_modules()}
    return sum(rank * sum(found[target].weight.shape) for target in targets if target in found)


@wrong(
    "what AdamW keeps is counted too: three times the numbers",
    "Multiplies by 3.",
    "How many numbers learn? The optimizer's own two do not.",
)
def with_optimizer(model, rank, targets):
    return 3 * trainable_parameters(model, rank, targets)
