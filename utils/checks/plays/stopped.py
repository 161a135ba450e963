"""A function that raised in the middle of a play."""

from __future__ import annotations

import numpy as np


class StoppedError(Exception):
    """The learner's function raised (see ``__cause__``); ``numbers`` is what had been seen until then."""

    def __init__(self, numbers: dict[str, np.ndarray]) -> None:
        super().__init__("stopped")
        self.numbers = numbers
