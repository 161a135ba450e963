"""A sign of life where nobody sees a progress bar: a line every half minute that says where a run is."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

SECONDS = 30.0


@contextlib.contextmanager
def heartbeat(where: Callable[[], str], seconds: float = SECONDS) -> Iterator[None]:
    """Inside of the block say every `seconds` on stderr, unless that is a terminal, what `where()` gives."""
    if sys.stderr.isatty():
        yield
        return
    over, began = threading.Event(), time.monotonic()

    def beat() -> None:
        while not over.wait(seconds):
            print(f"   {time.monotonic() - began:.0f} s: still in '{where()}'", file=sys.stderr, flush=True)

    threading.Thread(target=beat, daemon=True).start()
    try:
        yield
    finally:
        over.set()
