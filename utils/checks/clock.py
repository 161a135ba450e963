"""A time limit for code that may never end.

A learner's endless loop must not hang the notebook. In the main thread of a POSIX process a timer's signal interrupts
the loop. Elsewhere (a worker thread, Windows) the code runs
in a thread of its own that is asked to stop; a single long call into C cannot be stopped there, only left behind.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

Result = TypeVar("Result")


class TimeLimitError(BaseException):
    """Time is up. Not an ``Exception``, so that a learner's ``except Exception`` does not swallow it."""


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """What ``work()`` returns, or ``TimeLimitError`` once ``seconds`` have passed."""
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        return _by_signal(seconds, work)
    return _by_thread(seconds, work)


def _importing(frame: FrameType | None) -> bool:
    """Is a module half imported? To stop there would leave it broken for the rest of the session."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _by_signal(seconds: float, work: Callable[[], Result]) -> Result:
    def stop(signum: int, frame: FrameType | None) -> None:
        if not _importing(frame):
            raise TimeLimitError

    before = signal.signal(signal.SIGALRM, stop)
    try:
        # The interval rings again: a bare ``except:`` inside the loop swallows the first one.
        signal.setitimer(signal.ITIMER_REAL, seconds, 0.05)
        try:
            return work()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
    finally:
        signal.signal(signal.SIGALRM, before)


def _by_thread(seconds: float, work: Callable[[], Result]) -> Result:
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # handed on to the caller below
            errors.append(error)

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    worker.join(seconds)
    for _ in range(20):
        if not worker.is_alive():
            break
        if _importing(sys._current_frames().get(worker.ident or 0)):
            worker.join(1.0)
            continue
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(worker.ident or 0), ctypes.py_object(TimeLimitError))
        worker.join(0.05)
    if errors:
        raise errors[0]
    if not results:
        raise TimeLimitError
    return results[0]
