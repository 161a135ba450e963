"""What is right, and the pieces that wrong and right ways to write trace_labels share."""

from __future__ import annotations


def trace_labels(prompt_ids, trace_ids, length, pad_id):
    """(input_ids, labels), two lists of ``length`` numbers, or None where question and trace do not fit.

    input_ids: the question, the trace, padding. labels: the same ids for the trace, -100 for question and padding. The
    trace ends with the end of text, which counts, also where ``pad_id`` is the same id. Nothing is shifted.
    """
    ids = prompt_ids + trace_ids
    if len(ids) > length:
        return None
    padding = length - len(ids)
    return ids + [pad_id] * padding, [-100] * len(prompt_ids) + trace_ids + [-100] * padding
