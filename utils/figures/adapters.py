"""The figures of Lab 8: perplexity by rank, and how much of a full fine-tuning's change a rank can hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from utils.figures.base import COLOURS, new_figure, with_legend_below
from utils.measuring.shown import interval

LINES = {"CE-only": ("ce_only", "s", "--"), "distilled": ("distilled", "o", "-")}
FULL = "full"


def rank_curves(recorded: Sequence[Mapping], live: Sequence[Mapping] = (), guess: float | None = None) -> Figure:
    """The ratio to the same matrices trained in full, by rank and objective; below, smaller is better.

    recorded: rows with "rank", "objective", "ratio", "low", "high" and "seeds"; live: rows with "rank", "objective" and
    "ratio".
    """
    figure, (axis,) = new_figure("ranks", height=3.8)
    ranks = sorted({row["rank"] for row in recorded})
    for name, (colour, mark, line) in LINES.items():
        some = [row for rank in ranks for row in recorded if (row["rank"], row["objective"]) == (rank, name)]
        ratio, low, high = (np.array([one[key] for one in some]) for key in ("ratio", "low", "high"))
        places = np.arange(len(ranks)) + (0.06 if name == "distilled" else -0.06)
        axis.errorbar(
            places, ratio, yerr=[ratio - low, high - ratio], fmt=mark + line, color=COLOURS[colour], capsize=3,
            label=f"{name}, ours ({some[0]['seeds']} seeds)",
        )  # fmt: skip
        points = [(ranks.index(row["rank"]), row["ratio"]) for row in live if row["objective"] == name]
        if points:
            axis.plot(*zip(*points, strict=True), "D", markersize=9, fillstyle="none", color=COLOURS[colour],
                      linestyle="none", label=f"{name}, your run")  # fmt: skip
    axis.axhline(1, color=COLOURS["untouched"], linewidth=1, label="the same matrices, trained in full")
    if guess in ranks:
        axis.axvline(ranks.index(guess), color=COLOURS["guess"], linestyle="--", label=f"your guess: {guess:g}")
    axis.set_xticks(range(len(ranks)), [str(rank) for rank in ranks])
    axis.set(
        title="What a low rank costs", xlabel="rank of the adapters",
        ylabel="perplexity over that of full matrices",
    )  # fmt: skip
    return with_legend_below(figure)


def describe_ranks(recorded: Sequence[Mapping], live: Sequence[Mapping] = ()) -> str:
    """The same as a sentence for each point."""
    mine = {(row["rank"], row["objective"]): f"; your run {row['ratio']:.3f}" for row in live}
    lines = [
        f"{row['objective']}, rank {row['rank']}: ours {row['ratio']:.3f} "
        f"({interval(row, '.3f')}){mine.get((row['rank'], row['objective']), '')}"
        for row in recorded
    ]
    return "Perplexity over that of the same matrices trained in full.\n" + "\n".join(lines)


class SpectrumScene:
    """The singular values of a matrix's change, and the cut that a rank makes; `move` moves the cut.

    changes: by name the singular values of trained minus untrained weight, largest first; one name is shown.
    """

    def __init__(self, changes: Mapping[str, np.ndarray], name: str):
        self._values, self._name = np.asarray(changes[name], dtype=float), name
        squares = np.concatenate([[0.0], np.cumsum(self._values**2)])
        self._held = squares / squares[-1]
        self.figure, (left, right) = new_figure("spectrum", columns=2)
        places = np.arange(1, len(self._values) + 1)
        left.plot(places, self._values, ".", color=COLOURS["untouched"])
        (self._kept,) = left.plot([], [], "o", color=COLOURS["distilled"], label="held by the rank")
        self._cut = left.axvline(1, color=COLOURS["guess"], linestyle="--")
        left.set(title=f"Singular values of the change: {name}", xlabel="direction", ylabel="singular value")
        left.legend(frameon=False)
        right.plot(np.arange(len(self._held)), 100 * self._held, color=COLOURS["untouched"])
        (self._point,) = right.plot([], [], "o", color=COLOURS["distilled"], markersize=9)
        right.set(
            title="Share that the best adapter of a rank holds", xlabel="rank", ylabel="% of the squared change",
            ylim=(0, 103),
        )  # fmt: skip
        self.figure.tight_layout()
        self.moving = (self._kept, self._cut, self._point)

    def move(self, rank: int) -> None:
        """Put the cut behind so many directions."""
        rank = min(rank, len(self._values))
        self._kept.set_data(np.arange(1, rank + 1), self._values[:rank])
        self._cut.set_xdata([rank + 0.5] * 2)
        self._point.set_data([rank], [100 * self._held[rank]])

    def sentence(self, rank: int) -> str:
        """The cut in words."""
        rank = min(rank, len(self._values))
        half = int(np.searchsorted(self._held, 0.5))
        return (
            f"{self._name}: the best adapter of rank {rank} holds {self._held[rank]:.0%} of the squared change; "
            f"half of it takes rank {half}, of {len(self._values)} possible ones."
        )
