"""Probes and answers as messages: the same plain numbers on both sides, and nothing else.

The mistake this prevents: sending objects. What arrives is built again from texts and arrays by the reader, whatever
the writer was.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from grader.sandbox.protocol import Message
from utils.checks.records import Answer, Probe

MOST_NOTE = 2000


def probe_message(probe: Probe) -> Message:
    """Every field by its name; a mapping's keys are listed in order, its values follow as arrays."""
    texts, arrays = {"kind": "probe"}, {}
    for each in fields(probe):
        value = getattr(probe, each.name)
        if isinstance(value, str):
            texts[each.name] = value
        elif isinstance(value, tuple):
            texts[each.name] = "\n".join(value)
        elif isinstance(value, dict):
            texts[each.name] = "\n".join(value)
            arrays |= {f"{each.name}/{key}": np.asarray(item) for key, item in value.items()}
        else:
            arrays[each.name] = np.asarray(value)
    return Message(texts, arrays)


def probe_from(message: Message) -> Probe:
    values: dict[str, object] = {}
    for each in fields(Probe):
        text = message.texts.get(each.name, "")
        names = tuple(text.split("\n")) if text else ()
        if each.type.startswith("dict"):
            values[each.name] = {name: _number(message.arrays[f"{each.name}/{name}"]) for name in names}
        elif each.type.startswith("tuple"):
            values[each.name] = names
        elif each.type == "str":
            values[each.name] = text
        else:
            values[each.name] = _number(message.arrays[each.name])
    return Probe(**values)


def _number(array: np.ndarray) -> np.ndarray | float:
    return array.copy() if array.ndim else array.item()


def answer_message(answer: Answer) -> Message:
    texts = {"kind": "answer", "outcome": answer.outcome, "note": answer.note[:MOST_NOTE], "line": answer.line[:500]}
    return Message(texts, dict(answer.numbers))
