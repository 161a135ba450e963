"""A share for each arm of an experiment: your run, the recorded seeds with their interval, and what you had guessed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from utils.figures.base import COLOURS, new_figure, with_legend_below
from utils.labs.guesses import as_number
from utils.measuring.shown import interval


def shares(
    live: Mapping[str, float],
    recorded: Mapping[str, Mapping],
    guesses: Mapping[str, object],
    title: str,
    axis_label: str,
    over: str = "prompts",
) -> Figure:
    """A dot for each arm, in the order of `recorded`.  live, guesses: by arm; recorded: with share, low, high, seeds.

    over: what the recorded intervals are over, beside seeds.
    """
    figure, (axis,) = new_figure(title.split()[0].lower(), height=1.5 + 0.5 * len(recorded))
    places = {name: place for place, name in enumerate(recorded)}
    share, low, high = (np.array([one[key] for one in recorded.values()]) for key in ("share", "low", "high"))
    seeds = max(one["seeds"] for one in recorded.values())
    axis.errorbar(
        share, np.arange(len(places)) + 0.15, xerr=[share - low, high - share], fmt="s", color=COLOURS["ce_only"],
        capsize=3, label=f"ours, up to {seeds} seeds (95 % over {over} and seeds)",
    )  # fmt: skip
    mine = [(value, places[name] - 0.15) for name, value in live.items() if name in places]
    if mine:
        axis.plot(*zip(*mine, strict=True), "o", color=COLOURS["distilled"], label="your run", linestyle="none")
    read = {name: as_number(value) for name, value in guesses.items() if name in places}
    guessed = [(value, places[name]) for name, value in read.items() if value is not None]
    if guessed:
        axis.plot(*zip(*guessed, strict=True), "D", color=COLOURS["guess"], label="your guess", linestyle="none")
    axis.set_yticks(list(places.values()), list(places))
    axis.set_ylim(len(places) - 0.4, -0.6)
    axis.set(title=title, xlabel=axis_label)
    return with_legend_below(figure)


def describe_shares(live: Mapping[str, float], recorded: Mapping[str, Mapping], what: str) -> str:
    """The same as a sentence for each arm; what: the sentence in front of them."""
    lines = []
    for name, one in recorded.items():
        yours = f"{live[name]:.3f}; " if name in live else ""
        lines.append(f"{name}: {yours}ours {one['share']:.3f} ({interval(one, '.3f')})")
    return f"{what}\n" + "\n".join(lines)
