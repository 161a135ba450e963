"""The student with one mode: what it fits at the two ends, and that no other bell is nearer."""

import matplotlib
import pytest
import torch

matplotlib.use("Agg")

from matplotlib import pyplot

from utils.figures.modes import MODES, PLACES, THREE, ModesScene, nearest, show_modes, two_modes
from utils.figures.sliders import divergence_explorer
from utils.losses.core import kl_divergence
from utils.losses.divergences import jsd


@pytest.fixture(autouse=True)
def no_figure_left_open():
    yield
    pyplot.close("all")


def moments(log_probabilities):
    p = log_probabilities.exp()
    mean = (p * PLACES).sum()
    return mean.item(), (p * (PLACES - mean) ** 2).sum().sqrt().item()


def test_forward_kl_takes_over_the_teacher_s_mean_and_spread():
    mean, spread = moments(two_modes())
    fit = nearest(two_modes(), PLACES, 0.0)
    assert moments(fit.log_student)[0] == pytest.approx(mean, abs=0.1)
    assert moments(fit.log_student)[1] == pytest.approx(spread, abs=0.15)


def test_reverse_kl_takes_the_larger_mode():
    place, width, share = max(MODES, key=lambda mode: mode[2])
    fit = nearest(two_modes(), PLACES, 1.0)
    assert (fit.place, fit.width) == (pytest.approx(place, abs=0.1), pytest.approx(width, abs=0.1))
    assert fit.divergence == pytest.approx(-torch.tensor(share).log().item(), abs=0.02)


@pytest.mark.parametrize("beta", [0.0, 0.3, 0.8, 1.0])
def test_no_other_bell_is_nearer(beta):
    fit = nearest(two_modes(), PLACES, beta)
    generator = torch.Generator().manual_seed(0)
    place = torch.empty(3000).uniform_(-6, 6, generator=generator)
    width = torch.empty(3000).uniform_(0.3, 4, generator=generator)
    others = torch.log_softmax(-(((PLACES - place[:, None]) / width[:, None]) ** 2) / 2, dim=-1)
    assert fit.divergence <= jsd(two_modes().expand_as(others), others, beta).min() + 1e-3


def test_three_tokens_are_covered_or_one_is_chosen():
    over = torch.arange(3, dtype=torch.float32)
    covering, choosing = (nearest(THREE.log(), over, beta).log_student.exp() for beta in (0.0, 1.0))
    assert covering.min() > 0.25 and choosing[0] > 0.9
    assert kl_divergence(THREE.log(), choosing.log()) > 1 > kl_divergence(THREE.log(), covering.log())


def test_the_slider_moves_the_student_and_says_so():
    explorer = divergence_explorer()
    (slider,) = explorer.sliders
    covering = explorer.moving.value
    slider.value = 1.0
    assert "beta = 1.00" in explorer.numbers and "yes 0.98" in explorer.numbers
    assert explorer.moving.value != covering
    slider.value = 0.0
    assert explorer.numbers in covering.replace("&#x27;", "'")


def test_the_still_picture_says_the_same(capsys):
    show_modes(1.0)
    scene = ModesScene()
    assert scene.sentence(1.0, scene.move(1.0)) in capsys.readouterr().out
