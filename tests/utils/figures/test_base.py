"""Does every figure say what it shows, and is it drawn whatever the run brought?"""

import matplotlib
import pytest

from utils.figures import base as plots
from utils.training.history import History, StepRecord

matplotlib.use("Agg")

ROW = {"model": "distilled", "perplexity": 50.0, "low": 48.0, "high": 53.0}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plots.plt.close("all")


def history(steps: int, parts: bool = True, name: str = "distilled") -> History:
    records = [
        StepRecord(0, 5.0 - 0.1 * step, 10, *((2.0, 3.0) if parts and step % 5 == 0 else ())) for step in range(steps)
    ]
    return History(name, max(1, steps), max(1, steps), records)


@pytest.mark.parametrize("steps", [0, 1, 2, 40])
@pytest.mark.parametrize("parts", [True, False])
def test_curves_are_drawn_for_a_run_of_any_length_without_a_warning(steps, parts, recwarn):
    figure = plots.training_curves([history(steps, parts), history(steps, False, "ce_only")], temperature=2.0)
    assert plots.png(figure).startswith(b"\x89PNG")
    assert [str(warning.message) for warning in recwarn] == []


def test_every_axis_has_a_title_and_units():
    figures = [
        plots.training_curves([history(9)], 1.0),
        plots.comparison([ROW]),
        plots.effects({"five seeds": {"ratio": 0.9, "low": 0.8, "high": 1.0}}),
    ]
    for axis in (axis for figure in figures for axis in figure.axes):
        assert axis.get_title() and axis.get_xlabel()
    assert [axis.get_ylabel() for axis in figures[0].axes] == ["loss (nats per token)", "nats per token"]
    assert [figure.get_label() for figure in figures] == ["training", "comparison", "effect"]


def test_the_curve_is_the_runs_loss_and_its_smoothing_keeps_a_level():
    figure = plots.training_curves([history(40)], 1.0)
    assert figure.axes[0].lines[0].get_ydata().tolist() == [record.loss for record in history(40).records]
    level = plots.training_curves([History("distilled", 40, 40, [StepRecord(0, 3.0, 10)] * 40)], 1.0)
    assert level.axes[0].lines[1].get_ydata().tolist() == pytest.approx([3.0] * 40)


@pytest.mark.parametrize("steps", [1, 14, 15, 16, 200])
def test_smoothing_keeps_the_length(steps):
    curve, smooth = plots.training_curves([history(steps)], 1.0).axes[0].lines
    assert len(curve.get_ydata()) == len(smooth.get_ydata()) == steps


def test_an_interval_whose_end_rounding_put_on_the_wrong_side_is_drawn():
    row = {**ROW, "low": 50.000000000000014, "high": 49.99999999999999}
    plots.png(plots.comparison([row], guess=45.0))
    plots.png(plots.effects({"one": {"ratio": 0.9, "low": 0.9000000000000001, "high": 0.9}}))


def test_the_bars_are_the_interval_and_the_guess_is_a_line():
    figure = plots.comparison([ROW, {**ROW, "model": "teacher"}], guess=45.0)
    segments = [c.get_segments()[0][:, 0].tolist() for c in figure.axes[0].collections]
    assert segments == [[48.0, 53.0]] * 2
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["teacher", "distilled"]
    assert any("45" in text.get_text() for text in figure.axes[0].get_legend().get_texts())


def test_the_sentence_names_every_model_with_its_interval():
    assert plots.describe_rows([ROW, {**ROW, "model": "ce_only"}]) == (
        "Perplexity with 95 % interval: distilled 50.0 (48.0 to 53.0), CE-only 50.0 (48.0 to 53.0)."
    )


def test_outside_a_notebook_a_figure_stays_open_and_inside_it_comes_with_its_text(monkeypatch):
    figure, _ = plots.new_figure("one")
    plots.show(figure, "a text")
    assert plots.plt.fignum_exists(figure.number)
    shown = []
    monkeypatch.setattr(plots, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    plots.show(figure, 'a "text" & more')
    (data,) = shown
    assert data["text/plain"] == 'a "text" & more'
    assert '<img alt="a &quot;text&quot; &amp; more" src="data:image/png;base64,iVBORw0KGgo' in data["text/html"]
    assert not plots.plt.fignum_exists(figure.number)


@pytest.mark.parametrize(("columns", "rows", "least"), [(1, 1, 330), (2, 1, 660), (3, 2, 990)])
def test_a_panel_never_gets_too_narrow_to_read_and_the_page_scrolls_instead(columns, rows, least):
    figure, _ = plots.new_figure("one", columns=columns, rows=rows)
    shown = plots.as_html(figure, "alt")
    assert f"min-width:{least}px" in shown and shown.startswith('<div style="overflow-x:auto">')


def test_a_guess_that_cannot_be_read_breaks_no_figure():
    figure = plots.comparison([ROW], guess="about 45")
    assert figure.axes[0].get_legend() is None
    assert plots.comparison([ROW], guess="45").axes[0].get_legend() is not None


def test_colours_differ_from_each_other():
    assert len(set(plots.COLOURS.values())) == len(plots.COLOURS)
