"""The figures of Lab 4: acceptance by draft, predicted beside counted, and speed against the length of a round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from utils.figures.base import COLOURS, new_figure, with_legend_below
from utils.figures.shares import describe_shares, shares

LINES = (("o", "-"), ("s", "--"), ("^", ":"), ("D", "-."))


def acceptance(
    live: Mapping[str, float], recorded: Mapping[str, Mapping], guesses: Mapping[str, float | None]
) -> Figure:
    """How often a drafted token is kept, by draft.  live, guesses: by draft; recorded: with share, low, high, seeds."""
    title, label = "Acceptance on text that the target wrote", "share of drafted tokens that are kept"
    return shares(live, recorded, guesses, title, label)


def describe_acceptance(live: Mapping[str, float], recorded: Mapping[str, Mapping]) -> str:
    """The same as a sentence for each draft."""
    return describe_shares(live, recorded, "Share of drafted tokens that are kept.")


def speed(rows: Sequence[Mapping], guess: float | None = None, title: str = "Speed with a draft") -> Figure:
    """Measured speed against gamma and the model's, by draft.

    rows: with "draft", "gamma", "times as fast", "predicted", and with "low" and "high" where there is an interval.
    """
    figure, (axis,) = new_figure("speed", height=3.8)
    for number, name in enumerate(dict.fromkeys(row["draft"] for row in rows)):
        some = [row for row in rows if row["draft"] == name]
        mark, line = LINES[number % len(LINES)]
        colour = list(COLOURS.values())[2 + number]
        gammas = [row["gamma"] for row in some]
        measured = np.array([row["times as fast"] for row in some])
        bars = [[max(0.0, m - row.get("low", m)) for m, row in zip(measured, some, strict=True)]]
        bars += [[max(0.0, row.get("high", m) - m) for m, row in zip(measured, some, strict=True)]]
        axis.errorbar(gammas, measured, yerr=bars, fmt=mark, color=colour, capsize=3, label=f"{name}, measured")
        axis.plot(gammas, [row["predicted"] for row in some], line, color=colour, label=f"{name}, the speed model")
    if guess is not None:
        axis.axhline(guess, color=COLOURS["guess"], linestyle="--", label=f"your guess: {guess:g}")
    axis.axhline(1, color=COLOURS["untouched"], linewidth=1, label="as fast as the target alone")
    axis.set_xticks(sorted({row["gamma"] for row in rows}))
    axis.set(title=title, xlabel="gamma: tokens drafted in a round", ylabel="times as fast (above 1 is faster)")
    return with_legend_below(figure)


def describe_speed(rows: Sequence[Mapping]) -> str:
    """The same as a sentence for each setting."""
    lines = [
        f"{row['draft']}, gamma {row['gamma']}: {row['times as fast']:.2f} times as fast, the model says "
        f"{row['predicted']:.2f}"
        for row in rows
    ]
    return "Speed with a draft over the target's alone.\n" + "\n".join(lines)
