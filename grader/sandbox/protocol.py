"""How do judge and submission talk?  In messages of short texts and plain arrays, declared before they are read.

The reader learns every name, dtype and shape from a small declaration, adds up the bytes, and refuses what is too much
before it makes room for any of it. Nothing is evaluated and nothing is unpickled. So no answer runs code in the judge,
and none of 10^9 numbers fills its memory.

One message on the wire, all little-endian::

    u32 size of the declaration | declaration | texts (UTF-8) | arrays (C order)

    declaration: u16 number of texts, u16 number of arrays, then
        for each text:  u8 length of key | key | u32 bytes
        for each array: u8 length of key | key | u8 dtype | u8 dimensions | u64 for each dimension
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

DTYPES = {0: np.dtype("<f8"), 1: np.dtype("<f4"), 2: np.dtype("<i8"), 3: np.dtype("<i4"), 4: np.dtype("?")}
Result = TypeVar("Result")
_CODES = {dtype: code for code, dtype in DTYPES.items()}
_MOST_DECLARED = 1 << 16
_MOST_DIMENSIONS = 8


class ProtocolError(Exception):
    """The other side sent what is not a message, or more than was allowed."""


class Closed(Exception):
    """The other side is gone."""


class Late(Exception):
    """The other side said nothing until the deadline."""


class Deadline:
    """A fixed moment, ``seconds`` from now."""

    def __init__(self, seconds: float):
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then. Raises Late."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise Late
        return left


@dataclass(frozen=True)
class Message:
    """texts: short strings by key. arrays: numpy arrays of one of ``DTYPES`` by key."""

    texts: dict[str, str] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


def encode(message: Message) -> bytes:
    """The bytes of a message. Texts that are no valid Unicode lose the offending characters."""
    declaration = [struct.pack("<HH", len(message.texts), len(message.arrays))]
    payload = []
    for key, text in message.texts.items():
        name, content = key.encode(), text.encode("utf-8", "replace")
        declaration.append(struct.pack("<B", len(name)) + name + struct.pack("<I", len(content)))
        payload.append(content)
    for key, array in message.arrays.items():
        name, array = key.encode(), np.asarray(array)
        code = _CODES[array.dtype.newbyteorder("<")]
        shape = struct.pack(f"<{array.ndim}Q", *array.shape)
        declaration.append(struct.pack("<B", len(name)) + name + struct.pack("<BB", code, array.ndim) + shape)
        payload.append(np.ascontiguousarray(array, DTYPES[code]).tobytes())
    head = b"".join(declaration)
    return b"".join([struct.pack("<I", len(head)), head, *payload])


def send(channel: socket.socket, message: Message, deadline: Deadline | None = None) -> None:
    """Write one message. Raises Closed or Late."""
    content = memoryview(encode(message))
    while content:
        written = _try(channel, deadline, lambda part=content[: 1 << 20]: channel.send(part))
        content = content[written or 0 :]


def receive(channel: socket.socket, most_bytes: int, deadline: Deadline | None = None) -> Message:
    """Read one message of at most ``most_bytes``. Raises Closed, Late or ProtocolError."""
    (size,) = struct.unpack("<I", _read(channel, 4, deadline))
    if not 4 <= size <= _MOST_DECLARED:
        raise ProtocolError(f"a declaration of {size:,} bytes")
    texts, arrays = _declared(_read(channel, size, deadline))
    total = sum(texts.values()) + sum(_claimed(dtype, shape) for dtype, shape in arrays.values())
    if total > most_bytes:
        raise ProtocolError(f"an answer of {total:,} bytes, where at most {most_bytes:,} are taken")
    read_texts = {key: _read(channel, length, deadline).decode("utf-8", "replace") for key, length in texts.items()}
    read_arrays = {
        key: np.frombuffer(_read(channel, _bytes(dtype, shape), deadline), dtype).reshape(shape)
        for key, (dtype, shape) in arrays.items()
    }
    return Message(read_texts, read_arrays)


def _try(channel: socket.socket, deadline: Deadline | None, work: Callable[[], Result]) -> Result | None:
    """``work()``, or None where its time has passed and the deadline, asked again, has not."""
    try:
        channel.settimeout(deadline.left() if deadline else None)
        return work()
    except TimeoutError:
        return None
    except OSError:
        raise Closed from None


def _read(channel: socket.socket, size: int, deadline: Deadline | None) -> bytearray:
    """Exactly ``size`` bytes; the buffer grows with what has come, not with what was promised."""
    read = bytearray()
    while len(read) < size:
        wanted = min(size - len(read), 1 << 20)
        chunk = _try(channel, deadline, lambda wanted=wanted: channel.recv(wanted))
        if chunk == b"":
            raise Closed
        read += chunk or b""
    return read


def _bytes(dtype: np.dtype, shape: tuple[int, ...]) -> int:
    size = dtype.itemsize
    for length in shape:
        size *= length
    return size


def _claimed(dtype: np.dtype, shape: tuple[int, ...]) -> int:
    """What counts against the bound: a length of 0 makes no other length free, for numpy takes only so long ones."""
    return _bytes(dtype, tuple(max(length, 1) for length in shape))


def _declared(head: bytearray) -> tuple[dict[str, int], dict[str, tuple[np.dtype, tuple[int, ...]]]]:
    """Sizes of the texts, and dtypes and shapes of the arrays, in the order in which they follow."""
    position = 0

    def take(layout: str) -> tuple:
        nonlocal position
        values = struct.unpack_from("<" + layout, head, position)
        position += struct.calcsize("<" + layout)
        return values

    def key() -> str:
        (length,) = take("B")
        (name,) = take(f"{length}s")
        return name.decode("utf-8")

    texts: dict[str, int] = {}
    arrays: dict[str, tuple[np.dtype, tuple[int, ...]]] = {}
    try:
        text_count, array_count = take("HH")
        for _ in range(text_count):
            name = key()
            (texts[name],) = take("I")
        for _ in range(array_count):
            name = key()
            code, dimensions = take("BB")
            if dimensions > _MOST_DIMENSIONS:
                raise ProtocolError(f"an array of {dimensions} dimensions")
            arrays[name] = (DTYPES[code], take(f"{dimensions}Q"))
    except (struct.error, KeyError, UnicodeDecodeError) as error:
        raise ProtocolError("a declaration that cannot be read") from error
    if position != len(head) or len(texts) != text_count or len(arrays) != array_count:
        raise ProtocolError("a declaration that does not add up")
    return texts, arrays
