"""A teacher with two modes and a student that has one: beta slides from covering both to choosing one.

The student is a bell of any place and width.  At every beta it is fitted anew, over a grid and then a finer one, so the
picture is the best that such a student can do and no accident of a training.  Beside it the same with three tokens,
where every number can be checked by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from matplotlib.figure import Figure
from torch import Tensor

from utils.figures.base import COLOURS, new_figure, show
from utils.losses.divergences import jsd

PLACES = torch.linspace(-6.0, 6.0, 121)
BETWEEN = PLACES.abs() < 1.05
MODES = ((-2.6, 0.7, 0.58), (2.4, 0.7, 0.42))  # place, width, share
TOKENS = ("yes", "perhaps", "no")
THREE = torch.tensor([0.60, 0.01, 0.39])
WIDTHS = (0.25, 4.0)
COARSE, FINE = (41, 25), (15, 15)


@dataclass(frozen=True)
class Fit:
    """The student nearest to a teacher: its place, its width, its log-probabilities, and how far it stays."""

    place: float
    width: float
    log_student: Tensor
    divergence: float


def two_modes() -> Tensor:
    """(121,) log-probabilities of the teacher over PLACES."""
    density = sum(share * _bells(torch.tensor(at), torch.tensor(width), PLACES).exp() for at, width, share in MODES)
    return density.log()


def _bells(place: Tensor, width: Tensor, over: Tensor) -> Tensor:
    """(..., N) log-probabilities of bells over N places, normalised there."""
    return torch.log_softmax(-(((over - place[..., None]) / width[..., None]) ** 2) / 2, dim=-1)


def nearest(log_teacher: Tensor, over: Tensor, beta: float) -> Fit:
    """The bell with the smallest divergence at beta, the first of several."""
    low, high = float(over[0]), float(over[-1])
    places, widths = torch.linspace(low, high, COARSE[0]), torch.logspace(*_logarithms(WIDTHS), COARSE[1])
    for _ in range(2):
        at, wide = torch.meshgrid(places, widths, indexing="ij")
        bells = _bells(at.flatten(), wide.flatten(), over)
        apart = jsd(log_teacher.expand_as(bells), bells, beta)
        best = int(apart.argmin())
        place, width = float(at.flatten()[best]), float(wide.flatten()[best])
        step, ratio = float(places[1] - places[0]), float(widths[1] / widths[0])
        places = torch.linspace(place - step, place + step, FINE[0])
        widths = torch.logspace(*_logarithms((width / ratio, width * ratio)), FINE[1])
    return Fit(place, width, bells[best], float(apart[best]))


def _logarithms(ends: tuple[float, float]) -> tuple[float, float]:
    first, last = torch.tensor(ends, dtype=torch.float64).log10().tolist()
    return first, last


class ModesScene:
    """The figure, with the artists that beta moves."""

    def __init__(self) -> None:
        self._teacher, self._over = two_modes(), torch.arange(3, dtype=torch.float32)
        self.figure, (left, right) = new_figure("modes", columns=2, height=3.4)
        step = float(PLACES[1] - PLACES[0])
        self._density = 1 / step
        left.fill_between(
            PLACES, 0, self._teacher.exp() / step, color=COLOURS["untouched"], alpha=0.35, label="teacher"
        )
        (self._bell,) = left.plot([], [], color=COLOURS["distilled"], linewidth=2, label="student")
        left.set(title="Two modes, a student with one", xlabel="place", ylabel="density", ylim=(0, 0.72))
        left.legend(frameon=False, loc="upper right")
        places = range(len(TOKENS))
        right.bar(places, THREE.tolist(), color=COLOURS["untouched"], alpha=0.35, label="teacher")
        (self._points,) = right.plot([], [], "D", color=COLOURS["distilled"], markersize=8, label="student")
        right.set_xticks(places, [f"{token}\n{share:.2f}" for token, share in zip(TOKENS, THREE.tolist(), strict=True)])
        right.set(title="The same with three tokens", xlabel="token, and the teacher's probability")
        right.set(ylabel="probability", ylim=(0, 1))
        right.legend(frameon=False, loc="upper right")
        self.figure.tight_layout()
        self.moving = (self._bell, self._points)

    def move(self, beta: float) -> tuple[Fit, Fit]:
        """Fit both students at this beta, and put them in their places."""
        bell = nearest(self._teacher, PLACES, beta)
        tokens = nearest(THREE.log(), self._over, beta)
        self._bell.set_data(PLACES, bell.log_student.exp() * self._density)
        self._points.set_data(range(len(TOKENS)), tokens.log_student.exp())
        return bell, tokens

    def sentence(self, beta: float, fits: tuple[Fit, Fit]) -> str:
        """The figure in words."""
        bell, tokens = fits
        ours, theirs = (float(one.exp()[BETWEEN].sum()) for one in (bell.log_student, self._teacher))
        told = ", ".join(f"{name} {share:.2f}" for name, share in zip(TOKENS, tokens.log_student.exp(), strict=True))
        return (
            f"beta = {beta:.2f}. The student's bell stands at {bell.place:.1f} with width {bell.width:.1f}; "
            f"{ours:.0%} of it lies between the modes, where the teacher has {theirs:.0%}. "
            f"Divergence: {bell.divergence:.3f} nats. Three tokens: the student says {told}; "
            f"divergence {tokens.divergence:.3f} nats."
        )


def modes_figure(beta: float) -> tuple[Figure, str]:
    """The figure at one beta, which its title says, and the figure in words."""
    scene = ModesScene()
    sentence = scene.sentence(beta, scene.move(beta))
    scene.figure.axes[0].set_title(f"Two modes, a student with one, beta = {beta:.2f}")
    return scene.figure, sentence


def show_modes(beta: float = 0.5) -> None:
    """Show the figure without a slider, and print its numbers: for a printed page, or where no widget lives."""
    figure, sentence = modes_figure(beta)
    show(figure, sentence)
    print(sentence)
