"""What does a submission say that it answered?  Stands with the judge, outside of the sandbox.

The mistake this prevents: a text or an array of a stranger's that is believed to be what an honest answer holds.
"""

from __future__ import annotations

import numpy as np

from grader.plain_text import one_line
from grader.sandbox.protocol import Message, ProtocolError
from grader.sandbox.wire import MOST_NOTE
from utils.checks.records import Answer


def answer_from(message: Message) -> Answer:
    """The answer, its texts on one line each. Raises ProtocolError for anything but texts and float64 arrays."""
    if message.texts.get("kind") != "answer":
        raise ProtocolError("something that is not an answer")
    if any(array.dtype != np.float64 for array in message.arrays.values()):
        raise ProtocolError("an answer whose numbers are not float64")
    texts = {key: one_line(message.texts.get(key, ""), MOST_NOTE) for key in ("outcome", "note", "line")}
    return Answer(**texts, numbers=message.arrays)
