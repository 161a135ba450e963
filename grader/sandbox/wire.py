"""Probes and answers as messages: the same plain numbers on both sides, and nothing else.

No object is sent. The reader builds what arrives from texts and arrays, whatever the writer was.
"""

from __future__ import annotations

import json

import numpy as np

from grader.sandbox.protocol import Message
from utils.checks.forms import MOST_FORM
from utils.checks.records import Answer, Probe, packed_probe, unpacked_probe

MOST_NOTE = 2000


def probe_message(probe: Probe) -> Message:
    """A probe as one JSON text, and its arrays by number."""
    arrays: list[np.ndarray] = []

    def place(array: np.ndarray) -> int:
        arrays.append(array)
        return len(arrays) - 1

    text = json.dumps(packed_probe(probe, place))
    return Message({"kind": "probe", "probe": text}, {str(number): array for number, array in enumerate(arrays)})


def probe_from(message: Message) -> Probe:
    arrays = [message.arrays[str(number)].copy() for number in range(len(message.arrays))]
    return unpacked_probe(json.loads(message.texts["probe"]), arrays)


def answer_message(answer: Answer) -> Message:
    texts = {"kind": "answer", "outcome": answer.outcome, "note": answer.note[:MOST_NOTE], "line": answer.line[:500]}
    texts["form"] = answer.form[:MOST_FORM]
    return Message(texts, dict(answer.numbers))
