"""Ask a perplexity of a tiny model on batches, and write down how the model was asked and left behind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from utils.checks.plain import describe, read
from utils.checks.plays.aftermath import KEPT, left_behind
from utils.checks.plays.toys import CALL, MANY, Calls, Shapes, batches_of, flat, model_of
from utils.checks.records import Answer, Probe, leaf_name

ARGUMENTS = ("model", "batches")


def play(fn: Callable, probe: Probe) -> Answer:
    """Call ``fn(model, batches)`` with a model in train mode."""
    calls = Calls()
    model = calls.watch(model_of(probe, "model")).train()
    given = list(batches_of(probe))
    before = flat(model)
    handed = [{name: tensor.clone() for name, tensor in batch.items()} for batch in given]
    returned = fn(model, handed)
    outcome, note = describe(returned)
    found = read(returned)
    numbers = {leaf_name(place): leaf for place, leaf in enumerate(found.leaves)}
    numbers |= {"trace/calls": calls.numbers(given), **left_behind(given, handed, model)}
    numbers["trace/moved"] = np.array([float(np.abs(flat(model) - before).max())])
    return Answer(outcome, note, "", numbers, found.text)


def shapes(probe: Probe) -> Shapes:
    """What an honest answer holds beside what was returned."""
    return {"trace/calls": (MANY, CALL), "trace/moved": (1,), "trace/left": (KEPT,)}
