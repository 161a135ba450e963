"""Predicted and measured seconds of small models: the limit is the calculator's, and no model beats it by much."""

import torch
from transformers import GPT2Config

from utils.labs.how_small import predicted_and_measured, small_configs, waits_from
from utils.measuring.published import published_config
from utils.measuring.serving import Hardware, Serving, hardware
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


def test_the_batch_from_which_a_step_waits_for_arithmetic_is_the_first_one():
    served = Serving(sizes_of(published_config("Llama-3.1-70B")), hardware("A100"), 0.5, context=512)
    batch = waits_from(served)
    assert served.computing_seconds(batch) >= served.reading_seconds(batch)
    assert served.computing_seconds(batch - 1) < served.reading_seconds(batch - 1)


def test_where_every_text_brings_more_to_read_than_to_compute_no_batch_waits_for_arithmetic():
    assert waits_from(Serving(sizes_of(published_config("Llama-3.2-3B")), hardware("A100"), context=4096)) is None
