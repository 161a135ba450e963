"""Progress bars: tqdm's in a terminal; in a notebook one line of text, which is still there when it is opened again.

tqdm's own bar for notebooks is a widget. A saved notebook shows a widget without its kernel as "Error displaying
widget". Bars inside a bar, such as a training inside a sweep, share the outer one's line.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from tqdm.std import tqdm


def in_notebook() -> bool:
    """Whether a kernel runs this, whose output goes to a page."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return hasattr(get_ipython(), "kernel")


def bar(
    iterable: Iterable | None = None,
    *,
    desc: str,
    unit: str,
    total: int | None = None,
    initial: int = 0,
    quiet: bool = False,
    delay: float = 0.0,
) -> tqdm:
    """A bar over `iterable`, or over `total` that `update` counts up.  delay: seconds until it is worth showing."""
    kind, disable = (TextBar, bool(os.environ.get("TQDM_DISABLE"))) if in_notebook() else (tqdm, None)
    settings = {"desc": desc, "unit": unit, "total": total, "initial": initial, "delay": delay, "leave": False}
    return kind(iterable, disable=quiet or disable, **settings)


class TextBar(tqdm):
    """A bar as a line of text in a notebook; when it ends, the line says how much was done, and in what time."""

    _outer: TextBar | None = None  # the bar whose line is shown, while one is open

    def __init__(self, *arguments: object, **settings: object):
        super().__init__(*arguments, gui=True, mininterval=0.5, **settings)  # gui: tqdm itself prints nothing
        self._line = None
        if not self.disable and TextBar._outer is None:
            TextBar._outer = self

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Write the line anew: as tqdm calls it, at most twice a second."""
        outer = TextBar._outer
        if outer is not None:
            outer._write(str(self) if outer is self else f"{outer} | {self}")

    def close(self) -> None:
        """Leave the line, with what was done; an inner bar hands it back to the outer one."""
        if self.disable:
            return
        super().close()
        if TextBar._outer is not self:
            return
        TextBar._outer = None
        if self._line is not None:
            done, took = self.format_dict["n"], self.format_interval(self.format_dict["elapsed"])
            self._write(f"{self.desc.removesuffix(': ')}: {done:,} of {self.total:,} {self.unit}s in {took}")

    def _write(self, text: str) -> None:
        from IPython.display import display

        shown = {"text/plain": text}
        if self._line is None:
            self._line = display(shown, raw=True, display_id=True)
        else:
            self._line.update(shown, raw=True)
