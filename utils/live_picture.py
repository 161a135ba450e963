"""A figure that follows a slider: the axes are drawn once, and each step redraws only what moved.

The question: how does a picture keep up with a hand?  The mistake this module prevents is a figure that is built anew
at every step of a slider: titles, ticks and legends cost ten times what the moving points cost.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image


class LivePicture:
    """A kept canvas.  `moving` are the artists that a step changes; the rest is drawn once, into a background."""

    def __init__(self, figure: Figure, moving: Sequence[Artist]):
        plt.close(figure)  # no longer pyplot's, so that a notebook does not show it a second time
        self._canvas = FigureCanvasAgg(figure)
        self._moving = tuple(moving)
        for artist in self._moving:
            artist.set_animated(True)
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(figure.bbox)

    def png(self) -> bytes:
        """The picture as it stands now: the background with the moving artists drawn on it."""
        self._canvas.restore_region(self._background)
        renderer = self._canvas.get_renderer()
        for artist in self._moving:
            artist.draw(renderer)
        width, height = self._canvas.get_width_height(physical=True)
        buffer = io.BytesIO()
        picture = Image.frombuffer("RGBA", (width, height), self._canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
        picture.convert("RGB").save(buffer, format="png", compress_level=1)
        return buffer.getvalue()
