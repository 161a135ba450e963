"""Each arm of an experiment against the same control: your run, the recorded seeds, and what you had guessed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from utils.figures.base import COLOURS, new_figure, with_legend_below
from utils.labs.guesses import as_number
from utils.measuring.shown import interval


def ratios(
    live: Mapping[str, Mapping], recorded: Mapping[str, Mapping], guesses: Mapping[str, object], title: str
) -> Figure:
    """Perplexity ratios to hard labels.  live, recorded: by arm, with ratio, low, high; guesses: by arm, or None."""
    figure, (axis,) = new_figure(title, height=1.4 + 0.55 * len(live))
    seeds = next((arm["seeds"] for arm in recorded.values()), 0)
    places = np.arange(len(live))
    _draw(axis, places - 0.15, list(live.values()), "o", COLOURS["distilled"], "your run (95 % over documents)")
    known = [(place, recorded[arm]) for place, arm in zip(places, live, strict=True) if arm in recorded]
    if known:
        marks, effects = zip(*known, strict=True)
        label = f"ours, {seeds} seeds (95 % over documents and seeds)"
        _draw(axis, np.array(marks) + 0.15, effects, "s", COLOURS["ce_only"], label)
    read = ((place, as_number(guesses.get(arm))) for place, arm in zip(places, live, strict=True))
    guessed = [(place, value) for place, value in read if value is not None]
    if guessed:
        marks, values = zip(*guessed, strict=True)
        axis.plot(values, marks, "D", color=COLOURS["guess"], label="your guess", linestyle="none")
    axis.axvline(1, color=COLOURS["untouched"], linestyle="--", label="as good as hard labels")
    axis.set_yticks(places, list(live))
    axis.set_ylim(len(live) - 0.4, -0.6)
    axis.set(title=title, xlabel="perplexity over that of hard labels (below 1 is better)")
    return with_legend_below(figure)


def describe(live: Mapping[str, Mapping], recorded: Mapping[str, Mapping]) -> str:
    """The same as a sentence for each arm: the figure's alt text, and its numbers."""
    lines = []
    for arm, effect in live.items():
        ours = ""
        if arm in recorded:
            other = recorded[arm]
            ours = f"; ours {other['ratio']:.3f} ({interval(other, '.3f')}), {other['seeds']} seeds"
        lines.append(f"{arm}: {effect['ratio']:.3f} ({interval(effect, '.3f')}){ours}")
    return "Perplexity over that of hard labels.\n" + "\n".join(lines)


def _draw(axis: object, places: np.ndarray, effects: list, mark: str, colour: str, label: str) -> None:
    ratio, low, high = (np.array([effect[key] for effect in effects]) for key in ("ratio", "low", "high"))
    axis.errorbar(ratio, places, xerr=[ratio - low, high - ratio], fmt=mark, color=colour, capsize=3, label=label)
