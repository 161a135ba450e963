"""Does the calculator's picture follow its sliders, and do its words say what fits and what a step waits for?"""

import pytest

from utils.figures.serving import ServingScene, describe_frontier, frontier
from utils.figures.sliders import serving_explorer
from utils.measuring.published import published_config
from utils.measuring.serving import Serving, hardware
from utils.models.costs import sizes_of

NAMES = ("Llama-3.1-70B", "Llama-3.2-3B")


@pytest.fixture(scope="module")
def models():
    return {name: sizes_of(published_config(name)) for name in NAMES}


def test_words_say_what_does_not_fit_and_what_a_step_waits_for(models):
    scene = ServingScene(models, hardware("A100"))
    assert "Llama-3.1-70B: does not fit; the largest batch is 0." in scene.sentence(16, 1, 512)
    assert "ms a step (memory)" in scene.sentence(4, 1, 512)
    assert "ms a step (arithmetic)" in scene.sentence(4, 1024, 16).partition("3B")[2]


def test_the_points_are_the_calculator_s(models):
    scene = ServingScene(models, hardware("A100"))
    scene.move(8, 4, 2048)
    weights, held, reading, computing = (artist.get_xdata()[1] for artist in scene.moving)
    served = Serving(models["Llama-3.2-3B"], hardware("A100"), 1, context=2048)
    assert weights == pytest.approx(served.weight_bytes / 1e9)
    assert held - weights == pytest.approx(served.sizes.cache_bytes(4, 2048) / 1e9)
    assert (reading, computing) == pytest.approx((1e3 * served.reading_seconds(4), 1e3 * served.computing_seconds(4)))


def test_a_slider_and_the_machine_change_the_words(models):
    explorer = serving_explorer(models)
    before = explorer.numbers
    explorer.sliders[0].value = 4
    assert explorer.numbers.startswith("4 bits") and explorer.numbers != before
    explorer.choice.value = hardware("L4")
    assert "on NVIDIA L4" in explorer.numbers and "dollars" not in explorer.numbers


def test_a_student_has_its_interval_in_the_picture_and_in_the_words():
    point = {"student": "half", "cost": 0.5, "over the teacher": 1.3, "low": 1.2, "high": 1.4}
    (axis,) = frontier([point]).axes
    (bars,) = axis.containers
    assert bars.lines[2][0].get_segments()[0].tolist() == [[0.5, pytest.approx(1.2)], [0.5, pytest.approx(1.4)]]
    assert (
        "half: 0.50 of the teacher's seconds, perplexity 1.300 of the teacher's (1.200 to 1.400)"
        in describe_frontier([point])
    )
