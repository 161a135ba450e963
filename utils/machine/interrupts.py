"""Ctrl-C between two steps, not inside one: half an update must not be saved as a whole one."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class DeferredInterrupt:
    """From its creation to `restore()`, the first Ctrl-C waits for `raise_if_requested`; a second one acts at once.

    Signals reach the main thread only; elsewhere this does nothing and an interrupt acts as it always does.
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous = None
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.getsignal(signal.SIGINT)
            signal.signal(signal.SIGINT, self._on_signal)

    def raise_if_requested(self) -> None:
        """Raise the KeyboardInterrupt that was asked for, if it was."""
        if self.requested:
            raise KeyboardInterrupt

    def restore(self) -> None:
        """Hand Ctrl-C back to whom it belonged."""
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
