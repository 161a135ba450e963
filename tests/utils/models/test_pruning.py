"""A pruned copy is a whole model: it predicts, generates, is saved and loads again; the original stays as it was."""

import copy

import pytest
import torch
from transformers import AutoModelForCausalLM

from tests.utils.models.built import SIZES, tiny
from utils.data.batches import pad
from utils.errors import CourseError
from utils.models.forward import with_fast_forward
from utils.models.loading import count_parameters
from utils.models.pruning import block_states, blocks_of, prune

FAMILIES = ("gpt2", "llama", "qwen2", "qwen3", "mistral", "smollm3", "gemma2", "gemma3_text", "gpt_neox", "phi", "opt")
EVERY = pytest.mark.parametrize("family", FAMILIES)
IDS = torch.tensor([[5, 9, 3, 22, 7, 31]])


def written(model):
    settings = {"max_new_tokens": 8, "do_sample": False, "use_cache": True, "eos_token_id": None}
    return model.generate(IDS, attention_mask=torch.ones_like(IDS), **settings)[0].tolist()


def layer_indices(model):
    return [module.layer_idx for module in model.modules() if getattr(module, "layer_idx", None) is not None]


@EVERY
def test_the_copy_is_saved_loaded_and_generates_the_same(family, tmp_path):
    small = prune(tiny(family), [0, 1, 3])
    small.save_pretrained(tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    assert loaded.config.num_hidden_layers == 3
    torch.testing.assert_close(loaded(IDS).logits, small(IDS).logits)
    assert written(loaded) == written(small)
    assert layer_indices(loaded) == layer_indices(small)


@EVERY
def test_the_copy_computes_the_kept_blocks_in_order(family):
    model = tiny(family)
    whole, small = copy.deepcopy(model), prune(model, [1, 3])
    for place in (2, 0):  # as if nobody had renumbered: without a cache the places do not matter
        del blocks_of(whole)[place]
        whole.config.num_hidden_layers -= 1
    if hasattr(whole.config, "layer_types") and whole.config.layer_types:
        whole.config.layer_types = [model.config.layer_types[place] for place in (1, 3)]
    torch.testing.assert_close(small(IDS, use_cache=False).logits, whole(IDS, use_cache=False).logits)


@EVERY
def test_with_a_cache_the_copy_predicts_what_it_predicts_without_one(family):
    small = prune(tiny(family), [0, 3])
    assert len(small(IDS, use_cache=True).past_key_values.layers) == 2
    cache, logits = None, []
    for column in IDS.split(1, dim=1):
        output = small(column, past_key_values=cache, use_cache=True)
        cache, logits = output.past_key_values, [*logits, output.logits]
    torch.testing.assert_close(torch.cat(logits, dim=1), small(IDS, use_cache=False).logits, rtol=1e-4, atol=1e-4)


@EVERY
def test_the_original_stays_as_it_was_and_shares_nothing(family):
    model = tiny(family)
    before, config, indices = copy.deepcopy(model.state_dict()), model.config.to_dict(), layer_indices(model)
    small = prune(model, [0, 2])
    for parameter in small.parameters():
        parameter.data.zero_()
    assert model.config.to_dict() == config and layer_indices(model) == indices
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in before.items())


def test_a_tied_output_layer_stays_tied():
    small = prune(tiny("qwen2"), [0, 2])
    assert small.get_output_embeddings().weight is small.get_input_embeddings().weight
    assert count_parameters(small) < count_parameters(tiny("qwen2"))


def test_lists_with_an_entry_for_each_layer_are_cut_with_the_layers():
    assert prune(tiny("smollm3"), [0, 1, 3]).config.no_rope_layers == [1, 0, 1]
    assert prune(tiny("gemma2"), [1, 2]).config.layer_types == ["full_attention", "sliding_attention"]


def test_a_list_that_only_happens_to_be_as_long_is_left_alone():
    model = tiny("llama")
    model.config.eos_token_id = [0, 2, 3, 4]
    assert prune(model, [1]).config.eos_token_id == [0, 2, 3, 4]


def test_keeping_every_layer_changes_nothing():
    model = tiny("gpt2")
    assert torch.equal(prune(model, range(4))(IDS).logits, model(IDS).logits)


def test_the_copy_of_a_model_with_a_fast_forward_runs_its_own_weights():
    model = with_fast_forward(tiny("gpt2"), torch.bfloat16)
    small = prune(model, [0, 1])
    small.lm_head.weight.data.zero_()
    assert not small(IDS).logits.any() and model(IDS).logits.any()


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ([], "No layer is to be kept"),
        ([0, 4], "There is no layer 4: this model has the layers 0 to 3"),
        ([-1], "There is no layer -1"),
        ([0, 0], r"The layers are \[0, 0\]. Name each once, in ascending order"),
        ([2, 1], "in ascending order"),
        ([0.5], "There is no layer 0.5"),
    ],
)
def test_places_that_cannot_be_are_refused(layers, reason):
    with pytest.raises(CourseError, match=reason):
        prune(tiny("gpt2"), layers)


def test_attention_that_depends_on_the_place_is_refused():
    with pytest.raises(CourseError, match="another place"):
        prune(tiny("gpt2", scale_attn_by_inverse_layer_idx=True), [0, 2])


@EVERY
def test_block_states_are_what_transformers_gives_but_for_the_final_norm(family):
    model = tiny(family)
    batch = {"input_ids": IDS, "attention_mask": torch.ones_like(IDS), "labels": IDS}
    states = block_states(model, batch)
    theirs = model(IDS, output_hidden_states=True, use_cache=False).hidden_states
    assert len(states) == len(theirs) == 5
    for ours, other in zip(states[:-1], theirs[:-1], strict=True):
        torch.testing.assert_close(ours, other)
    assert not torch.allclose(states[-1], theirs[-1], rtol=1e-2)
    norm = getattr(model.get_decoder(), "norm", None) or getattr(model.get_decoder(), "ln_f", None)
    if norm is not None:
        torch.testing.assert_close(norm(states[-1]), theirs[-1])


def test_block_states_leave_no_hook_and_no_mode_behind(make_model, make_rows):
    model = make_model(layers=2).train()
    block_states(model, pad(make_rows((5, 3)), 0))
    assert model.training and not any(block._forward_hooks or block._forward_pre_hooks for block in blocks_of(model))


def test_families_of_the_catalogue_are_those_that_can_be_built():
    assert set(FAMILIES) <= set(SIZES)
