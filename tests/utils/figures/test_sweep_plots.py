"""Does every figure of a sweep hold its control, and does its sentence say what it draws?"""

import matplotlib
import pytest
import torch

from utils.figures import base as plots
from utils.figures import sweeps as sweep_plots
from utils.measuring.calibration import Calibration

matplotlib.use("Agg")

RECORDED = [
    {"temperature": t, "ratio to CE-only": ratio, "low": ratio - 0.01, "high": ratio + 0.02}
    for t, ratio in ((1.0, 0.9), (10.0, 0.95))
]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plots.plt.close("all")


def flat_lines(axis) -> list[float]:
    """Heights of the horizontal lines of a plot."""
    lines = (list(line.get_ydata()) for line in axis.get_lines() if len(line.get_ydata()) == 2)
    return [low for low, high in lines if low == high]


def interval_ends(axis) -> set[float]:
    """Where the error bars of a plot begin and end."""
    bars = (bar for container in axis.containers for bar in container[2])
    return {round(float(y), 6) for bar in bars for segment in bar.get_segments() for _, y in segment}


def test_a_knob_is_drawn_beside_ce_only_with_its_intervals_and_the_readers_guess():
    figure = sweep_plots.knob("temperature", {1.0: 57.0, 10.0: 59.0}, 63.0, RECORDED, guess=3.0, logarithmic=True)
    left, right = figure.axes
    assert flat_lines(left) == [63.0] and flat_lines(right) == [1]
    assert interval_ends(right) == {0.89, 0.92, 0.94, 0.97}
    assert "your guess: 3" in [text.get_text() for text in left.get_legend().get_texts()]
    assert sweep_plots.describe_knob("temperature", {1.0: 57.0}, 63.0).endswith("1: 57.0. CE-only: 63.0.")


def test_the_effect_of_text_is_drawn_at_equal_updates_beside_equal_epochs():
    by_rows = [{"rows": rows, **row} for rows, row in zip((125, 2000), RECORDED, strict=True)]
    equal = [{"rows": 500, "ratio to CE-only": 0.8, "low": 0.7, "high": 0.9}]
    (axis,) = sweep_plots.text_figure(by_rows, equal).axes
    assert flat_lines(axis) == [1]
    assert interval_ends(axis) == {0.89, 0.92, 0.94, 0.97, 0.7, 0.9}
    assert sweep_plots.describe_text(by_rows, equal) == (
        "Distilled over tuned CE-only. each row read equally often, 125 rows: 0.900, 2,000 rows: 0.950; "
        "the same number of updates, 500 rows: 0.800."
    )


def test_a_slice_of_the_surface_is_its_row_and_names_its_lowest_point():
    surface = [
        {"temperature": t, "alpha": alpha, "ratio to CE-only": 1 - 0.1 * alpha * (2 - t)}
        for t in (1.0, 3.0)
        for alpha in (0.0, 0.5, 1.0)
    ]
    scene = sweep_plots.SurfaceScene(surface)
    scene.move(3.0)
    assert scene.moving[1].get_ydata() == pytest.approx([1.0, 1.05, 1.1])
    assert scene.sentence(3.0).endswith("Lowest, to half a percent, at alpha = 0.")
    assert scene.sentence(1.0).endswith("Lowest, to half a percent, at alpha = 1.")


def test_points_that_are_as_good_as_the_lowest_are_named_with_it():
    ratios = {0.0: 1.0, 0.7: 0.871, 0.9: 0.874, 1.0: 0.877}
    surface = [{"temperature": 1.0, "alpha": alpha, "ratio to CE-only": ratio} for alpha, ratio in ratios.items()]
    assert sweep_plots.SurfaceScene(surface).sentence(1.0).endswith("at alpha = 0.7 and 0.9.")


def test_the_maps_colour_turns_at_ce_only_and_is_as_deep_on_either_side():
    ratios = {0.0: 1.0, 0.5: 0.8, 1.0: 1.25}
    surface = [{"temperature": 1.0, "alpha": alpha, "ratio to CE-only": ratio} for alpha, ratio in ratios.items()]
    norm = sweep_plots.SurfaceScene(surface).figure.axes[0].images[0].norm
    assert [norm(ratio) for ratio in ratios.values()] == pytest.approx([0.5, 0.0, 1.0])


def test_bins_with_hardly_a_token_are_not_drawn_but_counted_in_the_error():
    found = Calibration(tokens=(100, 2), confidence=(30.0, 1.8), right=(20, 0))
    (axis,) = sweep_plots.reliability({"a student": found}).axes
    drawn = axis.get_lines()[1]
    assert list(drawn.get_xdata()) == pytest.approx([0.3]) and list(drawn.get_ydata()) == pytest.approx([-0.1])
    assert f"{(10 + 1.8) / 102:.3f} (overconfident)" in sweep_plots.describe_reliability({"a student": found})


def test_a_model_without_a_bin_to_draw_leaves_its_panel_empty():
    (axis,) = sweep_plots.reliability({"a student": Calibration(tokens=(3,), confidence=(1.0,), right=(1,))}).axes
    assert len(axis.get_lines()[1].get_xdata()) == 0


def test_every_model_has_a_calibration_panel_of_one_scale_with_what_chance_alone_would_do():
    found = Calibration(tokens=(100, 400), confidence=(50.0, 320.0), right=(50, 360))
    figure = sweep_plots.reliability({name: found for name in ("teacher", "CE-only", "T = 1", "T = 3")})
    panels = [axis for axis in figure.axes if axis.get_visible()]
    assert [axis.get_title() for axis in panels[:2]] == ["teacher (error 0.080)", "CE-only (error 0.080)"]
    assert len(panels) == 4 and len({axis.get_ylim() for axis in panels}) == 1
    band = panels[0].collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(1.96 * 0.05) and band[:, 1].min() == pytest.approx(-1.96 * 0.05)
    assert max(y for x, y in band if x > 0.7) == pytest.approx(1.96 * 0.02)


def test_a_panel_has_its_models_colour_and_the_lowest_of_each_column_its_scale():
    found = Calibration(tokens=(100, 400), confidence=(50.0, 320.0), right=(50, 360))
    figure = sweep_plots.reliability({name: found for name in ("teacher", "untouched", "CE-only", "T = 1")})
    figure.canvas.draw()
    panels = [axis for axis in figure.axes if axis.get_visible()]
    colours = [axis.get_lines()[1].get_color() for axis in panels]
    assert colours == [plots.COLOURS[name] for name in ("teacher", "untouched", "ce_only", "distilled")]
    shown = [any(label.get_visible() and label.get_text() for label in axis.get_xticklabels()) for axis in panels]
    assert shown == [False, True, True, True]


def test_gradient_norms_differ_by_the_square_of_the_temperature():
    torch.manual_seed(0)
    logits = torch.randn(2, 1, 6, 11)
    labels = torch.randint(0, 11, (1, 6))
    norms = sweep_plots.gradient_norms(*logits, labels, (1.0, 4.0))
    assert [with_square / without for _, without, with_square in norms] == pytest.approx([1.0, 16.0])
    (axis,) = sweep_plots.gradient_figure(norms).axes
    assert [list(line.get_ydata()) for line in axis.get_lines()] == [
        pytest.approx([norm[column] for norm in norms]) for column in (1, 2)
    ]
