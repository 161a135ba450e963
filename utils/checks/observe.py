"""What is seen of a model that a function returns, and whether a function has changed what it was given.

A model has no number of its own. Its sizes, what it shares with the arguments, what has become of those, and what it
predicts on the probe's token ids are written down, once without a cache and once token by token with one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from utils.checks.made import Projection, make
from utils.checks.pack import Made
from utils.checks.plain import plain
from utils.checks.records import Probe

LOOK = "look"  # in a probe's toys: token ids (B, S) on which a returned model is asked
ONCE = "look once"  # the same, asked without a cache, and not for its configuration: only which weights it has matters
SEEN = ("parameters", "trainable", "shared", "configuration", "given", "layers", "places", "logits")
SEEN += ("logits with a cache",)


def observed(model: torch.nn.Module, probe: Probe, arguments: Sequence[object] = ()) -> dict[str, np.ndarray]:
    """``seen/...`` numbers of a returned model; those that it cannot give are NaN."""
    beside = _beside(model, [each for each in arguments if isinstance(each, torch.nn.Module)])
    if ONCE in probe.toys:
        return beside | {"seen/logits": _asked(_at_once, model, probe.toys[ONCE])}
    sizes = [sum(p.numel() for p in model.parameters() if p.requires_grad or every) for every in (True, False)]
    numbers = {"seen/parameters": np.array(float(sizes[0])), "seen/trainable": np.array(float(sizes[1]))}
    numbers["seen/layers"] = np.array(_layers(model, unknown=np.nan))
    places = {getattr(module, "layer_idx", None) for module in model.modules()}
    numbers["seen/places"] = np.array(sorted(float(place) for place in places if isinstance(place, int)))
    numbers |= beside
    if LOOK in probe.toys:
        for name, ask in (("logits", _at_once), ("logits with a cache", _token_by_token)):
            numbers[f"seen/{name}"] = _asked(ask, model, probe.toys[LOOK])
    return numbers


def _beside(model: torch.nn.Module, given: Sequence[torch.nn.Module]) -> dict[str, np.ndarray]:
    """What a returned model shares with those that were given, and what has become of these.

    shared: how many of its parameters are theirs; who trains it changes them.  configuration: 1 where its configuration
    is the same object as one of theirs.  given: of each, how deep it says that it is, and how many parameters it has.
    """
    theirs = {parameter.data_ptr() for each in given for parameter in each.parameters()}
    configs = {id(each.config) for each in given if hasattr(each, "config")}
    own = [module.config for module in model.modules() if hasattr(module, "config")]
    left = [[_layers(each, unknown=0.0), float(sum(p.numel() for p in each.parameters()))] for each in given]
    return {
        "seen/shared": np.array(float(sum(parameter.data_ptr() in theirs for parameter in model.parameters()))),
        "seen/configuration": np.array(float(any(id(config) in configs for config in own[:1]))),
        "seen/given": np.array(left).reshape(-1, 2),
    }


def _layers(model: torch.nn.Module, unknown: float) -> float:
    """How many layers any module's configuration says that it has."""
    layers = getattr(getattr(model, "config", None), "num_hidden_layers", None)
    return float(layers) if isinstance(layers, int) else unknown


def _asked(
    ask: Callable[[torch.nn.Module, torch.Tensor], np.ndarray], model: torch.nn.Module, ids: object
) -> np.ndarray:
    try:
        return ask(model, torch.from_numpy(np.asarray(ids).copy()))
    except Exception:  # a model that cannot be asked so is a wrong answer, and the other numbers still count
        return np.array(np.nan)


@torch.no_grad()
def _at_once(model: torch.nn.Module, ids: torch.Tensor) -> np.ndarray:
    return plain(model.eval()(input_ids=ids, use_cache=False).logits)


@torch.no_grad()
def _token_by_token(model: torch.nn.Module, ids: torch.Tensor) -> np.ndarray:
    cache, found = None, []
    for column in ids.split(1, dim=1):
        output = model.eval()(input_ids=column, past_key_values=cache, use_cache=True)
        cache = output.past_key_values
        found.append(output.logits)
    return plain(torch.cat(found, dim=1))


def changed(argument: object, value: object, double: bool) -> bool:
    """Is what was given no longer what it was made of?"""
    if isinstance(value, Made):
        if not isinstance(argument, torch.nn.Module):
            return False
        return _state(argument) != _state(make(value, double))
    if isinstance(value, np.ndarray):
        before = make(value, double)
        same = isinstance(argument, torch.Tensor) and argument.shape == before.shape
        return not same or not np.array_equal(plain(argument), plain(before), equal_nan=True)
    if isinstance(value, (list, tuple)):
        items = len(argument) == len(value)
        return not items or any(changed(ours, was, double) for ours, was in zip(argument, value, strict=True))
    return isinstance(value, dict) and argument != value


def _state(model: torch.nn.Module) -> list[tuple[str, object]]:
    """Every weight, which learn, how many layers the model says that it has, and each one's place in the cache."""
    projection = isinstance(model, Projection)  # its weight is no Parameter, and learns where a gradient is asked
    weights = {"weight": model.weight} if projection else model.state_dict()
    learn = [] if projection else [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    layers = getattr(getattr(model, "config", None), "num_hidden_layers", None)
    places = [getattr(module, "layer_idx", None) for module in model.modules()]
    return [
        ("layers", layers),
        ("places", places),
        ("learn", learn),
        *((name, plain(tensor).tobytes()) for name, tensor in weights.items()),
    ]
