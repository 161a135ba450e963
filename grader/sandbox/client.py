"""The judge's side of the sandbox: open it once, then lend a fork of it to each submission.

    with ServerProcess(confined=True) as server, Sandbox(server) as sandbox:
        with sandbox.attempt(limits, seed=1) as attempt:
            error = attempt.run("def double(x): return 2 * x")
            answers = attempt.ask("double", probes)

An ``Ended`` says why an attempt is over: the reason comes from the supervisor, never from the submission.
"""

from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from grader.marking.plain_text import one_line
from grader.sandbox import wire
from grader.sandbox.answers import answer_from
from grader.sandbox.limits import MOST_PATIENCE, Limits
from grader.sandbox.process import ServerProcess
from grader.sandbox.protocol import Closed, Deadline, Late, Message, ProtocolError, Result, receive, send
from utils.checks.records import Answer, Probe

_SMALL = 1 << 16
_MOST_NAMES = 1 << 20
_MOST_ERROR = 1000
_START_SECONDS = 180.0
_FAREWELL_SECONDS = 10.0
_SHORT_SECONDS = 1.0


class Ended(Exception):
    """An attempt is over. reason: timeout, memory, processes, crashed or garbled. detail: one sentence."""

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


def _seed_inside(seed: int) -> int:
    """What chance starts from in the sandbox: the same for the same seed, but not that itself, which draws probes."""
    return int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:6], "little")


class ServerGone(Exception):
    """The sandbox itself ended; nothing is known about the submission."""


class Sandbox:
    """Forks of one server, lent to submissions; attempts may run side by side."""

    def __init__(self, server: ServerProcess):
        self.server = server
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> Sandbox:
        with self._lock:
            self.server.control()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._closed = True

    def _lend(self, limits: Limits, seed: int) -> tuple[socket.socket, socket.socket]:
        """Two sockets, to a new learner and to its supervisor. Starts the server again where it is gone."""
        talk, their_talk = socket.socketpair()
        watch, their_watch = socket.socketpair()
        try:
            with self._lock, their_talk, their_watch:
                if self._closed:
                    raise ServerGone("it was closed")
                control = self.server.control()
                socket.send_fds(control, [b"!"], [their_talk.fileno(), their_watch.fileno()])
            order = Message({"limits": limits.pack(), "seed": str(_seed_inside(seed))})
            send(watch, order, Deadline(_FAREWELL_SECONDS))
        except (OSError, Closed, Late) as error:
            talk.close()
            watch.close()
            raise ServerGone from error
        return talk, watch

    @contextlib.contextmanager
    def attempt(self, limits: Limits, seed: int) -> Iterator[Attempt]:
        """A fresh fork of the server; everything it started is gone when this ends."""
        talk, watch = self._lend(limits, seed)
        attempt = Attempt(talk, watch, limits)
        try:
            attempt.started()
            yield attempt
        finally:
            attempt.close()


class _Timer:
    """A deadline that moves by the time in which the submission was ready to run and had no core."""

    def __init__(self, attempt: Attempt, seconds: float, allowed: float):
        self.allowed = allowed
        self._attempt, self._begun, self._seconds, self._credit = attempt, time.monotonic(), seconds, 0.0

    def spent(self) -> float:
        return time.monotonic() - self._begun - self._credit

    def left(self) -> float:
        """Seconds until the deadline. Raises Late."""
        if self.spent() >= self._seconds and self._credit < MOST_PATIENCE * self.allowed:
            self._credit += self._attempt.newly_waited()
        if self.spent() >= self._seconds:
            raise Late
        return max(self._seconds - self.spent(), 0.001)


