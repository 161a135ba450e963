"""What is right, and the pieces that wrong and right ways to write compact share."""

from __future__ import annotations

import re

EQUATION = r"-?\d+ ?[-+*] ?\d+ ?= ?-?\d+"


def compact(trace):
    """A verbose trace in one line, such as ``7+5=12;12*3=36;Answer: 36``.

    Every step stays, as it was written, right or wrong: its equation without word, spaces and full stop. The sign ``;``
    joins the steps and the answer. The answer stays as it was written, with its space. Where there is none, none is
    added. A compact trace comes back as it is.
    """
    return ";".join(steps_in(trace) + answer_in(trace))


def steps_in(trace):
    return [found.replace(" ", "") for found in re.findall(EQUATION, trace)]


def answer_in(trace):
    return re.findall(r"Answer: \S+", trace)
