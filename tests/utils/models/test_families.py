"""Models of many families, tiny and random, give the numbers that a row has alone, or a sentence that says why not."""

import re
import warnings

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, logging

from utils.configuration import context_of, text_config
from utils.data.batches import BatchPlan, Row, model_inputs, pad
from utils.errors import CourseError
from utils.losses.core import distillation_loss
from utils.machine.workspace import ROOT
from utils.measuring.evaluation import evaluate
from utils.models import loading
from utils.models.forward import computes_in, with_fast_forward
from utils.models.loading import freeze, load_model, load_pair, require_context
from utils.models.profiles import Profile
from utils.models.proof import require_causal_in_a_batch, require_packable, with_right_padding
from utils.teachers.cache import CacheSettings, cache_answers
from utils.training.loop import distill
from utils.training.settings import TrainingSettings

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
ROPE = {**SIZES, "num_key_value_heads": 2, "max_position_embeddings": 64}
OLDER = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
EYES = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "image_size": 28}
FAMILIES = {
    "gpt2": OLDER,
    "gptj": {**OLDER, "rotary_dim": 8},
    "gpt_neo": {"hidden_size": 32, "num_layers": 2, "num_heads": 4, "window_size": 4, "max_position_embeddings": 64,
                "attention_types": [[["global", "local"], 1]]},
    "gpt_neox": ROPE,
    "llama": ROPE,
    "qwen2": ROPE,
    "qwen3": {**ROPE, "head_dim": 8},
    "mistral": {**ROPE, "sliding_window": 4},
    "gemma2": {**ROPE, "head_dim": 8, "sliding_window": 4},
    "gemma3_text": {**ROPE, "head_dim": 8, "sliding_window": 4},
    "gemma3": {"text_config": {**ROPE, "head_dim": 8}, "vision_config": {**EYES, "patch_size": 14},
               "mm_tokens_per_image": 4},
    "phi": ROPE,
    "opt": {**SIZES, "ffn_dim": 64, "max_position_embeddings": 64, "word_embed_proj_dim": 32},
    "bloom": {"hidden_size": 32, "n_layer": 2, "n_head": 4},
    "falcon": {**SIZES, "alibi": True},
    "mixtral": {**ROPE, "num_local_experts": 4},
    "mamba": {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 8},
    "mamba2": {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 8, "num_heads": 8, "head_dim": 8,
               "n_groups": 1},
    "rwkv": {"hidden_size": 32, "attention_hidden_size": 32, "num_hidden_layers": 2},
    "recurrent_gemma": {**ROPE, "num_hidden_layers": 3, "head_dim": 8, "lru_width": 32, "attention_window_size": 4},
}  # fmt: skip
# A window of 4 tokens is shorter than the longest row; these attend by a bias for each distance, or carry a state.
NOT_PACKABLE = {"mistral", "gemma2", "gemma3_text", "bloom", "falcon", "mamba", "mamba2", "rwkv", "recurrent_gemma"}
READS_LEFT_PADDING = {"rwkv", "recurrent_gemma"}


@pytest.fixture(scope="module")
def build():
    """Builds a model of a family, of `vocabulary` tokens, with weights that are large enough to matter."""

    def make(family: str, vocabulary: int = 64, seed: int = 0) -> torch.nn.Module:
        logging.set_verbosity_error()
        sizes = dict(FAMILIES.get(family, SIZES))
        place = sizes.setdefault("text_config", {}) if "text_config" in sizes else sizes
        place.update(vocab_size=vocabulary, bos_token_id=1, eos_token_id=0, pad_token_id=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(seed)
            model = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **sizes), dtype=torch.float32)
        for parameter in model.parameters():
            if parameter.dim() > 1:
                torch.nn.init.normal_(parameter, std=0.3)
        return model.eval()

    return make


@pytest.fixture
def saved(build, tmp_path, tokenizer):
    """Writes a model of a family with its tokenizer and returns its folder."""

    def save(family: str, name: str = "model", seed: int = 0) -> str:
        build(family, len(tokenizer), seed).save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
        return str(tmp_path / name)

    return save


