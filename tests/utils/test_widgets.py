"""A slider changes picture and numbers, is named and takes keys; a plain call draws the same without widgets."""

import io

import matplotlib
import numpy as np
import pytest
import torch

matplotlib.use("Agg")

from matplotlib import pyplot
from PIL import Image

from utils.dark_knowledge import prediction_by_hand, saved_prediction
from utils.errors import CourseError
from utils.loss_view import loss_curves, loss_figure, show_loss_parts
from utils.losses import distillation_loss, kl_divergence
from utils.temperature_view import TemperatureScene, show_temperature, temperature_figure
from utils.widgets import loss_explorer, temperature_explorer

ANIMALS = prediction_by_hand("Which animal is it?", {"cat": 2.64, "tiger": 1.61, "dog": 0.0}, "cat")
STUDENT = prediction_by_hand("Which animal is it?", {"cat": 0.5, "tiger": 0.6, "dog": 0.1}, "cat", model="student")


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


@pytest.fixture(autouse=True)
def no_figure_left_open():
    yield
    pyplot.close("all")


@pytest.fixture
def batch():
    torch.manual_seed(3)
    student, teacher = torch.randn(2, 2, 9, 50) * 2
    labels = torch.randint(50, (2, 9))
    labels[0, 6:] = -100
    return student, teacher, labels


def test_turning_the_temperature_changes_pixels_and_numbers():
    explorer = temperature_explorer([ANIMALS], [STUDENT])
    before, words = pixels(explorer.picture.value), explorer.numbers.value
    explorer.sliders[0].value = 5.0
    assert (pixels(explorer.picture.value) != before).any()
    assert explorer.numbers.value != words and "T = 5.0" in explorer.numbers.value


def test_turning_back_gives_the_same_picture_again():
    explorer = temperature_explorer([ANIMALS])
    before = explorer.picture.value
    explorer.sliders[0].value = 7.3
    explorer.sliders[0].value = 1.0
    assert explorer.picture.value == before


def test_a_step_builds_no_figure(monkeypatch):
    explorer = temperature_explorer([ANIMALS])
    monkeypatch.setattr(pyplot, "subplots", lambda *_, **__: pytest.fail("a figure was built"))
    monkeypatch.setattr("matplotlib.figure.Figure.draw", lambda *_: pytest.fail("a whole figure was drawn"))
    explorer.sliders[0].value = 3.0


def test_the_widget_and_the_plain_call_draw_the_same_figure():
    explorer = temperature_explorer([ANIMALS], [STUDENT], temperature=2.5)
    figure = temperature_figure(ANIMALS, 2.5, STUDENT)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=figure.dpi)
    difference = np.abs(pixels(buffer.getvalue()).astype(int) - pixels(explorer.picture.value).astype(int))
    assert (difference.max(axis=2) > 32).mean() < 0.002, "only the order in which points and lines overlap may differ"


def test_every_control_has_a_label_and_the_range_that_was_promised(batch):
    explorer = temperature_explorer([ANIMALS, STUDENT])
    (slider,) = explorer.sliders
    assert (slider.description, slider.min, slider.max, slider.continuous_update) == ("temperature", 0.5, 20.0, True)
    assert explorer.choice.description == "prompt" and len(explorer.choice.options) == 2
    assert [slider.description for slider in loss_explorer(*batch).sliders] == ["temperature", "alpha"]


def test_words_beside_the_picture_say_what_it_shows(batch):
    for explorer in (temperature_explorer([ANIMALS]), loss_explorer(*batch)):
        before = explorer.numbers.value
        explorer.sliders[0].value = 4.0
        assert "T = 4.0" in explorer.numbers.value != before


def test_the_picture_has_no_tooltip_because_that_breaks_it_in_the_browser(batch):
    assert temperature_explorer([ANIMALS]).picture.tooltip is None


def test_another_prompt_is_another_picture():
    explorer = temperature_explorer([ANIMALS, saved_prediction("2 + 2 = ")])
    before = explorer.picture.value
    explorer.choice.value = 1
    assert explorer.picture.value != before and "SmolLM2" in explorer.numbers.value


