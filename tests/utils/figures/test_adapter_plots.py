"""Ranks in their order with both objectives, and a cut through singular values that says how much it holds."""

import numpy as np
import pytest

from utils.errors import CourseError
from utils.figures.adapters import SpectrumScene, describe_ranks, rank_curves
from utils.figures.sliders import spectrum_explorer

ROWS = [
    {"rank": rank, "objective": name, "ratio": 1 + 1 / rank, "low": 1.0, "high": 2.1, "seeds": 5}
    for rank in (8, 1)
    for name in ("CE-only", "distilled")
]


def test_the_curves_have_every_rank_once_and_words_for_each_point():
    live = [{"rank": 8, "objective": "distilled", "ratio": 1.1}]
    figure = rank_curves(ROWS, live, guess=8)
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["1", "8"]
    words = describe_ranks(ROWS, live)
    assert "distilled, rank 8: ours 1.125 (1.000 to 2.100); your run 1.100" in words and words.count("\n") == 4


def test_the_cut_says_which_share_of_the_squared_change_it_holds():
    scene = SpectrumScene({"c_attn": np.array([3.0, 4.0 / 3, 1.0])[::1]}, "c_attn")
    scene.move(1)
    total = 9 + 16 / 9 + 1
    assert f"rank 1 holds {9 / total:.0%}" in scene.sentence(1) and "half of it takes rank 1, of 3" in scene.sentence(1)
    assert "rank 3 holds 100%" in scene.sentence(64)


def test_the_explorer_cuts_at_its_slider_and_changes_the_matrix():
    explorer = spectrum_explorer({"first": [2.0, 1.0], "second": [1.0, 1.0]}, (1, 2))
    assert "first: the best adapter of rank 1 holds 80%" in explorer.numbers
    explorer.choice.value = "second"
    assert "second: the best adapter of rank 1 holds 50%" in explorer.numbers
    explorer.sliders[0].value = 2
    assert "rank 2 holds 100%" in explorer.numbers
    with pytest.raises(CourseError, match="no change to cut"):
        spectrum_explorer({}, (1,))
