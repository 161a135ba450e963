"""A slider changes picture and numbers, is named and takes keys; a plain call draws the same without widgets."""

import base64
import io
import re

import matplotlib
import numpy as np
import pytest
import torch

matplotlib.use("Agg")

from matplotlib import pyplot
from PIL import Image

from utils.errors import CourseError
from utils.figures.live_picture import SHARP
from utils.figures.loss_parts import loss_curves, loss_figure, show_loss_parts
from utils.figures.sliders import loss_explorer, surface_explorer, temperature_explorer
from utils.figures.temperature import TemperatureScene, show_temperature, temperature_figure
from utils.labs.dark_knowledge import prediction_by_hand, saved_prediction
from utils.losses.core import distillation_loss, kl_divergence

ANIMALS = prediction_by_hand("Which animal is it?", {"cat": 2.64, "tiger": 1.61, "dog": 0.0}, "cat")
STUDENT = prediction_by_hand("Which animal is it?", {"cat": 0.5, "tiger": 0.6, "dog": 0.1}, "cat", model="student")


def marks(svg: str) -> list[tuple[float, float]]:
    """Where the points stand."""
    return [(float(x), float(y)) for x, y in re.findall(r'<use [^>]*x="([\d.]+)" y="([\d.]+)"', svg)]


def parts(svg: str) -> list[str]:
    """The names that other parts refer to."""
    return re.findall(r'(?:href="|url\()#(\w+)', svg)


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


def test_turning_the_temperature_moves_the_marks_and_changes_the_numbers():
    explorer = temperature_explorer([ANIMALS], [STUDENT])
    before, words = marks(explorer.moving.value), explorer.moving.value
    explorer.sliders[0].value = 5.0
    assert marks(explorer.moving.value) != before
    assert explorer.moving.value != words and "T = 5.0" in explorer.moving.value


def test_the_slice_through_the_surface_moves_with_its_slider_over_the_temperatures_that_there_are():
    ratios = {(t, a): 1 - a / 10 * (1 if t == 1.0 else -1) for t in (1.0, 3.0) for a in (0.0, 0.5, 1.0)}
    rows = [{"temperature": t, "alpha": a, "ratio to CE-only": ratio} for (t, a), ratio in ratios.items()]
    explorer = surface_explorer(rows)
    (slider,) = explorer.sliders
    assert slider.description == "temperature" and [value for _, value in slider.options] == [1.0, 3.0]
    low = explorer.moving.value
    assert "0.5: 0.950" in low and "Lowest, to half a percent, at alpha = 1." in low
    slider.value = 3.0
    assert "0.5: 1.050" in explorer.moving.value and "Lowest, to half a percent, at alpha = 0." in explorer.moving.value
    assert marks(explorer.moving.value) != marks(low)


def test_turning_back_gives_the_same_picture_again():
    explorer = temperature_explorer([ANIMALS])
    before = explorer.picture.value, explorer.moving.value
    explorer.sliders[0].value = 7.3
    assert explorer.moving.value != before[1]
    explorer.sliders[0].value = 1.0
    assert (explorer.picture.value, explorer.moving.value) == before


def test_a_step_builds_no_figure(monkeypatch):
    explorer = temperature_explorer([ANIMALS])
    monkeypatch.setattr(pyplot, "subplots", lambda *_, **__: pytest.fail("a figure was built"))
    monkeypatch.setattr("matplotlib.figure.Figure.draw", lambda *_: pytest.fail("a whole figure was drawn"))
    explorer.sliders[0].value = 3.0


def test_the_widget_and_the_plain_call_draw_the_same_figure():
    """Marks are compared by their places, in points; the rest by its pixels, except for T in the plain title."""
    explorer = temperature_explorer([ANIMALS], [STUDENT], temperature=2.5)
    figure = temperature_figure(ANIMALS, 2.5, STUDENT)
    figure.axes[0].set_title("The model's answer")
    figure.set_dpi(72)
    lines = [line for axis in figure.axes for line in axis.lines if line.get_marker() in ("D", "o")]
    placed = np.concatenate([line.get_transform().transform(line.get_xydata()) for line in lines])
    placed[:, 1] = figure.bbox.height - placed[:, 1]  # SVG counts from the top
    shown = np.array(sorted(marks(explorer.moving.value)))
    assert len(placed) == 8 and np.abs(np.array(sorted(map(tuple, placed))) - shown).max() < 0.01
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=SHARP)
    difference = np.abs(pixels(drawn.getvalue()).astype(int) - pixels(explorer.picture.value).astype(int))
    assert 0 < (difference.max(axis=2) > 32).mean() < 0.01, "what moves, and nothing else, is missing in the picture"


