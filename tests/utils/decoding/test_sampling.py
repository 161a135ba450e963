"""Many texts at once: as one by one, as `generate` has them, from the whole distribution, to the end of text."""

import math

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from utils.decoding.sampling import sample
from utils.errors import CourseError

PROMPTS = [[3, 5, 7], [9], [4, 4, 8, 2, 6], [11, 12]]


@pytest.fixture(params=["gpt2", "llama"])
def model(request, make_model):
    if request.param == "gpt2":
        return make_model().double()
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=64, initializer_range=0.3,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval().double()


def alone(model, prompt, new_tokens):
    ids = list(prompt)
    for _ in range(new_tokens):
        ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    return tuple(ids[len(prompt) :])


def test_greedy_texts_of_padded_prompts_are_those_without_cache_and_padding(model):
    together = sample(model, PROMPTS, 12, end_of_text=None, temperature=0)
    assert [one.ids for one in together] == [alone(model, prompt, 12) for prompt in PROMPTS]


def test_greedy_texts_are_those_of_generate(model):
    ids = torch.tensor([PROMPTS[0]])
    written = model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False, eos_token_id=None, pad_token_id=0
    )
    assert sample(model, PROMPTS[:1], 12, None, temperature=0)[0].ids == tuple(written[0, 3:].tolist())


def test_a_text_ends_with_its_end_of_text_and_the_others_go_on(model):
    free = sample(model, PROMPTS, 12, None, temperature=0)
    end = free[1].ids[4]
    found = sample(model, PROMPTS, 12, end, temperature=0)
    assert found[1].ended and found[1].ids == free[1].ids[: free[1].ids.index(end) + 1]
    for one, other in zip(found, free, strict=True):
        assert one.ids == other.ids[: len(one.ids)]
        assert one.ended == (end in other.ids) and (one.ended or len(one.ids) == 12)


def test_batches_of_any_size_write_the_same_greedy_texts(model):
    one_by_one, together = (sample(model, PROMPTS, 6, 0, 0, batch_size=size) for size in (1, 256))
    assert [one.ids for one in one_by_one] == [one.ids for one in together]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_come_as_often_as_the_distribution_at_the_temperature_says(model, temperature):
    with torch.no_grad():
        expected = torch.softmax(model(input_ids=torch.tensor([PROMPTS[0]])).logits[0, -1] / temperature, dim=-1)
    found = sample(model, [PROMPTS[0]] * 4000, 1, None, temperature, torch.Generator().manual_seed(1), batch_size=4000)
    counts = torch.bincount(torch.tensor([one.ids[0] for one in found]), minlength=64) / len(found)
    spread = (expected * (1 - expected) / len(found)).sqrt()
    assert ((counts - expected).abs() <= 5 * spread + 1e-3).all()
    for one in found[:5]:
        assert one.log_probabilities[0] == pytest.approx(math.log(expected[one.ids[0]]), abs=1e-4)


def test_the_same_generator_draws_the_same_texts(model):
    first, again, other = (
        [one.ids for one in sample(model, PROMPTS, 8, 0, 1.0, torch.Generator().manual_seed(seed))]
        for seed in (3, 3, 4)
    )
    assert first == again != other


def test_the_model_is_left_as_it_was_and_keeps_no_gradient(make_model):
    model = make_model(dropout=0.5).train()
    found = sample(model, PROMPTS, 6, None, temperature=0)
    assert model.training and all(parameter.grad is None for parameter in model.parameters())
    assert [one.ids for one in found] == [one.ids for one in sample(model.eval(), PROMPTS, 6, None, temperature=0)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompts": []}, "no prompt"),
        ({"prompts": [[1], []]}, "A prompt is empty"),
        ({"new_tokens": 0}, "new_tokens is 0"),
        ({"new_tokens": 62}, "reads 64 at most"),
        ({"temperature": -1.0}, "temperature -1"),
        ({"temperature": "hot"}, "temperature"),
    ],
)
def test_what_cannot_be_is_said(make_model, changes, words):
    asked = {"prompts": PROMPTS, "new_tokens": 4, "end_of_text": 0, "temperature": 1.0} | changes
    with pytest.raises(CourseError, match=words):
        sample(make_model(), **asked)