@pytest.mark.parametrize("family", FAMILIES)
def test_a_pair_of_every_family_loads_learns_and_is_measured(family, saved, make_rows, tmp_path, tokenizer):
    """`load_pair` proves that a row in a batch is the row alone; training and evaluation then take padded batches."""
    profile = Profile("mine", saved(family, "teacher", 1), saved(family, "student"), "python", 8, 8)
    pair = load_pair(profile, "cpu")
    rows = make_rows((5, 9, 3, 12), vocabulary=len(tokenizer))
    batched = evaluate(pair.student, rows, 0, batch_size=4)
    alone = [evaluate(pair.student, [row], 0).nats[0] for row in sorted(rows, key=lambda row: row.document)]
    assert batched.nats.tolist() == pytest.approx(
        alone, rel=2e-2 if computes_in(pair.student) != torch.float32 else 1e-4
    )
    before = evaluate(pair.student, rows, 0).perplexity
    plan = BatchPlan(tuple(rows), 4, 0)
    distill(pair.student, pair.teacher, plan, TrainingSettings(3e-3, 5), distillation_loss)
    assert evaluate(pair.student, rows, 0).perplexity < before
    kept = cache_answers(pair.teacher, rows, tmp_path / "cache", CacheSettings(hidden_layers=(2,)))
    assert kept.answer(rows[0].input_ids)["logits"].shape == (5, len(tokenizer))
    assert kept.answer(rows[0].input_ids)["hidden_2"].shape == (5, 32)


@pytest.mark.parametrize("family", FAMILIES)
def test_packed_rows_are_either_the_rows_alone_or_refused(family, build, make_rows):
    rows = make_rows((5, 9, 3, 12, 7))
    model = loading.with_positions(build(family))
    if family not in NOT_PACKABLE:
        require_packable(model, rows, "student")
        return
    with pytest.raises(CourseError, match=rf"The student \({type(model).__name__}\) cannot read rows that are packed"):
        require_packable(model, rows, "student")


def test_a_window_that_no_row_fills_allows_packing_and_is_named_where_it_does_not(build, make_rows):
    model = loading.with_positions(build("mistral"))
    require_packable(model, make_rows((4, 3, 4, 2)), "student")
    with pytest.raises(CourseError, match=r"window of 4 tokens, which packing does not know\. Leave pack_length out"):
        require_packable(model, make_rows((5, 3, 4, 2)), "student")


@pytest.mark.parametrize("who", ["student", "teacher"])
def test_training_on_packed_rows_asks_both_models(who, build, make_rows):
    family = {"student": "llama", "teacher": "llama", who: "mamba2"}
    student, teacher = build(family["student"]), freeze(build(family["teacher"]))
    plan = BatchPlan(tuple(make_rows((5, 9, 3, 12))), 4, 0, pack_length=16)
    with pytest.raises(CourseError, match=f"The {who} .Mamba2ForCausalLM. cannot read rows that are packed"):
        distill(student, teacher, plan, TrainingSettings(1e-3, 1), distillation_loss)


def test_the_proof_for_packing_is_exact_where_the_model_computes_in_bfloat16(build, make_rows):
    model = with_fast_forward(loading.with_positions(build("llama")), torch.bfloat16)
    require_packable(model.train(), make_rows((5, 9, 3, 12)), "student")
    assert computes_in(model) == torch.bfloat16 and model.training


@pytest.mark.parametrize("family", ["bert", "electra"])
def test_a_model_that_reads_ahead_is_refused(family, saved):
    with pytest.raises(CourseError, match="reads the tokens that it should predict"):
        load_model(saved(family), "cpu")


def test_a_model_whose_batch_changes_a_row_is_refused(build):
    model = build("llama")
    model.register_forward_hook(
        lambda model, args, output: output.__setitem__("logits", output.logits / len(output.logits))
    )
    with pytest.raises(CourseError, match="would depend on the batch"):
        require_causal_in_a_batch(model, "mine")