class Attempt:
    """One run of one submission. Methods raise Ended as soon as there is nobody left to answer."""

    def __init__(self, talk: socket.socket, watch: socket.socket, limits: Limits):
        self._talk, self._watch, self._limits = talk, watch, limits
        self._cells_left = limits.cell_seconds
        self._waited = 0.0
        self._end: Message | None = None
        self._over: Ended | None = None

    def started(self) -> None:
        try:
            receive(self._watch, _SMALL, Deadline(_START_SECONDS))
        except (Closed, Late, ProtocolError) as error:
            raise ServerGone from error

    def run(self, source: str, part: str = "all") -> str:
        """Run a cell; the error that stopped it or an empty text. part: "all", or "definitions" alone."""
        timer = _Timer(self, max(self._cells_left, 0.05), self._limits.cell_seconds)
        order = Message({"kind": "run", "source": source, "part": part})
        self._guard(timer, lambda: send(self._talk, order, timer))
        reply = self._hear(timer, _SMALL)
        self._cells_left -= timer.spent()
        return one_line(reply.texts.get("error", ""), _MOST_ERROR)

    def names(self, sources: Sequence[str]) -> set[str]:
        """The names that cells take from elsewhere, as the sandbox reads them. What cannot be read has none."""
        order = Message({"kind": "names"} | {str(number): source for number, source in enumerate(sources)})
        timer = _Timer(self, max(self._cells_left, 0.05), self._limits.cell_seconds)
        self._guard(timer, lambda: send(self._talk, order, timer))
        return set(self._hear(timer, _MOST_NAMES).texts.get("used", "").split())

    def ask(self, name: str, probes: Sequence[Probe]) -> list[Answer] | str:
        """One answer for each probe; or a text instead: why the function could not be asked (empty: it is absent)."""
        seconds = self._limits.ask_seconds
        timer = _Timer(self, seconds, seconds)
        # Its own alarm rings later than the judge's, which knows how long it had no core.
        order = {"kind": "ask", "name": name, "count": str(len(probes)), "seconds": str(MOST_PATIENCE * seconds)}
        for message in [Message(order), *map(wire.probe_message, probes)]:
            self._guard(timer, lambda message=message: send(self._talk, message, timer))
        reply = self._hear(timer, _SMALL)
        if reply.texts.get("kind") != "answers":
            return one_line(reply.texts.get("error", ""), _MOST_ERROR)
        return [self._answer(timer, probe) for probe in probes]

    def _answer(self, timer: _Timer, probe: Probe) -> Answer:
        message = self._hear(timer, self._limits.answer)
        return self._guard(timer, lambda: answer_from(message, probe))

    def newly_waited(self) -> float:
        """Seconds without a core since the last time this was asked, as the supervisor counts them."""
        if self._end is not None:
            return 0.0
        with contextlib.suppress(Closed, Late):  # where it has just ended, its last words can still be read
            send(self._watch, Message({"kind": "waited"}), Deadline(_FAREWELL_SECONDS))
        try:
            reply = receive(self._watch, _SMALL, Deadline(_FAREWELL_SECONDS))
        except (Late, ProtocolError):
            return 0.0
        except Closed as error:
            raise ServerGone from error
        if reply.texts["kind"] == "ended":
            self._end = reply
            return 0.0
        waited, self._waited = float(reply.texts["seconds"]) - self._waited, float(reply.texts["seconds"])
        return waited

    def close(self) -> None:
        self._talk.close()
        with contextlib.suppress(OSError):
            self._watch.shutdown(socket.SHUT_WR)
        with contextlib.suppress(Closed, Late, ProtocolError):
            receive(self._watch, _SMALL, Deadline(_FAREWELL_SECONDS))
        self._watch.close()

    def _hear(self, timer: _Timer, most_bytes: int) -> Message:
        return self._guard(timer, lambda: receive(self._talk, most_bytes, timer))

    def _guard(self, timer: _Timer, work: Callable[[], Result]) -> Result:
        """``work()``; or Ended, with the reason that the supervisor gives."""
        if self._over:
            raise self._over
        try:
            return work()
        except Late:
            late = Ended("timeout", f"it took longer than the {timer.allowed:g} seconds that it has")
            self._over = late if self._end is None else self._farewell()
        except ProtocolError as error:
            self._over = Ended("garbled", f"it sent {error}")
        except Closed:
            self._over = self._farewell()
        raise self._over

    def _farewell(self) -> Ended:
        try:
            texts = (self._end or receive(self._watch, _SMALL, Deadline(_SHORT_SECONDS))).texts
        except Late:
            self.newly_waited()  # is its supervisor there, and sees it running?
            if self._end is None:
                return Ended("crashed", "it closed its connection to the judge")
            texts = self._end.texts
        except (Closed, ProtocolError) as error:
            raise ServerGone from error
        reason, code = texts["reason"], int(texts["code"])
        if reason in ("timeout", "memory", "processes"):
            used = {"timeout": "computing time", "memory": "memory", "processes": "processes or threads"}[reason]
            return Ended(reason, f"it used more {used} than it may")
        how = f"was ended by signal {-code}" if code < 0 else f"ended by itself with exit status {code}"
        return Ended("crashed", f"its process {how}")
