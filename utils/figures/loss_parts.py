"""The two parts of the distillation loss on one batch, and how hard each of them pulls, against T and alpha.

T and alpha change what is measured, so a smaller loss is no better setting.  What the student feels is the gradient, so
both are drawn.  One batch is measured once at every temperature of a grid; alpha then only mixes what is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from utils.errors import CourseError
from utils.figures.base import COLOURS, new_figure, show
from utils.losses.core import kl_divergence, require_matching, shifted

TEMPERATURES = tuple(np.arange(0.5, 20.25, 0.5).tolist())
MAX_LOGITS = 2**21


@dataclass(frozen=True)
class LossCurves:
    """Both parts of the loss on one batch (nats per token), measured at each of `temperatures` (K,).

    soft holds T squared; soft_gradient and hard_gradient are norms of d part / d student_logits; dot is the product of
    the two gradients, so that the norm of any blend follows.  positions: how many valid ones were measured, of `valid`.
    """

    temperatures: np.ndarray
    soft: np.ndarray
    soft_gradient: np.ndarray
    dot: np.ndarray
    hard: float
    hard_gradient: float
    positions: int
    valid: int

    def at(self, temperature: float) -> int:
        """The place of the grid's temperature that is nearest."""
        return int(np.abs(self.temperatures - temperature).argmin())

    def blend(self, alpha: float) -> np.ndarray:
        """(K,) alpha * soft + (1 - alpha) * hard."""
        return alpha * self.soft + (1 - alpha) * self.hard

    def blend_gradient(self, alpha: float) -> np.ndarray:
        """(K,) the norm of the blend's gradient, in which the two parts may help or hinder each other."""
        soft, hard = alpha * self.soft_gradient, (1 - alpha) * self.hard_gradient
        return np.sqrt(np.maximum(soft**2 + hard**2 + 2 * alpha * (1 - alpha) * self.dot, 0.0))