def test_weights_that_are_no_numbers_are_said(build):
    model = build("llama")
    model.lm_head.weight.data[0] = torch.nan
    with pytest.raises(CourseError, match="The logits of 'mine' hold NaN or infinity"):
        require_causal_in_a_batch(model, "mine")


@pytest.mark.parametrize(
    "family", [name for name in FAMILIES if name not in ("bloom", "mamba", "mamba2", "rwkv", "falcon")]
)
def test_the_context_is_read_wherever_the_configuration_keeps_it(family, build):
    model = build(family)
    assert context_of(model) == 64
    assert text_config(model).vocab_size == 64 and text_config(model).hidden_size == 32
    too_long = Row(tuple(range(65)), tuple(range(65)), "", 0)
    with pytest.raises(CourseError, match="65 tokens and the model's context only 64"):
        require_context(model, [too_long])


@pytest.mark.parametrize("family", ["bloom", "mamba", "mamba2"])
def test_where_a_model_has_no_limit_none_is_made_up(family, build):
    assert context_of(build(family)) is None


def test_a_nested_configuration_s_vocabularies_are_compared(saved, tokenizer, build, tmp_path):
    teacher = saved("gemma3", "teacher")
    build("gemma3", len(tokenizer) + 8).save_pretrained(tmp_path / "student")
    tokenizer.save_pretrained(tmp_path / "student")
    with pytest.raises(CourseError, match="The vocabularies differ in size"):
        load_pair(Profile("mine", teacher, str(tmp_path / "student"), "python", 8, 8), "cpu")


@pytest.mark.parametrize("family", FAMILIES)
def test_left_padding_is_answered_as_the_row_alone_or_refused(family, build, make_rows):
    """A recurrent model without a mask has read the padding before the first token."""
    rows = make_rows((5, 12))
    model = with_right_padding(loading.with_positions(build(family)), "mine")
    alone = model(**model_inputs(pad(rows[:1], 0))).logits[0]
    left, right = (model_inputs(pad(rows, 0, side)) for side in ("left", "right"))
    torch.testing.assert_close(model(**right).logits[0, :5], alone, rtol=1e-3, atol=1e-3)
    if family in READS_LEFT_PADDING:
        with pytest.raises(
            CourseError, match=r"'mine' .\w+. reads padding on the left as if it were text.*on the right"
        ):
            model(**left)
        return
    torch.testing.assert_close(model(**left).logits[0, -5:], alone, rtol=1e-3, atol=1e-3)


def test_a_loaded_model_refuses_left_padding_that_it_would_read(saved, make_rows, tokenizer):
    """Also where the mask is given by position, and a model that respects it takes both sides."""
    left = model_inputs(pad(make_rows((5, 12)), 0, "left"))
    with pytest.raises(CourseError, match="Pad its rows on the right"):
        load_model(saved("rwkv"), "cpu")(*left.values())
    assert load_model(saved("llama", "other"), "cpu")(**left).logits.shape[:2] == (2, 12)


def test_what_a_model_s_own_code_raises_is_a_sentence(build):
    model = build("llama")
    model.register_forward_pre_hook(lambda model, args: torch.ones(2) @ torch.ones(3))
    with pytest.raises(
        CourseError, match=r"'mine' \(LlamaForCausalLM\) cannot answer rows of tokens .* \(RuntimeError"
    ):
        require_causal_in_a_batch(model, "mine")


SIZE = re.compile(r"\.config\.(?:vocab_size|hidden_size|num_hidden_layers|max_position_embeddings|eos_token_id)")


def test_library_labs_and_experiments_ask_text_config_for_sizes():
    """A model that also reads images keeps them one level deeper; a cache's own `config` is the text's already."""
    files = [path for folder in ("utils", "solutions", "benchmarks") for path in ROOT.glob(f"{folder}/**/*.py")]
    lines = [line.strip() for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line for line in lines if SIZE.search(line.replace("cache.config.", ""))] == []
    assert SIZE.search("depth = model.config.num_hidden_layers")
