"""What a model costs follows from its configuration: against published counts, real caches, real products."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModelForCausalLM

from tests.utils.models.built import SIZES, tiny
from utils.errors import CourseError
from utils.measuring.published import published, published_config
from utils.models.costs import heads_of, sizes_of


@pytest.mark.parametrize(("name", "parameters"), published().items())
def test_a_published_model_has_the_parameters_that_its_page_says(name, parameters):
    assert sizes_of(published_config(name)).parameters == parameters


@pytest.mark.parametrize(
    ("name", "kibibytes"),
    [("Llama-2-7b-hf", 512), ("Llama-3.1-8B", 128), ("Llama-3.2-3B", 112), ("Qwen2.5-7B", 56), ("gemma-2b", 18)],
)
def test_the_cache_of_a_token_is_the_one_that_people_quote(name, kibibytes):
    assert sizes_of(published_config(name)).cache_bytes(1, 1, 2) == kibibytes * 1024


@pytest.mark.parametrize("family", SIZES)
def test_the_cache_is_as_large_as_a_real_one(family):
    model = tiny(family)
    cache = model(torch.ones(2, 3, dtype=torch.long), use_cache=True).past_key_values
    held = sum(tensor.nbytes for layer in cache.layers for tensor in (layer.keys, layer.values))
    assert sizes_of(model.config).cache_bytes(2, 3, 4) == held


@pytest.mark.parametrize("family", SIZES)
def test_parameters_and_tables_are_those_of_the_real_model(family):
    model, sizes = tiny(family), sizes_of(tiny(family).config)
    assert sizes.parameters == sum(parameter.numel() for parameter in model.parameters())
    tied = model.get_input_embeddings().weight is model.get_output_embeddings().weight
    positions = sizes.looked_up - (0 if tied else model.get_input_embeddings().weight.numel())
    assert positions in (0, 64 * 32, 66 * 32)  # OPT's table of positions has two rows more


@pytest.mark.parametrize("family", ["gpt2", "llama", "qwen3", "gpt_bigcode"])
def test_the_flop_are_those_that_torch_counts(family):
    model = tiny(family)
    model.set_attn_implementation("eager")  # of the fused kernel torch counts nothing
    with FlopCounterMode(display=False) as counter:
        model(torch.ones(1, 1, dtype=torch.long), use_cache=False)
    assert sizes_of(model.config).flop(1) == counter.get_total_flops()


def test_attention_grows_with_the_context_and_stops_at_a_window():
    plain, windowed = sizes_of(tiny("llama").config), sizes_of(tiny("mistral").config)
    assert plain.flop(9) - plain.flop(1) == 4 * 32 * 4 * 8
    assert windowed.flop(9) == windowed.flop(4) and windowed.cache_bytes(1, 9) == windowed.cache_bytes(1, 4)


@pytest.mark.parametrize("family", ["llama", "mistral", "gemma2"])
def test_reading_a_text_costs_what_its_tokens_cost_one_by_one(family):
    sizes = sizes_of(tiny(family).config)
    assert sizes.prompt_flop(9) == sum(sizes.flop(context) for context in range(1, 10))


def test_a_table_that_is_only_looked_up_is_not_read_whole():
    tied, apart = sizes_of(tiny("llama", tie_word_embeddings=True).config), sizes_of(tiny("llama").config)
    assert apart.parameters - tied.parameters == 40 * 32
    assert apart.read_bytes(2) == tied.read_bytes(2) and apart.multiplied == tied.multiplied
    assert apart.weight_bytes(0.5) == apart.parameters / 2


def test_a_nested_configuration_is_that_of_its_text_side():
    text = {**SIZES["gemma3_text"], "vocab_size": 40}
    config = AutoConfig.for_model("gemma3", text_config=text)
    alone = sizes_of(AutoConfig.for_model("gemma3_text", **text))
    assert sizes_of(config) == alone and heads_of(config) == (4, 2, 8)


@pytest.mark.parametrize(
    ("family", "settings", "reason"),
    [
        ("mamba", {"hidden_size": 32, "num_hidden_layers": 2}, "A mamba does not keep a key and a value"),
        ("mixtral", {**SIZES["llama"], "num_local_experts": 4}, "A mixtral has experts"),
        ("deepseek_v3", {}, "A deepseek_v3 does not keep a key and a value"),
        ("qwen3_next", {"num_hidden_layers": 4}, "layers of the type 'linear_attention'"),
    ],
)
def test_a_model_of_another_kind_is_refused_with_the_reason(family, settings, reason):
    with pytest.raises(CourseError, match=reason):
        sizes_of(AutoConfig.for_model(family, **settings))


def test_an_unknown_model_is_refused_with_those_there_are():
    with pytest.raises(CourseError, match=r"There are no figures of 'gpt5'\. There are: openai-community/gpt2,"):
        published_config("gpt5")


def test_the_course_s_own_teacher_is_counted(embedded_teacher_config):
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(embedded_teacher_config)
    assert sizes_of(embedded_teacher_config).parameters == sum(p.numel() for p in model.parameters()) == 5_853_184


@pytest.fixture
def embedded_teacher_config():
    from utils.models.profiles import EMBEDDED

    return AutoConfig.from_pretrained(EMBEDDED.teacher)
