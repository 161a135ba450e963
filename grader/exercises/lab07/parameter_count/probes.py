"""What parameter_count is asked."""

from __future__ import annotations

from grader.exercises.lab07 import configs
from utils.checks.records import Probe


def draw(random):
    yield Probe("plain", {"config": configs.llama(random)})
    yield Probe("plain too", {"config": configs.llama(random)})
    yield Probe("tied", {"config": configs.llama(random, tie_word_embeddings=True)})
    yield Probe("grouped", {"config": configs.grouped(random)})
    yield Probe("wide heads", {"config": configs.wide_heads(random)})
    yield Probe("with biases", {"config": configs.llama(random, attention_bias=True)})
    yield Probe("with biases, grouped and wide", {"config": configs.grouped_wide_with_biases(random)})
