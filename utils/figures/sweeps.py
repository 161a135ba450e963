"""The figures of a sweep: a knob against perplexity, calibration, gradients, and a surface with a slice through it.

Every knob's figure holds its control, the CE-only line, and a run with one seed is drawn beside the recorded ones, not
in their place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from utils.figures.base import COLOURS, new_figure
from utils.labs.guesses import as_number
from utils.losses.core import soft_loss
from utils.measuring.calibration import Calibration

FEWEST = 10  # tokens in a bin that is drawn: fewer would show chance alone
RECORDED, LIVE = "#555555", COLOURS["distilled"]
BY_ROWS, BY_UPDATES = "each row read equally often", "the same number of updates"
TIED = 0.005  # of the ratio: nearer points are all called the lowest


def knob(
    name: str,
    live: Mapping[float, float],
    ce_only: float,
    recorded: Sequence[Mapping],
    guess: object = None,
    logarithmic: bool = False,
) -> Figure:
    """Left: perplexity of the live run by a knob's value, beside CE-only.  Right: recorded ratios with intervals.

    recorded: rows with the knob's name, "ratio to CE-only", "low" and "high".  guess: the reader's best value.
    """
    figure, (left, right) = new_figure(f"knob_{name}", columns=2)
    values = list(live)
    left.plot(values, list(live.values()), "o-", color=LIVE, label="distilled, your run (one seed)")
    left.axhline(ce_only, color=COLOURS["ce_only"], linestyle="--", label="CE-only, your run")
    if (guess := as_number(guess)) is not None:
        left.axvline(guess, color=COLOURS["guess"], linestyle=":", label=f"your guess: {guess:g}")
    left.set(title="One seed, live", xlabel=name, ylabel="perplexity per token")
    places = [row[name] for row in recorded]
    ratios, lows, highs = (np.array([row[key] for row in recorded]) for key in ("ratio to CE-only", "low", "high"))
    right.errorbar(
        places, ratios, yerr=np.stack([ratios - lows, highs - ratios]).clip(min=0), fmt="o-", color=RECORDED, capsize=4
    )
    right.axhline(1, color=COLOURS["ce_only"], linestyle="--", label="CE-only")
    right.set(title="Recorded seeds, 95 % intervals", xlabel=name, ylabel="perplexity, ratio to CE-only")
    for axis in (left, right):
        axis.legend(frameon=False)
        if logarithmic:
            axis.set_xscale("log")
            axis.set_xticks(values, [f"{value:g}" for value in values])
            axis.set_xticks([], minor=True)
    figure.tight_layout()
    return figure


def describe_knob(name: str, live: Mapping[float, float], ce_only: float) -> str:
    """The live part of the figure in words."""
    points = ", ".join(f"{value:g}: {perplexity:.1f}" for value, perplexity in live.items())
    return f"Perplexity of the distilled student by {name}: {points}. CE-only: {ce_only:.1f}."


def reliability(models: Mapping[str, Calibration]) -> Figure:
    """Accuracy minus confidence, by confidence, a panel for each model: below 0 it promises too much.

    Drawn as a difference, because curves near a diagonal look all alike.  The band holds 95 % of what a calibrated
    model would show by chance, with as many tokens in the bin and these taken for independent.
    """
    columns = min(3, len(models))
    rows = -(-len(models) // columns)
    figure, axes = new_figure("reliability", columns, height=1.0 + 2.1 * rows, rows=rows, alike=True)
    for axis, (name, found) in zip(axes, models.items(), strict=False):
        points = [point for point in found.curve() if point[2] >= FEWEST]
        confidence, accuracy, tokens = np.array(points).reshape(-1, 3).T  # also where no bin holds enough
        chance = 1.96 * np.sqrt(confidence * (1 - confidence) / tokens)
        axis.axhline(0, color=COLOURS["untouched"], linestyle="--", linewidth=1)
        axis.fill_between(confidence, -chance, chance, color=COLOURS["untouched"], alpha=0.2, label="chance alone")
        colour = COLOURS.get(name.lower().replace("-", "_"), LIVE)
        axis.plot(confidence, accuracy - confidence, "o-", color=colour, markersize=4, linewidth=1.2)
        axis.set_title(f"{name} (error {found.error:.3f})")
    for axis in axes[len(models) - columns : len(models)]:
        axis.tick_params(labelbottom=True)  # the lowest panel of each column
    for axis in axes[len(models) :]:
        axis.set_visible(False)
    axes[0].legend(frameon=False, loc="lower left")
    figure.supxlabel("confidence: probability of the likeliest token")
    figure.supylabel("accuracy - confidence")
    figure.tight_layout()
    return figure


def describe_reliability(models: Mapping[str, Calibration]) -> str:
    """The figure in words: error, and the direction that the model errs in."""
    parts = []
    for name, found in models.items():
        direction = "over" if found.overconfidence > 0 else "under"
        parts.append(f"{name} {found.error:.3f} ({direction}confident)")
    return "Expected calibration error: " + ", ".join(parts) + "."


def gradient_norms(
    student_logits: Tensor, teacher_logits: Tensor, labels: Tensor, temperatures: Sequence[float]
) -> list[tuple[float, float, float]]:
    """(T, norm of the soft part's gradient on the student's logits without T^2, the same with it), per token."""
    found = []
    for temperature in temperatures:
        leaf = student_logits.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(soft_loss(leaf, teacher_logits, labels, temperature).mean(), leaf)
        norm = gradient.norm().item()
        found.append((temperature, norm / temperature**2, norm))
    return found


def gradient_figure(norms: Sequence[tuple[float, float, float]]) -> Figure:
    """The two norms of `gradient_norms` by temperature, both axes logarithmic."""
    figure, (axis,) = new_figure("gradient_norms")
    temperatures, without, with_square = zip(*norms, strict=True)
    axis.plot(temperatures, without, "o-", color=COLOURS["ce_only"], label="without T²")
    axis.plot(temperatures, with_square, "o-", color=COLOURS["soft"], label="with T²")
    axis.set(xscale="log", yscale="log", xlabel="temperature T", ylabel="gradient norm (nats per token)")
    axis.set_xticks(temperatures, [f"{t:g}" for t in temperatures])
    axis.set_xticks([], minor=True)
    axis.set_title("The soft part's gradient on the student's logits")
    axis.legend(frameon=False)
    figure.tight_layout()
    return figure


def text_figure(by_rows: Sequence[Mapping], equal_updates: Sequence[Mapping]) -> Figure:
    """The effect of distilling by the number of rows: ratio to tuned CE-only with its interval.

    by_rows: every row read equally often, so that more rows mean more updates.  equal_updates: as many for each.
    """
    figure, (axis,) = new_figure("text")
    for recorded, marks, colour, label in (
        (by_rows, "o-", LIVE, BY_ROWS),
        (equal_updates, "s--", COLOURS["soft"], BY_UPDATES),
    ):
        rows = [row["rows"] for row in recorded]
        ratios, lows, highs = (np.array([row[key] for row in recorded]) for key in ("ratio to CE-only", "low", "high"))
        error = np.stack([ratios - lows, highs - ratios]).clip(min=0)
        axis.errorbar(rows, ratios, yerr=error, fmt=marks, color=colour, capsize=4, label=label)
    axis.axhline(1, color=COLOURS["ce_only"], linestyle="--", label="CE-only, tuned for each point")
    axis.set(xscale="log", xlabel="rows of text", ylabel="perplexity, ratio to CE-only")
    ticks = [row["rows"] for row in by_rows]
    axis.set_xticks(ticks, [f"{count:,}" for count in ticks])
    axis.set_xticks([], minor=True)
    axis.set_title("What a teacher is worth, by the amount of text")
    axis.legend(frameon=False)
    figure.tight_layout()
    return figure


def describe_text(by_rows: Sequence[Mapping], equal_updates: Sequence[Mapping]) -> str:
    """The figure of `text_figure` in words."""
    named = ((BY_ROWS, by_rows), (BY_UPDATES, equal_updates))
    parts = [
        f"{name}, " + ", ".join(f"{row['rows']:,} rows: {row['ratio to CE-only']:.3f}" for row in recorded)
        for name, recorded in named
    ]
    return "Distilled over tuned CE-only. " + "; ".join(parts) + "."


class SurfaceScene:
    """Perplexity over (T, alpha) as a map, and a slice through it at one temperature; `move` changes the slice."""

    def __init__(self, surface: Sequence[Mapping]):
        self.temperatures = sorted({row["temperature"] for row in surface})
        self.alphas = sorted({row["alpha"] for row in surface})
        values = {(row["temperature"], row["alpha"]): row["ratio to CE-only"] for row in surface}
        self._grid = np.array([[values[t, a] for a in self.alphas] for t in self.temperatures])
        self.figure, (left, right) = new_figure("surface", columns=2)
        shown = left.imshow(self._grid, origin="lower", aspect="auto", cmap="PuOr_r", norm=_around_one(self._grid))
        left.grid(False)
        left.set_xticks(range(len(self.alphas)), [f"{a:g}" for a in self.alphas])
        left.set_yticks(range(len(self.temperatures)), [f"{t:g}" for t in self.temperatures])
        left.set(title="Perplexity, ratio to CE-only", xlabel="alpha", ylabel="temperature T")
        scale = self.figure.colorbar(shown, ax=left, ticks=[shown.norm.vmin, 1, shown.norm.vmax], format="%.2f")
        scale.minorticks_off()
        for (row, column), ratio in np.ndenumerate(self._grid):
            colour = "white" if abs(shown.norm(ratio) - 0.5) > 0.35 else "black"
            left.text(column, row, f"{ratio:.2f}", ha="center", va="center", fontsize="small", color=colour)
        self._row = Rectangle((-0.5, -0.5), len(self.alphas), 1, fill=False, edgecolor=LIVE, linewidth=3, clip_on=False)
        left.add_patch(self._row)
        for temperature, line in zip(self.temperatures, self._grid, strict=True):
            right.plot(self.alphas, line, color="#bbbbbb", linewidth=1)
            end = (self.alphas[-1], line[-1])
            right.annotate(f"T = {temperature:g}", end, (6, 0), textcoords="offset points", va="center")
        (self._slice,) = right.plot([], [], "o-", color=LIVE)
        right.axhline(1, color=COLOURS["ce_only"], linestyle="--", label="CE-only")
        right.legend(frameon=False, loc="upper left")
        right.margins(x=0.18)
        right.set(title="The slice at T, among the others", xlabel="alpha", ylabel="ratio to CE-only")
        self.figure.tight_layout()
        self.moving = (self._row, self._slice)

    def move(self, temperature: float) -> None:
        """Put the slice at one of the temperatures."""
        place = self.temperatures.index(temperature)
        self._row.set_y(place - 0.5)
        self._slice.set_data(self.alphas, self._grid[place])

    def sentence(self, temperature: float) -> str:
        """The slice in words."""
        line = self._grid[self.temperatures.index(temperature)]
        points = ", ".join(f"{a:g}: {value:.3f}" for a, value in zip(self.alphas, line, strict=True))
        lowest = " and ".join(f"{a:g}" for a, value in zip(self.alphas, line, strict=True) if value < line.min() + TIED)
        where = f"Lowest, to half a percent, at alpha = {lowest}."
        return f"T = {temperature:g}, ratio to CE-only by alpha: {points}. {where}"


def _around_one(ratios: np.ndarray) -> LogNorm:
    """Colours that turn where distilling is as good as CE-only, as deep for half the perplexity as for twice."""
    limit = max(ratios.max(), 1 / ratios.min(), 1.01)
    return LogNorm(1 / limit, limit)
