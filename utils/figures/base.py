"""The figures of the labs: titled axes with units, colours that everybody tells apart, and a text beside them.

Every figure is drawn on a light card, so it is as readable in a dark theme; `show` hands it to the notebook together
with a sentence that says what it shows.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils.labs.guesses import as_number
from utils.machine.progress import in_notebook
from utils.measuring.shown import interval
from utils.training.history import History

HOLDS_NO_ANSWER = True

# Okabe and Ito's palette: told apart with every common form of colour blindness.
COLOURS = {
    "teacher": "#000000",
    "untouched": "#7f7f7f",
    "ce_only": "#0072b2",
    "distilled": "#d55e00",
    "soft": "#009e73",
    "hard": "#56b4e9",
    "guess": "#cc79a7",
}
DPI = 100
LEAST_PANEL = 330  # pixels: a narrower panel cannot be read
NAMES = {"teacher": "teacher", "untouched": "untouched student", "ce_only": "CE-only", "distilled": "distilled"}


def new_figure(
    label: str, columns: int = 1, width: float = 6.4, height: float = 3.6, rows: int = 1, alike: bool = False
) -> tuple[Figure, list[plt.Axes]]:
    """A figure whose file will be called `label`, with its axes row by row; `alike` gives all of them one scale."""
    size = (width * (1 if columns == 1 else 1.6), height)
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, sharex=alike, sharey=alike)
    figure.set_label(label)
    figure.set_facecolor("white")
    for axis in grid.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
    return figure, list(grid.flat)


def with_legend_below(figure: Figure) -> Figure:
    """The figure with one legend for all its axes, below them."""
    figure.set_layout_engine("constrained")
    figure.legend(frameon=False, loc="outside lower center", ncols=2, fontsize="small")
    return figure


def training_curves(histories: Sequence[History], temperature: float) -> Figure:
    """Left: the loss of each run by step.  Right: soft and hard part of the distilled run apart (nats per token)."""
    figure, (left, right) = new_figure("training", columns=2)
    for history in histories:
        losses = np.array([record.loss for record in history.records])
        colour = COLOURS.get(history.name)
        steps = np.arange(1, len(losses) + 1)
        left.plot(steps, losses, color=colour, alpha=0.25, linewidth=0.8)
        left.plot(steps, _smooth(losses), color=colour, label=NAMES.get(history.name, history.name))
    left.set(title="What each run minimises", xlabel="step", ylabel="loss (nats per token)")
    if left.lines:
        left.legend(frameon=False)
    for history in histories:
        for part in ("soft", "hard"):
            recorded = [(step, getattr(record, part)) for step, record in enumerate(history.records, 1)]
            points = [(step, value) for step, value in recorded if value is not None]
            if points:
                steps, values = zip(*points, strict=True)
                right.plot(steps, _smooth(np.array(values), 5), color=COLOURS[part], label=f"{part} part")
    right.set(title=f"The distilled run's two parts, T = {temperature:g}", xlabel="step", ylabel="nats per token")
    if right.lines:
        right.legend(frameon=False)
    figure.tight_layout()
    return figure


def comparison(rows: Sequence[Mapping], guess: object = None) -> Figure:
    """Each model's perplexity with its 95 % interval over documents, and the reader's guess for the distilled one."""
    figure, (axis,) = new_figure("comparison", height=2.8)
    for place, row in enumerate(reversed(rows)):
        colour = COLOURS.get(row["model"], "#000000")
        error = _bars(row["perplexity"], row["low"], row["high"])
        axis.errorbar(row["perplexity"], place, xerr=error, fmt="o", color=colour, capsize=4)
        axis.annotate(
            f"{row['perplexity']:.1f}", (row["perplexity"], place), textcoords="offset points", xytext=(0, 7),
            ha="center", color=colour,
        )  # fmt: skip
    if (guess := as_number(guess)) is not None:
        axis.axvline(guess, color=COLOURS["guess"], linestyle="--", label=f"your guess: {guess:g}")
        axis.legend(frameon=False, loc="lower right")
    axis.set_yticks(range(len(rows)), [NAMES.get(row["model"], row["model"]) for row in reversed(rows)])
    axis.set_ylim(-0.6, len(rows) - 0.3)
    axis.set(
        title="Perplexity on validation text",
        xlabel="perplexity per token (lower is better; bars: 95 % over documents)",
    )
    figure.tight_layout()
    return figure


def effects(named: Mapping[str, Mapping]) -> Figure:
    """Ratios of two perplexities with their 95 % intervals; the line at 1 is no effect."""
    figure, (axis,) = new_figure("effect", height=2.2)
    for place, effect in enumerate(reversed(named.values())):
        error = _bars(effect["ratio"], effect["low"], effect["high"])
        axis.errorbar(effect["ratio"], place, xerr=error, fmt="o", color=COLOURS["distilled"], capsize=4)
    axis.axvline(1, color=COLOURS["untouched"], linestyle="--", label="no effect")
    axis.legend(frameon=False)
    axis.set_yticks(range(len(named)), list(reversed(named)))
    axis.set_ylim(-0.6, len(named) - 0.4)
    axis.set(title="Distilled against CE-only", xlabel="ratio of perplexities (below 1: the teacher helped)")
    figure.tight_layout()
    return figure


def show(figure: Figure, alt: str) -> None:
    """Show a figure in a notebook with the text that stands for it; elsewhere it stays open for `course.py run`."""
    if not in_notebook():
        return
    from IPython.display import display

    display({"text/html": as_html(figure, alt), "text/plain": alt}, raw=True)
    plt.close(figure)


def as_html(figure: Figure, alt: str) -> str:
    """The figure as an image with its alt text, which Jupyter's own images lack; too wide for a page, it scrolls."""
    width, _ = figure.get_size_inches()
    least = min(round(width * DPI), round(LEAST_PANEL * sum(axis.get_visible() for axis in _first_row(figure))))
    encoded = base64.b64encode(png(figure)).decode("ascii")
    return (
        '<div style="overflow-x:auto">'
        f'<img alt="{html.escape(alt, quote=True)}" src="data:image/png;base64,{encoded}" '
        f'style="width:100%;max-width:{round(width * DPI)}px;min-width:{least}px;height:auto"></div>'
    )


