"""One prediction at one temperature: a figure, its numbers, and a sentence that says the same.

A temperature never changes the winner.  It changes how much probability lies elsewhere, how far teacher and student are
apart, and how large the gradient is that the student learns from; so these are what the figure shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from utils.errors import CourseError
from utils.figures.base import COLOURS, new_figure, show
from utils.labs.dark_knowledge import Prediction
from utils.losses.core import entropy, kl_divergence, soft_targets

LOWEST, HIGHEST = 0.5, 20.0
GRID = np.geomspace(LOWEST, HIGHEST, 40)
ROWS = 12
FLOOR = 1e-7
FEW_CLASSES = 20


@dataclass(frozen=True)
class TemperatureNumbers:
    """What a prediction is worth at one temperature.  Nats; shares of 1.

    divergence: KL(teacher || student), or KL(label || model) where a one-hot label stands beside the model.
    gradient: the norm of KL's gradient on the student's logits, without T squared.  Beside a label the student is one
    that has learned nothing: all its logits are equal.
    """

    temperature: float
    top: str
    entropy: float
    other_entropy: float
    divergence: float
    outside_top: float
    gradient: float


class TemperatureScene:
    """The figure for one prediction, with the artists that a temperature moves."""

    def __init__(self, prediction: Prediction, student: Prediction | None = None):
        if student is not None and student.logits.shape != prediction.logits.shape:
            raise CourseError(
                f"The two predictions are over {len(prediction.logits):,} and {len(student.logits):,} tokens; to stand "
                "side by side they need one tokenizer."
            )
        self.prediction, self.student = prediction, student
        self.names = (prediction.model, "label" if student is None else student.model)
        self.figure, (self._tokens, self._gradients) = new_figure("temperature", columns=2, width=5.6, height=3.9)
        self._panel = _TokenPanel(self._tokens, prediction, student)
        self._draw_gradients()
        self.figure.suptitle(_one_line(prediction.prompt), parse_math=False)
        self.figure.tight_layout()
        self.moving = (*self._panel.moving, self._cursor, *self._markers)

    def move(self, temperature: float) -> TemperatureNumbers:
        """Put every moving artist where this temperature has it; returns the numbers."""
        ours, others = self._panel.move(temperature)
        gradient = float(_gradient_norms(self.prediction, self.student, [temperature])[0])
        self._cursor.set_xdata([temperature, temperature])
        for marker, value in zip(self._markers, (gradient, gradient * temperature**2), strict=True):
            marker.set_data([temperature], [value])
        return TemperatureNumbers(
            temperature=temperature,
            top=self.prediction.tokens[0],
            entropy=entropy(ours).item(),
            other_entropy=entropy(others).item(),
            divergence=self._divergence(temperature),
            outside_top=1 - ours.max().item(),
            gradient=gradient,
        )

    def _divergence(self, temperature: float) -> float:
        ours = self.prediction.logits / temperature
        if self.student is None:
            return -torch.log_softmax(ours, -1)[self.prediction.label_id].item()
        return kl_divergence(ours, self.student.logits / temperature).item()

    def _draw_gradients(self) -> None:
        axis = self._gradients
        norms = _gradient_norms(self.prediction, self.student, GRID)
        learner = "a student with equal logits" if self.student is None else "the student"
        axis.set(xscale="log", yscale="log", xlabel="temperature T", ylabel="gradient norm (nats)")
        axis.set_title(f"Its pull on {learner}", fontsize="medium")
        axis.set_xticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
        axis.set_xticks([], minor=True)
        axis.plot(GRID, GRID**2, color="#7f7f7f", linestyle=":", label="T²")
        axis.plot(GRID, norms, color=COLOURS["ce_only"], label="gradient of KL")
        axis.plot(GRID, norms * GRID**2, color=COLOURS["soft"], label="gradient × T²")
        axis.legend(frameon=False, loc="lower left", fontsize="small")
        self._cursor = axis.axvline(1.0, color=COLOURS["guess"], linewidth=1)
        self._markers = tuple(
            axis.plot([], [], "o", color=COLOURS[colour], markersize=7)[0] for colour in ("ce_only", "soft")
        )

    def sentence(self, numbers: TemperatureNumbers) -> str:
        """The figure in words: what stands beside it, and for those who do not see it."""
        first, second = self.names
        divergence = "KL(label || model)" if self.student is None else f"KL({first} || {second})"
        return (
            f"T = {numbers.temperature:.1f}. The most likely token is still {_visible(numbers.top)!r}; "
            f"{numbers.outside_top:.1%} of the probability lies outside it. "
            f"Entropy: {first} {numbers.entropy:.2f}, {second} {numbers.other_entropy:.2f} nats. "
            f"{divergence}: {numbers.divergence:.3f} nats. "
            f"Gradient norm {numbers.gradient:.2g}; times T², {numbers.gradient * numbers.temperature**2:.2g}."
        )


class _TokenPanel:
    """The most likely tokens of a prediction as points, beside a student's or the label's."""

    def __init__(self, axis: Axes, prediction: Prediction, student: Prediction | None, legend: bool = True):
        self._prediction, self._student = prediction, student
        self._rows = _rows(prediction)
        self._linear = len(prediction.logits) <= FEW_CLASSES
        if self._linear:
            axis.set(xlim=(-0.03, 1.03), xlabel="probability")
        else:
            axis.set(xscale="log", xlim=(FLOOR, 1.5), xlabel="probability (logarithmic; the left edge stands for 0)")
        axis.set_title(_title(prediction))  # T itself would be a text that moves, the slowest thing to draw
        size = len(prediction.logits)
        axis.axvline(1 / size, color=COLOURS["untouched"], linestyle=":", label=f"all {size:,} alike")
        axis.set_yticks(range(len(self._rows)), [_visible(text) for text in self._texts()])
        for label in axis.get_yticklabels():
            label.set_parse_math(False)
        axis.set_ylim(len(self._rows) - 0.4, -0.6)
        beside, colour = ("label", "hard") if student is None else (student.model, "distilled")
        (self._others,) = axis.plot([], [], "D", color=COLOURS[colour], markersize=6, clip_on=False, label=beside)
        (self._dots,) = axis.plot([], [], "o", color=COLOURS["teacher"], markersize=6, label=prediction.model)
        if legend:
            axis.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.42, -0.2), ncol=3, fontsize="small")
        self.moving = (self._others, self._dots)

    def move(self, temperature: float) -> tuple[Tensor, Tensor]:
        """Put the points where this temperature has them; returns both distributions, (V,) each."""
        ours = soft_targets(self._prediction.logits, temperature)
        student = self._student
        others = _one_hot(self._prediction) if student is None else soft_targets(student.logits, temperature)
        for points, probabilities in ((self._dots, ours), (self._others, others)):
            values = probabilities[self._rows].numpy()
            points.set_data(values if self._linear else np.maximum(values, FLOOR), np.arange(len(self._rows)))
        return ours, others

    def _texts(self) -> list[str]:
        known = dict(zip(self._prediction.top_ids, self._prediction.tokens, strict=True))
        return [known.get(index, self._prediction.label) for index in self._rows]


def temperatures_figure(prediction: Prediction, temperatures: Sequence[float]) -> Figure:
    """The same tokens at several temperatures, side by side: the picture for where nothing moves."""
    figure, axes = new_figure("temperatures", columns=len(temperatures), width=7.0, height=3.9)
    for place, (axis, temperature) in enumerate(zip(axes, temperatures, strict=True)):
        _TokenPanel(axis, prediction, None, legend=place == len(temperatures) // 2).move(temperature)
        axis.set(title=f"T = {temperature:g}", xlabel="probability (logarithmic)")
        if place:
            axis.set_yticklabels([])
    figure.suptitle(_one_line(prediction.prompt), parse_math=False)
    figure.tight_layout()
    return figure


def temperature_figure(prediction: Prediction, temperature: float = 1.0, student: Prediction | None = None) -> Figure:
    """The figure that the slider moves, at one temperature: a model beside its student, or beside the one-hot label."""
    return _still(prediction, temperature, student)[0]


def show_temperature(prediction: Prediction, temperature: float = 1.0, student: Prediction | None = None) -> None:
    """Show the figure without a slider, and print its numbers: for a printed page, or where no widget lives."""
    figure, sentence = _still(prediction, temperature, student)
    show(figure, f"{_one_line(prediction.prompt)} {sentence}")
    print(sentence)


def _still(prediction: Prediction, temperature: float, student: Prediction | None) -> tuple[Figure, str]:
    """The figure at one temperature, which its title says, and the figure in words."""
    scene = TemperatureScene(prediction, student)
    sentence = scene.sentence(scene.move(temperature))
    scene.figure.axes[0].set_title(f"{_title(prediction)}, T = {temperature:.1f}")
    return scene.figure, sentence


def _title(prediction: Prediction) -> str:
    """What the left panel shows: classes of a question, or tokens that may come next."""
    return "The model's answer" if len(prediction.logits) <= FEW_CLASSES else "What is expected next"


def _rows(prediction: Prediction) -> list[int]:
    """The token ids that are shown: the most likely ones, and the label where it is not among them."""
    rows = list(prediction.top_ids[:ROWS])
    return rows if prediction.label_id in rows else [*rows[: ROWS - 1], prediction.label_id]


def _one_hot(prediction: Prediction) -> Tensor:
    return torch.nn.functional.one_hot(torch.tensor(prediction.label_id), len(prediction.logits)).float()


def _gradient_norms(prediction: Prediction, student: Prediction | None, temperatures: object) -> np.ndarray:
    """(K,) norms of d KL(softmax(teacher/T) || softmax(student/T)) / d student = (q - p) / T, for each temperature."""
    scales = torch.tensor(np.asarray(temperatures), dtype=torch.float32)[:, None]
    logits = torch.zeros_like(prediction.logits) if student is None else student.logits
    difference = torch.softmax(logits / scales, -1) - torch.softmax(prediction.logits / scales, -1)
    return (difference.norm(dim=-1) / scales[:, 0]).numpy()


def _visible(token: str) -> str:
    """A token with its spaces and line ends made visible."""
    return token.replace(" ", "␣").replace("\n", "⏎").replace("\t", "⇥")


def _one_line(prompt: str) -> str:
    return f"“{prompt.replace(chr(10), ' ⏎ ')}”"
