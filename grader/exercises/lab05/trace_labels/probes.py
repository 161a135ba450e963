"""What trace_labels is asked."""

from __future__ import annotations

from utils.checks.records import Probe


def draw(stream):
    """The end of text is 0, or what the padding is; ids of the question come in the trace too."""

    def probe(name, pad, end, room):
        prompt = stream.integers(3, 9, int(stream.integers(4, 7))).tolist()
        trace = [prompt[1], prompt[-1], *stream.integers(3, 9, int(stream.integers(3, 6))).tolist(), end]
        length = len(prompt) + len(trace) + room
        return Probe(name, {"prompt_ids": prompt, "trace_ids": trace, "length": length, "pad_id": pad})

    some = int(stream.integers(3, 6))
    yield probe("padding", 1, 0, some)
    yield probe("padding, other ids", 0, 12, some + 1)
    yield probe("one to pad", 1, 0, 1)
    yield probe("padding is the end of text", 0, 0, some)
    yield probe("padding is another end of text", 11, 11, some)
    yield probe("just fits", 1, 0, 0)
    yield probe("just fits, other ids", 0, 12, 0)
    yield probe("just fits, one id for both", 0, 0, 0)
    yield probe("one too long", 1, 0, -1)
    yield probe("far too long", 1, 0, -5)
    yield probe("too long, one id for both", 0, 0, -2)
