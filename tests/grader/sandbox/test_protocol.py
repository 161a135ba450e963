"""Messages between judge and submission are bounded, plain, and read back as they were sent."""

import contextlib
import socket
import struct
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.sandbox import wire
from grader.sandbox.answers import answer_from
from grader.sandbox.protocol import DTYPES, Closed, Deadline, Late, Message, ProtocolError, encode, receive, send
from utils.checks.records import Answer, Probe

SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)
ARRAYS = st.builds(lambda shape, code: np.ones(shape, DTYPES[code]), SHAPES, st.sampled_from(sorted(DTYPES)))


def through(content: bytes, most: int = 1 << 20) -> Message:
    """What a reader makes of these bytes."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        writer = threading.Thread(target=lambda: (theirs.sendall(content), theirs.shutdown(socket.SHUT_WR)))
        writer.start()
        try:
            return receive(ours, most, Deadline(10))
        finally:
            ours.close()
            writer.join()


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text("abc/", max_size=6), st.text(max_size=30)), st.dictionaries(st.text("xyz"), ARRAYS))
def test_a_message_is_read_as_it_was_sent(texts, arrays):
    texts = {key: text.encode("utf-8", "replace").decode() for key, text in texts.items()}
    read = through(encode(Message(texts, arrays)))
    assert read.texts == texts
    assert read.arrays.keys() == arrays.keys()
    for key, array in arrays.items():
        assert read.arrays[key].dtype == array.dtype and np.array_equal(read.arrays[key], array)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(content):
    with contextlib.suppress(ProtocolError, Closed):
        through(content)


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=4, max_size=80))
def test_any_declaration_is_a_message_or_refused(declaration):
    with contextlib.suppress(ProtocolError, Closed):
        through(struct.pack("<I", len(declaration)) + declaration + bytes(1000))


def test_too_large_an_array_is_refused_before_a_byte_of_it_is_read():
    head = struct.pack("<HH", 0, 1) + b"\x05value" + struct.pack("<BBQQ", 0, 2, 2**40, 2**40)
    with pytest.raises(ProtocolError, match="at most"):
        through(struct.pack("<I", len(head)) + head)


@pytest.mark.parametrize("shape", [(0, 2**63 + 5), (0, 2**40, 2**40), (2**63, 0)])
def test_a_shape_that_no_array_can_have_is_refused_though_it_holds_nothing(shape):
    head = struct.pack("<HH", 0, 1) + b"\x05value" + struct.pack("<BB", 0, len(shape))
    head += struct.pack(f"<{len(shape)}Q", *shape)
    with pytest.raises(ProtocolError, match="at most"):
        through(struct.pack("<I", len(head)) + head)


def test_silence_ends_at_the_deadline():
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(Late):
        receive(ours, 100, Deadline(0.05))


def test_nobody_there_is_said():
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, pytest.raises(Closed):
        receive(ours, 100)
    with pytest.raises(Closed):
        send(ours, Message({"a": "b"}))


def test_a_probe_and_an_answer_arrive_as_they_are():
    probe = Probe("wide/soft", {"logits": np.ones((2, 3), np.float32), "alpha": 0.5}, ("logits",), {"play": 1.0})
    read = wire.probe_from(through(encode(wire.probe_message(probe))))
    assert (read.name, read.gradients, list(read.inputs)) == (probe.name, probe.gradients, list(probe.inputs))
    assert read.inputs["logits"].dtype == np.float32
    assert type(read.inputs["alpha"]) is float and type(read.toys["play"]) is float
    answer = Answer("tensor", "Tensor", "line 1", {"value": np.array(2.0)})
    assert answer_from(through(encode(wire.answer_message(answer))), probe) == answer