def _first_row(figure: Figure) -> list[plt.Axes]:
    """The panels that are side by side at the figure's upper edge."""
    panels = [axis for axis in figure.axes if axis.get_label() != "<colorbar>"]
    top = max(round(axis.get_position().y1, 2) for axis in panels)
    return [axis for axis in panels if round(axis.get_position().y1, 2) > top - 0.05]


def png(figure: Figure) -> bytes:
    """The figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()


def describe_rows(rows: Sequence[Mapping]) -> str:
    """A sentence that stands for the comparison figure."""
    parts = [f"{NAMES.get(r['model'], r['model'])} {r['perplexity']:.1f} ({interval(r)})" for r in rows]
    return "Perplexity with 95 % interval: " + ", ".join(parts) + "."


def describe_effects(live: Mapping, recorded: Mapping) -> str:
    """A sentence that stands for the effects figure."""
    return (
        f"Perplexity of distilled over CE-only: {live['ratio']:.3f} "
        f"({interval(live, '.3f')}) in this run, "
        f"{recorded['ratio']:.3f} ({interval(recorded, '.3f')}) over {recorded['seeds']} seeds."
    )


def _bars(value: float, low: float, high: float) -> list[list[float]]:
    """How far an interval reaches below and above its value; not below 0, which rounding would allow."""
    return [[max(0.0, value - low)], [max(0.0, high - value)]]


def _smooth(values: np.ndarray, width: int = 15) -> np.ndarray:
    """A running mean whose window shrinks at the ends."""
    if not len(values):
        return values
    width = min(width, len(values))
    kernel = np.ones(width)
    return np.convolve(values, kernel, "same") / np.convolve(np.ones(len(values)), kernel, "same")
