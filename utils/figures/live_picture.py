"""A figure that follows a slider: the axes are drawn once, and each step draws only what moved, above them.

Titles, ticks and legends cost ten times what the moving points cost, and a browser that must decode a whole picture for
each step falls behind.  What moves is therefore sent as a few lines of SVG, which matplotlib writes and the browser
lays over the picture that it has.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure

SHARP = 200  # dots per inch: the background is sent once, so it may be sharp on any screen
STILL = 100
POINTS = 72  # SVG's unit, to the inch
_OPENING = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" aria-hidden="true"'
    ' viewBox="0 0 {width:g} {height:g}" stroke-linejoin="round" stroke-linecap="butt"'
    ' style="display:block;width:100%;height:auto">'
)
_HEAD_ENDS = "</defs>"  # matplotlib's style sheet; inside of a page it would hold for the whole page


class LivePicture:
    """A figure in two layers of one shape.  `moving` are the artists that a step changes; the rest is `background`.

    background: a PNG of everything that does not move.
    """

    def __init__(self, figure: Figure, moving: Sequence[Artist]):
        plt.close(figure)  # no longer pyplot's, so that a notebook does not show it a second time
        self._figure, self._moving = figure, tuple(moving)
        self._show(False)
        self.background: bytes = self._png(SHARP)
        self._show(True)
        figure.dpi = POINTS
        self._width, self._height = figure.bbox.size
        self._names = {"svg.hashsalt": uuid.uuid4().hex}  # no two pictures of a page share the name of a part

    def _show(self, visible: bool) -> None:
        for artist in self._moving:
            artist.set_visible(visible)

    def still(self) -> bytes:
        """All of the figure as it is now, in one PNG."""
        return self._png(STILL)

    def _png(self, dpi: int) -> bytes:
        buffer = io.BytesIO()
        FigureCanvasAgg(self._figure).print_figure(buffer, format="png", dpi=dpi)
        return buffer.getvalue()

    def overlay(self) -> str:
        """The moving artists as they stand now: an SVG, transparent, with the background's proportions."""
        buffer = io.StringIO()
        with rc_context(self._names):
            renderer = RendererSVG(self._width, self._height, buffer)
            for artist in self._moving:
                artist.draw(renderer)
            renderer.finalize()
        written = buffer.getvalue()
        drawn = written[written.index(_HEAD_ENDS) + len(_HEAD_ENDS) :]
        return _OPENING.format(width=self._width, height=self._height) + drawn
