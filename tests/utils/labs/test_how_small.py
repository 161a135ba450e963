"""Predicted and measured seconds of small models: the limit is the calculator's, and no model beats it by much."""

import torch
from transformers import GPT2Config

from utils.labs.how_small import predicted_and_measured, small_configs
from utils.measuring.serving import Hardware, Serving
from utils.models.costs import sizes_of


def test_the_prediction_is_the_calculator_s_and_the_measurement_leaves_chance_alone():
    config = GPT2Config(n_embd=32, n_layer=1, n_head=2, vocab_size=64)
    machine = Hardware("a slow one", 1e6, 1e6, 1e9, "for this test")
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    (row,) = predicted_and_measured({"tiny": config}, machine)
    assert torch.equal(torch.rand(2), expected)
    assert row["predicted"] == Serving(sizes_of(config), machine, 4, 4, context=6).step_seconds(1)
    assert row["model"] == "tiny" and row["measured"] > 0


def test_own_models_come_before_the_published_ones():
    assert next(iter(small_configs(teacher=GPT2Config()))) == "teacher" and len(small_configs()) >= 3
