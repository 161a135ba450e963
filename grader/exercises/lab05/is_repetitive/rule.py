"""What is right, and the pieces that wrong and right ways to write is_repetitive share."""

from __future__ import annotations

import re

EQUATION = r"-?\d+ ?[-+*] ?\d+ ?= ?-?\d+"


def is_repetitive(trace, longest):
    """True where a trace has more than ``longest`` steps, or has one step twice.

    A step is an equation, in either form; the answer is none. Two steps are the same where their equations are,
    whatever word and spaces are in front, side by side or far apart. The trace may be wrong, or lack its answer.
    """
    steps = equations_in(trace)
    return len(steps) > longest or len(set(steps)) < len(steps)


def equations_in(trace):
    return [found.replace(" ", "") for found in re.findall(EQUATION, trace)]
