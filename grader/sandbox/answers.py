"""What does a submission say that it answered?  Read by the judge, outside of the sandbox.

An honest recorder sends only known keys and bounded shapes: names that ``utils.checks.ask`` and ``toys`` write down,
shapes that follow from the probe, as many rows as there were calls. Everything else is refused before the judge loops
over a stranger's counts, or makes (7000, 7000) numbers out of (7000, 1) and (1, 7000).
"""

from __future__ import annotations

import importlib

import numpy as np

from grader.marking.plain_text import one_line
from grader.sandbox.protocol import Message, ProtocolError
from grader.sandbox.wire import MOST_NOTE
from utils.checks.forms import MOST_FORM
from utils.checks.observe import SEEN
from utils.checks.plain import MOST_LEAVES, MOST_NUMBERS
from utils.checks.plays.toys import MANY, Shapes
from utils.checks.records import Answer, Probe, leaf_name

MOST_CALLS = 1000  # of a model, a loss or an optimizer, while one probe is played


def answer_from(message: Message, probe: Probe) -> Answer:
    """The answer to ``probe``, its texts on one line each. Raises ProtocolError where it cannot have been recorded
    honestly."""
    if message.texts.get("kind") != "answer":
        raise ProtocolError("something that is not an answer")
    shapes = shapes_of(probe)
    for key, array in message.arrays.items():
        complaint = _complaint(key, array, shapes)
        if complaint:
            raise ProtocolError(complaint)
    returned = sum(array.size for key, array in message.arrays.items() if key.split("/")[0] == "value")
    if returned > MOST_NUMBERS:
        raise ProtocolError(f"{returned:,} numbers in what was returned, of at most {MOST_NUMBERS:,}")
    texts = {key: one_line(message.texts.get(key, ""), MOST_NOTE) for key in ("outcome", "note", "line")}
    form = message.texts.get("form", "")
    if len(form) > MOST_FORM:
        raise ProtocolError(f"a form of {len(form):,} characters, of at most {MOST_FORM:,}")
    return Answer(**texts, numbers=message.arrays, form=form)


def _complaint(key: str, array: np.ndarray, shapes: Shapes) -> str:
    """Why an array cannot be of an honest answer; empty where it can."""
    if key not in shapes:
        return f"numbers named {one_line(key, 40)!r}, which no answer to this question has"
    if array.dtype != np.float64:
        return f"an answer whose numbers are not float64 ({key}: {array.dtype})"
    wanted = shapes[key]
    if wanted is None:
        return f"{array.size:,} numbers for {key}, of at most {MOST_NUMBERS:,}" if array.size > MOST_NUMBERS else ""
    if array.ndim == len(wanted) and all(map(_fits, array.shape, wanted)):
        return ""
    words = str(wanted).replace(str(MANY), f"at most {MOST_CALLS}")
    return f"numbers of shape {array.shape} for {key}, where {words} belongs"


def _fits(length: int, wanted: int) -> bool:
    return length <= MOST_CALLS if wanted == MANY else length == wanted


def shapes_of(probe: Probe) -> Shapes:
    """The shapes that an honest answer's arrays can have, by their names."""
    returned: Shapes = dict.fromkeys(map(leaf_name, range(MOST_LEAVES)))
    if probe.play:
        return returned | importlib.import_module(f"utils.checks.plays.{probe.play}").shapes(probe)
    inputs = probe.inputs
    gradients = {f"gradient/{name}": _shape_of(inputs[name]) for name in probe.gradients}
    seen = {f"seen/{name}": None for name in SEEN}
    return returned | seen | {"trace/backward": (1,)} | gradients | {f"changed/{name}": (1,) for name in inputs}


def _shape_of(value: object) -> tuple[int, ...]:
    """The shape of an array, or of the weight of a projection."""
    return np.shape(value if isinstance(value, np.ndarray) else value.settings["weight"])
