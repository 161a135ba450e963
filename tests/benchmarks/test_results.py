"""What the README and the model card say is what was recorded."""

import json

import pytest

from benchmarks.common import RESULTS
from benchmarks.sweep_jobs import RATES
from utils.machine.workspace import ROOT
from utils.pretrained import card


@pytest.fixture(scope="module")
def effect():
    return json.loads((RESULTS / "effect.json").read_text(encoding="utf-8"))


def test_the_readme_shows_the_recorded_results():
    from benchmarks.readme import with_results

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert with_results(text) == text


def test_the_model_card_shows_the_recorded_results():
    assert (card.HERE / "MODEL_CARD.md").read_text(encoding="utf-8") == card.render()


def test_the_models_stand_in_the_order_that_the_lab_teaches(effect):
    perplexity = {row["model"]: row["perplexity"] for row in effect["rows"]}
    assert perplexity["teacher"] < perplexity["distilled"] < perplexity["ce_only"] < perplexity["untouched"]


def test_the_effect_rests_on_five_seeds_and_its_interval_leaves_no_effect_out(effect):
    found = effect["effects"]["distilled_vs_ce_only"]
    assert found["seeds"] >= 5
    assert found["low"] <= found["ratio"] <= found["high"] < 1


@pytest.fixture(scope="module")
def swept():
    return json.loads((RESULTS / "sweeps.json").read_text(encoding="utf-8"))


def test_one_run_is_behind_all_tables_of_the_sweeps(swept):
    """What stands in several tables is the same number in each."""
    at = swept["at"]
    (point,) = [row for row in swept["surface"] if (row["temperature"], row["alpha"]) == tuple(at.values())]
    same = [row for name in at for row in swept[name] if row[name] == at[name]]
    same += [row for row in swept["hidden"] if row["hidden states"] == "logits alone"]
    same += [row for row in swept["text"] if row["rows"] == swept["rows_swept"]]
    assert len(same) == 4
    assert all(row["by seed"] == point["by seed"] for row in same)


def test_the_sweeps_rest_on_five_seeds_and_on_rates_inside_the_grid(swept):
    for name in ("temperature", "alpha", "hidden", "text", "text at equal updates"):
        assert {row["seeds"] for row in swept[name]} == {5}, name
    assert set(swept["learning_rates"].values()) <= set(RATES[1:-1])


def test_the_control_was_tuned_and_its_best_rate_is_not_at_the_edge_of_the_grid(effect):
    for arm, tried in effect["tuning"].items():
        rates = sorted(tried, key=float)
        best = min(tried, key=tried.get)
        assert float(best) == effect["learning_rates"][arm]
        assert best not in (rates[0], rates[-1])
