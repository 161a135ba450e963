"""What does a submission say that it answered?  Stands with the judge, outside of the sandbox.

Who recorded an answer honestly could only send what ``utils.checks.ask`` and ``toys`` write down: known names, shapes
that follow from the probe, and as many rows as there were calls, which are bounded. The mistake this prevents: a judge
that loops over a stranger's counts, or makes (7000, 7000) numbers out of (7000, 1) and (1, 7000).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from grader.marking.plain_text import one_line
from grader.sandbox.protocol import Message, ProtocolError
from grader.sandbox.wire import MOST_NOTE
from utils.checks.records import Answer, Probe

MOST_CALLS = 1000  # of a model, a loss or an optimizer, while one probe is played
MOST_NUMBERS = 1 << 16  # in what is returned, or given to a loss: there any shape may come of an honest mistake
_CALLS = -1  # in a shape: at most MOST_CALLS
_NAMES_LEFT = 3  # of utils.checks.aftermath

Shape = tuple[int, ...] | None  # None: any, of at most MOST_NUMBERS


def answer_from(message: Message, name: str, probe: Probe) -> Answer:
    """The answer of exercise ``name`` to ``probe``, its texts on one line each. Raises ProtocolError where it cannot
    have been recorded honestly."""
    if message.texts.get("kind") != "answer":
        raise ProtocolError("something that is not an answer")
    shapes = _PLAYED.get(name, _called)(probe)
    for key, array in message.arrays.items():
        complaint = _complaint(key, array, shapes)
        if complaint:
            raise ProtocolError(complaint)
    texts = {key: one_line(message.texts.get(key, ""), MOST_NOTE) for key in ("outcome", "note", "line")}
    return Answer(**texts, numbers=message.arrays)


def _complaint(key: str, array: np.ndarray, shapes: dict[str, Shape]) -> str:
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
    words = str(wanted).replace(str(_CALLS), f"at most {MOST_CALLS}")
    return f"numbers of shape {array.shape} for {key}, where {words} belongs"


def _fits(length: int, wanted: int) -> bool:
    return length <= MOST_CALLS if wanted == _CALLS else length == wanted


def _called(probe: Probe) -> dict[str, Shape]:
    """Of a function that is called with arrays."""
    arrays = {name: value.shape for name, value in probe.inputs.items() if isinstance(value, np.ndarray)}
    gradients = {f"gradient/{name}": arrays[name] for name in probe.gradients}
    return {"value": None, "trace/backward": (1,)} | gradients | {f"changed/{name}": (1,) for name in arrays}


def _train_step(probe: Probe) -> dict[str, Shape]:
    batches, student, teacher = int(probe.toys["batches"]), _weights(probe, "student"), _weights(probe, "teacher")
    given = {f"trace/loss/{batch}/{of}": None for batch in range(batches) for of in ("student", "teacher", "labels")}
    return given | {
        "value": (batches,),
        "trace/weights": (batches, student),
        "trace/counts": (batches, 2),
        "trace/teacher weights": (teacher,),
        "trace/student calls": (_CALLS, 4),
        "trace/teacher calls": (_CALLS, 4),
        "trace/steps": (_CALLS, student),
        "trace/own": (_CALLS, student),
        "trace/events": (_CALLS,),
        "trace/open": (2, _CALLS),
        "trace/left": (_NAMES_LEFT,),
    }


def _perplexity(probe: Probe) -> dict[str, Shape]:
    return {"value": None, "trace/calls": (_CALLS, 4), "trace/moved": (1,), "trace/left": (_NAMES_LEFT,)}


def _weights(probe: Probe, which: str) -> int:
    return sum(np.size(probe.toys[f"{which}/{name}"]) for name in ("embedding", "head"))


_PLAYED: dict[str, Callable[[Probe], dict[str, Shape]]] = {"train_step": _train_step, "perplexity": _perplexity}
