"""The figures of Lab 4 hold what they are given, and say it in words."""

import matplotlib.pyplot as plt
import pytest

from utils.figures import speculation

RECORDED = {
    "untouched": {"share": 0.54, "low": 0.53, "high": 0.55, "seeds": 1},
    "forward KL": {"share": 0.57, "low": 0.56, "high": 0.58, "seeds": 5},
}
ROWS = [
    {"draft": "model", "gamma": 1, "times as fast": 0.9, "low": 0.8, "high": 1.1, "predicted": 0.95},
    {"draft": "model", "gamma": 4, "times as fast": 0.7, "low": 0.6, "high": 0.8, "predicted": 0.8},
    {"draft": "trigrams", "gamma": 1, "times as fast": 1.1, "predicted": 1.3},
]


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_acceptance_shows_your_run_ours_and_the_guess_and_titles_its_axis():
    figure = speculation.acceptance({"forward KL": 0.6}, RECORDED, {"untouched": 0.3, "forward KL": None})
    (axis,) = figure.axes
    places = {line.get_label(): line.get_xdata().tolist() for line in axis.lines}
    assert places["your run"] == [0.6] and places["your guess"] == [0.3]
    assert axis.get_xlabel() and axis.get_title()
    assert [tick.get_text() for tick in axis.get_yticklabels()] == list(RECORDED)


def test_acceptance_in_words_has_every_draft():
    said = speculation.describe_acceptance({"forward KL": 0.6}, RECORDED)
    assert "forward KL: 0.600; ours 0.570 (0.560 to 0.580)" in said and "untouched: ours 0.540" in said


def test_speed_draws_the_measured_beside_the_model_for_each_draft():
    (axis,) = speculation.speed(ROWS, guess=1.5).axes
    lines = {line.get_label(): list(line.get_ydata()) for line in axis.lines}
    assert lines["model, the speed model"] == [0.95, 0.8] and lines["trigrams, the speed model"] == [1.3]
    assert "your guess: 1.5" in lines and axis.get_ylabel()
    assert "model, gamma 4: 0.70 times as fast, the model says 0.80" in speculation.describe_speed(ROWS)