def test_what_moves_is_drawn_in_the_shape_of_the_picture_and_styles_nothing_else_in_the_page():
    explorer = temperature_explorer([ANIMALS])
    width, height = (
        float(part) for part in re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', explorer.moving.value).groups()
    )
    rows, columns, _ = pixels(explorer.picture.value).shape
    assert columns / rows == pytest.approx(width / height, rel=2e-3)
    assert "<style" not in explorer.moving.value and explorer.moving.value.count("<svg") == 1
    names = {name for one in (explorer, temperature_explorer([ANIMALS])) for name in set(parts(one.moving.value))}
    assert len(names) == 2 * len(set(parts(explorer.moving.value)))


def test_every_control_has_a_label_and_the_range_that_was_promised(batch):
    explorer = temperature_explorer([ANIMALS, STUDENT])
    (slider,) = explorer.sliders
    assert (slider.description, slider.min, slider.max, slider.continuous_update) == ("temperature", 0.5, 20.0, True)
    assert explorer.choice.description == "prompt" and len(explorer.choice.options) == 2
    assert [slider.description for slider in loss_explorer(*batch).sliders] == ["temperature", "alpha"]


def test_words_beside_the_picture_say_what_it_shows(batch):
    for explorer in (temperature_explorer([ANIMALS]), loss_explorer(*batch)):
        before = explorer.moving.value
        explorer.sliders[0].value = 4.0
        assert "T = 4.0" in explorer.moving.value != before


def test_the_picture_has_no_tooltip_because_that_breaks_it_in_the_browser(batch):
    assert temperature_explorer([ANIMALS]).picture.tooltip is None


def test_another_prompt_is_another_picture():
    explorer = temperature_explorer([ANIMALS, saved_prediction("2 + 2 = ")])
    before = explorer.picture.value
    explorer.choice.value = 1
    assert explorer.picture.value != before and "SmolLM2" in explorer.moving.value


def test_what_comes_from_a_prompt_is_shown_as_text_and_not_as_markup():
    risky = prediction_by_hand("<b>?", {"<script>alert(1)</script>": 2.0, "$x_1": 1.0}, "$x_1")
    explorer = temperature_explorer([risky])
    assert "<script" not in explorer.moving.value and "&lt;script" in explorer.moving.value


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
    before = explorer.moving.value
    explorer.sliders[1].value = 0.9
    assert explorer.moving.value != before and "alpha = 0.90" in explorer.moving.value


def test_a_large_batch_is_measured_in_part_and_this_is_said(batch, monkeypatch, capsys):
    monkeypatch.setattr("utils.figures.loss_parts.MAX_LOGITS", 50 * 4)
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


def test_below_the_sliders_is_the_same_picture_still_with_its_words(monkeypatch):
    shown = []
    monkeypatch.setattr("utils.figures.sliders.display", lambda what, **_: shown.append(what))
    explorer = temperature_explorer([ANIMALS], temperature=3.0)
    explorer._ipython_display_()
    box, still = shown
    assert box is explorer.box
    assert still["text/plain"] == explorer.numbers and explorer.numbers.startswith("T = 3.0. The most likely")
    page = still["text/html"]
    assert "<details" in page and "run this cell again" in page and "T = 3.0" in page
    (encoded,) = re.findall(r'<img alt="T = 3\.0[^"]*" src="data:image/png;base64,([^"]+)"', page)
    still, background = (pixels(png) for png in (base64.b64decode(encoded), explorer.picture.value))
    assert (still[:, :, :3] < 128).any(axis=2).mean() > (background[:, :, :3] < 128).any(axis=2).mean()


def test_a_question_with_three_answers_is_not_titled_as_if_a_text_went_on():
    titles = [TemperatureScene(one).figure.axes[0].get_title() for one in (ANIMALS, saved_prediction("2 + 2 = "))]
    assert titles == ["The model's answer", "What is expected next"]
