"""Lab 7's functions: what no entry describes is refused and gets no false name; a pruned model shares nothing."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from grader.exercises.lab07 import block_influence, decode_seconds, kept_layers, kv_cache_bytes, parameter_count, prune
from grader.exercises.lab07.prune.rule import blocks_of, copied_with, deepened, renumbered, shell_of, with_blocks
from tests.grader.exercises.catalogues import judged


def _tied_twice_and_no_norms(config):
    table = config.vocab_size * config.hidden_size
    norms = (2 * config.num_hidden_layers + 1) * config.hidden_size
    return parameter_count.parameter_count(config) + table * config.tie_word_embeddings - norms


def _keys_only_in_bits(config, batch, tokens, bytes_per_number):
    return 4 * kv_cache_bytes.kv_cache_bytes(config, batch, tokens, bytes_per_number)


def _sum_without_the_two(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    return (parameters * bytes_per_parameter + cache_bytes) / bandwidth + parameters * batch / rate


def _padding_alone_and_absolute(hidden_states, mask):
    counted = ~mask if (~mask).any() else mask
    pairs = itertools.pairwise(hidden_states)
    return torch.stack([1 - torch.cosine_similarity(a, b, dim=-1).abs()[counted].mean() for a, b in pairs])


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
        (block_influence.EXERCISE, _padding_alone_and_absolute),
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


def _named(exercise, function):
    verdict = judged(exercise.table(None), function)
    assert not verdict.passed
    return verdict.misconceptions


def _cut_in_place(model, layers):
    return deepened(renumbered(with_blocks(model, [blocks_of(model)[place] for place in layers])))


def _cut_in_place_then_copied(model, layers):
    return copy.deepcopy(_cut_in_place(model, layers))


def _cut_in_place_alone(model, layers):
    return with_blocks(model, [blocks_of(model)[place] for place in layers])


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (_cut_in_place, "the model is changed in place"),
        (_cut_in_place_then_copied, "model changed in place"),
        (_cut_in_place_alone, "model changed in place"),
    ],
)
def test_a_model_that_is_cut_in_place_is_named_once(function, name):
    assert list(_named(prune.EXERCISE, function)) == [name]


def _copy_with_the_given_configuration(model, layers):
    small = copied_with(model, layers)
    small.config = model.config
    return deepened(renumbered(small))


def _given_configuration_and_old_places(model, layers):
    small = copied_with(model, layers)
    small.config = model.config
    return deepened(small)


def _given_configuration_of_the_old_depth(model, layers):
    small = renumbered(copied_with(model, layers))
    small.config = model.config
    return small


@pytest.mark.parametrize(
    "function",
    [
        _copy_with_the_given_configuration,
        _given_configuration_and_old_places,
        _given_configuration_of_the_old_depth,
    ],
)
def test_a_configuration_that_both_models_share_is_named(function):
    assert list(_named(prune.EXERCISE, function)) == ["the returned model shares the configuration of the given one"]


def _shell_copied_alone(model, layers):
    small = shell_of(model)
    return deepened(renumbered(with_blocks(small, [copy.deepcopy(blocks_of(model)[place]) for place in layers])))


@pytest.mark.parametrize("function", [_shell_copied_alone, lambda model, layers: model])
def test_weights_and_configuration_that_both_models_share_are_both_named(function):
    assert list(_named(prune.EXERCISE, function)) == [
        "the returned model shares weights with the given one",
        "the returned model shares the configuration of the given one",
    ]


def _depth_in_both_configurations(model, layers):
    small = prune.prune(model, layers)
    model.config.num_hidden_layers = len(layers)
    return small


def _depth_in_both_and_old_places(model, layers):
    small = deepened(copied_with(model, layers))
    model.config.num_hidden_layers = len(layers)
    return small


@pytest.mark.parametrize("function", [_depth_in_both_configurations, _depth_in_both_and_old_places])
def test_a_depth_that_is_changed_in_the_given_configuration_is_named(function):
    assert list(_named(prune.EXERCISE, function)) == ["model.config changed in place"]


def _depth_in_the_wrong_configuration(model, layers):
    small = renumbered(copied_with(model, layers))
    model.config.num_hidden_layers = len(layers)
    return small


def test_a_depth_that_is_written_into_the_wrong_configuration_is_named():
    (name,) = _named(prune.EXERCISE, _depth_in_the_wrong_configuration)
    assert name == "the new depth is in the configuration of the model that was given, not in the copy's"


def _keeps_the_removed_ones(model, layers):
    small, whole = prune.prune(model, layers), copy.deepcopy(model)
    others = [place for place in range(len(blocks_of(whole))) if place not in layers]
    small.removed = torch.nn.ModuleList(blocks_of(whole)[place] for place in others)
    return small


def _keeps_the_old_list(model, layers):
    small = copy.deepcopy(model)
    small.all_blocks = blocks_of(small)
    return deepened(renumbered(with_blocks(small, [blocks_of(small)[place] for place in layers])))


def _keeps_a_copied_teacher(model, layers):
    small = prune.prune(model, layers)
    small.teacher = copy.deepcopy(model)
    return small


@pytest.mark.parametrize("function", [_keeps_the_removed_ones, _keeps_the_old_list, _keeps_a_copied_teacher])
def test_blocks_that_are_still_kept_somewhere_are_named(function):
    assert list(_named(prune.EXERCISE, function)) == ["the returned model has parameters that it does not use"]


def _keeps_the_teacher(model, layers):
    small = prune.prune(model, layers)
    small.teacher = model
    return small


@pytest.mark.parametrize("function", [_keeps_the_teacher, _with_the_given_embedding])
def test_weights_that_both_models_share_are_named(function):
    assert "the returned model shares weights with the given one" in _named(prune.EXERCISE, function)


@pytest.mark.parametrize(
    "function",
    [
        lambda influence, keep: [float(place) for place in kept_layers.kept_layers(influence, keep)],
        lambda influence, keep: [float(place) for place in kept_layers.unsorted(influence, keep)],
        lambda influence, keep: list(np.array(kept_layers.kept_layers(influence, keep), dtype=np.float32)),
        lambda influence, keep: np.array(kept_layers.kept_layers(influence, keep), dtype=float),
        lambda influence, keep: torch.tensor(kept_layers.kept_layers(influence, keep)).float(),
        lambda influence, keep: list(torch.tensor(kept_layers.kept_layers(influence, keep)).float()),
    ],
)
def test_places_that_are_floats_are_named_and_get_a_thought(function):
    verdict = judged(kept_layers.EXERCISE.table(None), function)
    assert list(verdict.misconceptions) == ["the places are floats, not whole numbers"]
    assert "index a list" in verdict.message


def _cosine_of_all_positions_in_a_row(hidden_states, mask):
    pairs = itertools.pairwise(hidden_states)
    return torch.stack([1 - F.cosine_similarity(a.flatten(), b.flatten(), dim=0) for a, b in pairs])


def _unmasked_cosine(hidden_states, mask):
    return torch.stack([F.cosine_similarity(a, b, dim=-1).mean() for a, b in itertools.pairwise(hidden_states)])


def _unmasked_distance(hidden_states, mask):
    return torch.stack([(b - a).norm(dim=-1).mean() for a, b in itertools.pairwise(hidden_states)])


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (_unmasked_cosine, "padding counts, and the cosine instead of 1 minus it"),
        (
            _cosine_of_all_positions_in_a_row,
            "padding counts, and one cosine of all positions in a row, instead of one for each position",
        ),
        (_unmasked_distance, "padding counts, and the length of the change instead of its angle"),
    ],
)
def test_another_measure_that_also_ignores_the_mask_is_named(function, name):
    assert list(_named(block_influence.EXERCISE, function)) == [name]


def _weights_cache_and_arithmetic_apart(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    weights, cached = parameters * bytes_per_parameter / bandwidth, cache_bytes / bandwidth
    return max(weights, cached, 2 * parameters * batch / rate)


def test_weights_and_cache_that_are_read_at_once_are_named():
    (name,) = _named(decode_seconds.EXERCISE, _weights_cache_and_arithmetic_apart)
    assert name.startswith("the largest of three times")
