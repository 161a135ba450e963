"""What the README and the model card say is what was recorded."""

import json

import pytest

from benchmarks.common import RESULTS
from utils.pretrained import card
from utils.workspace import ROOT


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


def test_the_control_was_tuned_and_its_best_rate_is_not_at_the_edge_of_the_grid(effect):
    for arm, tried in effect["tuning"].items():
        rates = sorted(tried, key=float)
        best = min(tried, key=tried.get)
        assert float(best) == effect["learning_rates"][arm]
        assert best not in (rates[0], rates[-1])