def loss_curves(student_logits: Tensor, teacher_logits: Tensor, labels: Tensor) -> LossCurves:
    """Measure a batch.  student_logits, teacher_logits: (B, S, V); labels: (B, S), -100 ignored.

    Only as many valid positions are taken as make two million logits, so that it takes well under a second.
    Raises CourseError for shapes that do not fit, and where no label is valid.
    """
    require_matching(student_logits, teacher_logits, labels)
    student, targets = shifted(student_logits.detach().float(), labels)
    teacher, _ = shifted(teacher_logits.detach().float(), labels)
    valid = len(targets)
    if not valid:
        raise CourseError("No label is valid, so there is no loss to show. Give rows of at least two real tokens.")
    taken = min(valid, max(1, MAX_LOGITS // student.shape[1]))
    student, teacher, targets = student[:taken], teacher[:taken], targets[:taken]
    rows = torch.arange(taken, device=targets.device)
    hard = -torch.log_softmax(student, -1)[rows, targets].mean().item()
    hard_gradient = torch.softmax(student, -1)
    hard_gradient[rows, targets] -= 1
    measured = [_soft_part(student, teacher, hard_gradient, temperature) for temperature in TEMPERATURES]
    soft, norms, dots = np.array(measured).T
    return LossCurves(
        temperatures=np.array(TEMPERATURES),
        soft=soft,
        soft_gradient=norms / taken,
        dot=dots / taken**2,
        hard=hard,
        hard_gradient=hard_gradient.norm().item() / taken,
        positions=taken,
        valid=valid,
    )


class LossScene:
    """The figure for one batch, with the artists that T and alpha move."""

    def __init__(self, curves: LossCurves):
        self.curves = curves
        self.figure, (self._losses, self._gradients) = new_figure("loss_parts", columns=2, width=5.6, height=3.6)
        parts = (
            (self._losses, "The loss", "nats per token", curves.soft, curves.hard),
            (self._gradients, "What the student feels", "gradient norm on the logits", curves.soft_gradient,
             curves.hard_gradient),
        )  # fmt: skip
        self._lines = [_draw_parts(*part, curves) for part in parts]
        self.figure.tight_layout()
        self.moving = tuple(artist for lines in self._lines for artist in lines.values())

    def move(self, temperature: float, alpha: float) -> None:
        """Put every moving artist where this T and this alpha have it."""
        place = self.curves.at(temperature)
        curves = (
            (self.curves.soft, self.curves.hard, self.curves.blend(alpha)),
            (self.curves.soft_gradient, self.curves.hard_gradient, self.curves.blend_gradient(alpha)),
        )
        for lines, (soft, hard, blend) in zip(self._lines, curves, strict=True):
            lines["soft"].set_ydata(alpha * soft)
            lines["hard"].set_ydata(np.full(len(soft), (1 - alpha) * hard))
            lines["blend"].set_ydata(blend)
            lines["cursor"].set_xdata([self.curves.temperatures[place]] * 2)
            lines["marker"].set_data([self.curves.temperatures[place]], [blend[place]])

    def sentence(self, temperature: float, alpha: float) -> str:
        """The figure in words, at one T and one alpha."""
        curves, place = self.curves, self.curves.at(temperature)
        which = "" if curves.positions == curves.valid else f" (the first {curves.positions:,} of {curves.valid:,})"
        return (
            f"T = {curves.temperatures[place]:.1f}, alpha = {alpha:.2f}, {curves.positions:,} positions{which}. "
            f"Soft part {curves.soft[place]:.3f}, hard part {curves.hard:.3f}, "
            f"loss {curves.blend(alpha)[place]:.3f} nats per token. "
            f"Gradient norms: soft {alpha * curves.soft_gradient[place]:.4f} and hard "
            f"{(1 - alpha) * curves.hard_gradient:.4f} as weighted, together {curves.blend_gradient(alpha)[place]:.4f}."
        )


def loss_figure(curves: LossCurves, temperature: float, alpha: float) -> Figure:
    """The figure that the two sliders move, at one T and one alpha."""
    scene = LossScene(curves)
    scene.move(temperature, alpha)
    return scene.figure


def show_loss_parts(
    student_logits: Tensor, teacher_logits: Tensor, labels: Tensor, temperature: float = 1.0, alpha: float = 0.5
) -> None:
    """Show the figure without sliders, and print its numbers: for a printed page, or where no widget lives."""
    scene = LossScene(loss_curves(student_logits, teacher_logits, labels))
    scene.move(temperature, alpha)
    sentence = scene.sentence(temperature, alpha)
    show(scene.figure, sentence)
    print(sentence)


def _soft_part(
    student: Tensor, teacher: Tensor, hard_gradient: Tensor, temperature: float
) -> tuple[float, float, float]:
    """T^2 KL as a mean over (N, V); the norm of its gradient T (q - p), N times too large; its product with another."""
    divergence = temperature**2 * kl_divergence(teacher / temperature, student / temperature).mean()
    gradient = temperature * (torch.softmax(student / temperature, -1) - torch.softmax(teacher / temperature, -1))
    return divergence.item(), gradient.norm().item(), (gradient * hard_gradient).sum().item()


def _draw_parts(axis: object, title: str, unit: str, soft: np.ndarray, hard: float, curves: LossCurves) -> dict:
    """One panel: its axes are fixed to the largest value that any alpha can give, so that only lines move."""
    axis.set(title=title, ylabel=unit, xlabel="temperature T", xlim=(0, 20.5), ylim=(0, 1.08 * max(soft.max(), hard)))
    lines = {}
    named = (("soft", "alpha × soft part (with T²)"), ("hard", "(1 - alpha) × hard part"), ("blend", "together"))
    for part, label in named:
        colour = COLOURS.get(part, COLOURS["teacher"])
        style = "-" if part == "blend" else "--"
        (lines[part],) = axis.plot(curves.temperatures, np.zeros_like(soft), style, color=colour, label=label)
    axis.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncol=1, fontsize="small")
    lines["cursor"] = axis.axvline(1.0, color=COLOURS["guess"], linewidth=1)
    (lines["marker"],) = axis.plot([], [], "o", color=COLOURS["teacher"], markersize=7)
    return lines
