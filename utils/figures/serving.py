"""The figures of Lab 7: what models of several sizes need on a machine, and the quality of a student by its cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from utils.figures.base import COLOURS, new_figure, with_legend_below
from utils.measuring.serving import Hardware, Serving
from utils.measuring.shown import interval, number
from utils.models.costs import Sizes

BITS = (16, 8, 4)
BATCHES = tuple(2**power for power in range(11))
CONTEXTS = (512, 2048, 4096, 8192, 32768)
FIRST = (16, 8, 4096)  # bits of the weights, batch, context


@dataclass
class ServingScene:
    """Memory and seconds of several models on one machine; `move` sets bits, batch and context.  Caches: 16 bits."""

    models: Mapping[str, Sizes]
    machine: Hardware

    def __post_init__(self) -> None:
        self.figure, (left, right) = new_figure("serving", columns=2, height=3.4)
        places = range(len(self.models))
        self._weights, self._all, self._reading, self._computing = (
            axis.plot([1] * len(self.models), places, mark, color=COLOURS[colour], markersize=9, label=label)[0]
            for axis, mark, colour, label in (
                (left, "o", "ce_only", "weights"),
                (left, "s", "distilled", "weights and caches"),
                (right, "o", "ce_only", "reading"),
                (right, "s", "distilled", "computing"),
            )
        )
        left.axvline(self.machine.memory / 1e9, color=COLOURS["untouched"], linestyle="--", label="the machine's")
        for axis in (left, right):
            axis.set_yticks(places, list(self.models))
            axis.set_ylim(len(self.models) - 0.5, -0.5)
            axis.set_xscale("log")
            axis.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, -0.55), ncols=3, fontsize="small")
        left.set(title=f"Memory: {self.machine.name}", xlabel="GB", xlim=(0.5, 2e5))
        right.set(title="One step: the later one counts", xlabel="milliseconds", xlim=(1e-3, 1e5))
        self.figure.tight_layout()
        self.moving = (self._weights, self._all, self._reading, self._computing)

    def move(self, bits: int, batch: int, context: int) -> None:
        """Put the points where these settings lead to."""
        served, places = list(self._served(bits, context).values()), range(len(self.models))
        held = [one.weight_bytes + one.sizes.cache_bytes(batch, context) for one in served]
        self._weights.set_data([one.weight_bytes / 1e9 for one in served], places)
        self._all.set_data([some / 1e9 for some in held], places)
        self._reading.set_data([1000 * one.reading_seconds(batch) for one in served], places)
        self._computing.set_data([1000 * one.computing_seconds(batch) for one in served], places)

    def sentence(self, bits: int, batch: int, context: int) -> str:
        """The same in words, with the price where the batch fits."""
        said = [self._said(name, one, batch) for name, one in self._served(bits, context).items()]
        start = f"{bits} bits, a batch of {batch:,}, {context:,} tokens each, on {self.machine.name}. "
        return start + " ".join(said)

    def _served(self, bits: int, context: int) -> dict[str, Serving]:
        return {name: Serving(sizes, self.machine, bits / 8, context=context) for name, sizes in self.models.items()}

    def _said(self, name: str, one: Serving, batch: int) -> str:
        if batch > one.largest_batch:
            return f"{name}: does not fit; the largest batch is {one.largest_batch:,}."
        reading, computing = one.reading_seconds(batch), one.computing_seconds(batch)
        seconds, waits = max(reading, computing), "memory" if reading > computing else "arithmetic"
        price = ""
        if self.machine.price:
            low, high = (number(one.price_of_a_million(batch, some)) for some in self.machine.price)
            price = f", {low} to {high} dollars a million"
        return f"{name}: {1000 * seconds:.1f} ms a step ({waits}), {number(batch / seconds)} tokens a second{price}."


def frontier(points: Sequence[Mapping]) -> Figure:
    """Perplexity over the teacher's against seconds a token over the teacher's.

    points: with "student", "cost", "over the teacher", and its "low" and "high".
    """
    figure, (axis,) = new_figure("frontier", height=4.2)
    for place, point in enumerate(points):
        ratio, colour = point["over the teacher"], list(COLOURS.values())[place % len(COLOURS)]
        error = [[ratio - point["low"]], [point["high"] - ratio]]
        mark = "osD^vPX*<>"[place % 10]
        axis.errorbar(point["cost"], ratio, yerr=error, fmt=mark, color=colour, capsize=3, label=point["student"])
    axis.axhline(1, color=COLOURS["untouched"], linestyle="--", linewidth=1, label="as good as the teacher")
    axis.set(
        title="What a token costs, and how good the student is", xlabel="seconds for a token, over the teacher's",
        ylabel="perplexity over the teacher's", xlim=(0, 1.1),
    )  # fmt: skip
    return with_legend_below(figure)


def describe_frontier(points: Sequence[Mapping]) -> str:
    """The same as a sentence for each student."""
    lines = [
        f"{point['student']}: {point['cost']:.2f} of the teacher's seconds, perplexity "
        f"{point['over the teacher']:.3f} of the teacher's ({interval(point, '.3f')})"
        for point in points
    ]
    return "Distilled students by cost and quality.\n" + "\n".join(lines)
