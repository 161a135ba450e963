"""Lab 7's functions: what no entry describes is refused and gets no false name; a pruned model shares nothing."""

from __future__ import annotations

import copy
import itertools

import pytest
import torch

from grader.exercises.lab07 import block_influence, decode_seconds, kept_layers, kv_cache_bytes, parameter_count, prune
from grader.exercises.lab07.prune.rule import blocks_of
from tests.grader.exercises.catalogues import judged


def _tied_twice_and_no_norms(config):
    table = config.vocab_size * config.hidden_size
    norms = (2 * config.num_hidden_layers + 1) * config.hidden_size
    return parameter_count.parameter_count(config) + table * config.tie_word_embeddings - norms


def _keys_only_in_bits(config, batch, tokens, bytes_per_number):
    return 4 * kv_cache_bytes.kv_cache_bytes(config, batch, tokens, bytes_per_number)


def _sum_without_the_two(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    return (parameters * bytes_per_parameter + cache_bytes) / bandwidth + parameters * batch / rate


def _no_mask_and_absolute(hidden_states, mask):
    pairs = itertools.pairwise(hidden_states)
    return torch.stack([1 - torch.cosine_similarity(a, b, dim=-1).abs().mean() for a, b in pairs])


def _lowest_unsorted(influence, keep):
    return influence.argsort()[:keep].tolist()


def _doubled_norm(model, layers):
    small = prune.prune(model, layers)
    norm = small.transformer.ln_f if hasattr(small, "transformer") else small.model.norm
    with torch.no_grad():
        norm.weight.mul_(2)
    return small


@pytest.mark.parametrize(
    ("exercise", "function"),
    [
        (parameter_count.EXERCISE, _tied_twice_and_no_norms),
        (kv_cache_bytes.EXERCISE, _keys_only_in_bits),
        (decode_seconds.EXERCISE, _sum_without_the_two),
        (block_influence.EXERCISE, _no_mask_and_absolute),
        (kept_layers.EXERCISE, _lowest_unsorted),
        (prune.EXERCISE, _doubled_norm),
    ],
)
def test_what_no_entry_describes_is_refused_and_gets_no_false_name(exercise, function):
    verdict = judged(exercise.table(None), function)
    catalogued = {wrong.name for wrong in exercise.misconceptions}
    assert not verdict.passed and not catalogued & set(verdict.misconceptions)


def _with_the_given_embedding(model, layers):
    small = prune.prune(model, layers)
    small.set_input_embeddings(model.get_input_embeddings())
    return small


def _renumbers_the_given_model(model, layers):
    small = prune.prune(model, layers)
    for block in blocks_of(model):
        (block.attn if hasattr(block, "attn") else block.self_attn).layer_idx = 0
    return small


@pytest.mark.parametrize("function", [_with_the_given_embedding, _renumbers_the_given_model])
def test_a_copy_that_shares_a_weight_or_renumbers_the_given_blocks_is_refused(function):
    assert not judged(prune.EXERCISE.table(None), function).passed


def test_a_copy_of_a_right_answer_is_right():
    assert judged(prune.EXERCISE.table(None), lambda model, layers: copy.deepcopy(prune.prune(model, layers))).passed
