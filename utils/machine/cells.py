"""What a notebook says when a cell fails: one sentence, and the cells below it still run.

IPython shows forty lines of traceback and stops "Run All". Here an error of the course is its sentence, an interrupt is
one too, and what breaks only because a function of the reader's is not right yet stops nothing else. A cell that could
not be read, or stopped before it defined its function, leaves a stand-in, so that nobody judges the old function.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell

from utils.errors import CourseError

INTERRUPTED = "Stopped. What was finished is kept; run this cell again to go on."


class CellWatch:
    """Follows a shell's cells. exercises: the names of the functions that a reader writes."""

    def __init__(self, shell: InteractiveShell, exercises: Collection[str]):
        self._shell, self._exercises = shell, exercises
        self._doubts: list[str] = []
        self._excused: BaseException | None = None
        self._before: dict[str, object] = {}
        shell.set_custom_exc((Exception, KeyboardInterrupt), self._tell)
        shell.events.register("pre_run_cell", self._begin)
        shell.events.register("post_run_cell", self._end)

    def doubt(self, name: str) -> None:
        """This cell uses a function that does not pass its check: what breaks now is no defect of the lab's."""
        self._doubts.append(name)

    def stop(self) -> None:
        """Follow no more cells."""
        self._shell.set_custom_exc((), None)
        self._shell.events.unregister("pre_run_cell", self._begin)
        self._shell.events.unregister("post_run_cell", self._end)

    def _begin(self, info: ExecutionInfo) -> None:
        self._doubts, self._excused = [], None
        self._before = {name: self._shell.user_ns.get(name) for name in self._exercises}

    def _tell(
        self,
        shell: InteractiveShell,
        kind: type[BaseException],
        error: BaseException,
        trace: object,
        tb_offset: int | None = None,
    ) -> None:
        undefined = getattr(error, "name", None) if isinstance(error, NameError) else None
        if isinstance(error, KeyboardInterrupt):
            print(str(error) or INTERRUPTED)
            return
        if undefined in self._exercises:
            print(f"{undefined} is not there yet: run the cell that defines it, then this one.")
        elif isinstance(error, CourseError):
            print(error)
            if not self._doubts:
                return
        elif self._doubts:
            names = " and ".join(self._doubts)
            print(f"This cell stops with {kind.__name__}: {error}. Mend {names} first, then run it again.")
        else:
            shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
            return
        self._excused = error

    def _end(self, result: ExecutionResult) -> None:
        error = result.error_before_exec or result.error_in_exec
        if error is None:
            return
        source = result.info.raw_cell if result.info else ""
        for name in self._exercises:
            old = self._before.get(name)
            if defines(source, name) and self._shell.user_ns.get(name) is old:
                self._shell.user_ns[name] = unread(name, reason(error))
                self._excused = error
        if error is self._excused:
            result.error_before_exec = result.error_in_exec = None  # "Run All" goes on


def defines(source: str, name: str) -> bool:
    """Whether a cell's text defines this function at its left margin; nothing of it is parsed."""
    return re.search(rf"^(?:async[ \t]+)?def[ \t]+{re.escape(name)}\b", source, re.MULTILINE) is not None


def reason(error: BaseException) -> str:
    """Why a cell ended too early, as a part of a sentence."""
    if isinstance(error, SyntaxError):
        where = f" in line {error.lineno}" if error.lineno else ""
        return f"has a syntax error{where} ({error.msg}), so Python read none of it"
    return f"stopped with {type(error).__name__} before it defined the function"


def unread(name: str, why: str) -> Callable:
    """A stand-in for a function whose cell did not get as far; its `unread` is the sentence that says so."""
    sentence = f"The cell of {name} {why}. Mend that cell, run it, then run this one."

    def stand_in(*arguments: object) -> None:
        raise CourseError(sentence)

    stand_in.__name__ = stand_in.__qualname__ = name
    stand_in.unread = sentence
    return stand_in