def test_what_comes_from_a_prompt_is_shown_as_text_and_not_as_markup():
    risky = prediction_by_hand("<b>?", {"<script>alert(1)</script>": 2.0, "$x_1": 1.0}, "$x_1")
    explorer = temperature_explorer([risky])
    assert "<script" not in explorer.numbers.value and "&lt;script" in explorer.numbers.value


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0, 20.0])
def test_the_numbers_are_those_of_the_definitions(temperature):
    scene = TemperatureScene(ANIMALS, STUDENT)
    numbers = scene.move(temperature)
    p = torch.softmax(ANIMALS.logits / temperature, -1)
    student = (STUDENT.logits / 1).clone().requires_grad_()
    divergence = kl_divergence(ANIMALS.logits / temperature, student / temperature)
    (gradient,) = torch.autograd.grad(divergence, student)
    assert numbers.top == "cat"
    assert numbers.entropy == pytest.approx(-(p * p.log()).sum().item(), rel=1e-4)
    assert numbers.outside_top == pytest.approx(1 - p.max().item(), rel=1e-4)
    assert numbers.divergence == pytest.approx(divergence.item(), rel=1e-3, abs=1e-7)
    assert numbers.gradient == pytest.approx(gradient.norm().item(), rel=1e-3)


def test_beside_a_label_the_divergence_is_the_surprise_of_the_label():
    numbers = TemperatureScene(ANIMALS).move(1.0)
    assert numbers.other_entropy == 0
    assert numbers.divergence == pytest.approx(-torch.log_softmax(ANIMALS.logits, -1)[0].item())


@pytest.mark.parametrize(("temperature", "alpha"), [(0.5, 1.0), (1.0, 0.0), (3.0, 0.3), (20.0, 0.9)])
def test_the_loss_and_its_gradient_are_those_of_the_loss(batch, temperature, alpha):
    student, teacher, labels = batch
    student = student.clone().requires_grad_()
    loss = distillation_loss(student, teacher, labels, temperature, alpha)
    (gradient,) = torch.autograd.grad(loss, student)
    curves = loss_curves(*batch)
    place = curves.at(temperature)
    assert curves.blend(alpha)[place] == pytest.approx(loss.item(), rel=1e-4)
    assert curves.blend_gradient(alpha)[place] == pytest.approx(gradient.norm().item(), rel=1e-3)


def test_turning_alpha_changes_the_picture_of_the_loss(batch):
    explorer = loss_explorer(*batch)
    before = pixels(explorer.picture.value)
    explorer.sliders[1].value = 0.9
    assert (pixels(explorer.picture.value) != before).any() and "alpha = 0.90" in explorer.numbers.value


def test_a_large_batch_is_measured_in_part_and_this_is_said(batch, monkeypatch, capsys):
    monkeypatch.setattr("utils.loss_view.MAX_LOGITS", 50 * 4)
    show_loss_parts(*batch)
    assert "4 positions (the first 4 of 13)" in capsys.readouterr().out
    assert loss_figure(loss_curves(*batch), 1.0, 0.5).axes


def test_the_plain_calls_print_their_numbers_outside_of_a_notebook(batch, capsys):
    show_temperature(ANIMALS, 2.0, STUDENT)
    show_loss_parts(*batch, temperature=2.0, alpha=0.25)
    printed = capsys.readouterr().out
    assert "KL(model || student)" in printed and "alpha = 0.25" in printed


def test_mistakes_are_answered_with_a_sentence(batch):
    other = prediction_by_hand("?", {"yes": 1.0, "no": 0.0}, "yes")
    with pytest.raises(CourseError, match="3 and 2 tokens"):
        temperature_explorer([ANIMALS], [other])
    with pytest.raises(CourseError, match="1 predictions and 2"):
        temperature_explorer([ANIMALS], [STUDENT, STUDENT])
    with pytest.raises(CourseError, match="no prediction"):
        temperature_explorer([])
    student, teacher, labels = batch
    with pytest.raises(CourseError, match="No label is valid"):
        loss_curves(student, teacher, torch.full_like(labels, -100))
