"""The whole loop with real models: the same tokens as `generate`, caches cut back, and ends of every kind."""

import itertools

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, MambaConfig, MambaForCausalLM, MistralConfig, MistralForCausalLM

from utils.decoding.chance import Seeded
from utils.decoding.drafts import ModelDraft, PromptLookupDraft, Proposal, draft_for
from utils.decoding.reader import Reader
from utils.decoding.speculative import Round, Statistics, decode, speculate, write
from utils.errors import CourseError

VOCABULARY = 64


@pytest.fixture(scope="module")
def pair(make_model):
    """A target, and a draft that is right now and then: the target itself with noise on its weights; float64."""
    target, draft = make_model(1, layers=2).double(), make_model(1, layers=2).double()
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in draft.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    return target, draft


def prompts(count, length=6):
    generator = torch.Generator().manual_seed(3)
    return torch.randint(1, VOCABULARY, (count, length), generator=generator).tolist()


def generated(target, prompt, tokens, **options):
    ids = torch.tensor([prompt])
    out = target.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, do_sample=False, pad_token_id=0,
        eos_token_id=None, **options,
    )  # fmt: skip
    return tuple(out[0, len(prompt) :].tolist())


def test_greedy_text_equals_generate_token_by_token_on_100_prompts(pair):
    target, draft = pair
    kept = []
    for prompt, gamma in zip(prompts(100), itertools.cycle((1, 3, 5)), strict=False):
        done = speculate(target, ModelDraft(draft, VOCABULARY), prompt, 16, gamma, temperature=0)
        assert done.tokens == generated(target, prompt, 16)
        kept.append(done.statistics.acceptance)
    assert 0.2 < sum(kept) / len(kept) < 0.95  # both ways of a round were taken


def test_greedy_text_equals_assisted_generation_with_its_settings_fixed(pair):
    target, draft = pair
    draft.generation_config.num_assistant_tokens = 3
    draft.generation_config.num_assistant_tokens_schedule = "constant"
    draft.generation_config.assistant_confidence_threshold = 0.0
    for prompt in prompts(10):
        done = speculate(target, ModelDraft(draft, VOCABULARY), prompt, 16, 3, temperature=0)
        assert done.tokens == generated(target, prompt, 16, assistant_model=draft)


def test_the_draft_changes_the_path_and_never_the_seeded_text_of_the_target_alone(pair):
    target, _ = pair
    prompt = prompts(1)[0]
    alone = decode(target, prompt, 12, chance=Seeded(4))
    again = decode(target, prompt, 12, chance=Seeded(4))
    assert alone.tokens == again.tokens and alone.statistics.tokens_per_round == 1


@pytest.mark.parametrize("pattern", list(itertools.product((0, 1, 2, 3), repeat=3)))
def test_logits_after_any_pattern_of_rejections_equal_those_without_a_cache(pair, pattern):
    reader, text = Reader(pair[0]), [5, 9, 2]
    for turn, kept in enumerate(pattern):
        proposed = [(7 * turn + 3 * place + 1) % VOCABULARY for place in range(3)]
        found = reader.logits(text + proposed, last=4)
        with torch.no_grad():
            expected = pair[0](input_ids=torch.tensor([text + proposed])).logits[0, -4:]
        assert torch.allclose(found, expected, atol=1e-10)
        text = [*text, *proposed[:kept], (turn + 11) % VOCABULARY]
    assert reader.cache.get_seq_length() == len(reader.read)


def test_a_text_is_read_once(pair, monkeypatch):
    target, draft = pair
    lengths = []
    forward = target.forward
    monkeypatch.setattr(
        target, "forward", lambda input_ids, **k: lengths.append(len(input_ids[0])) or forward(input_ids=input_ids, **k)
    )
    done = speculate(target, ModelDraft(draft, VOCABULARY), prompts(1)[0], 16, 3)
    assert lengths[0] == 5 and max(lengths[1:]) == 4
    assert len(lengths) - 1 == len(done.statistics.rounds)


class Fixed:
    """Proposes what it is given."""

    def __init__(self, drafted):
        self.drafted = drafted

    def start(self, prompt):
        pass

    def propose(self, tokens, gamma, temperature, chance):
        drafted = self.drafted[:gamma]
        return Proposal.of(drafted, list(torch.eye(VOCABULARY)[drafted]), VOCABULARY)


def test_an_end_of_text_inside_a_round_ends_the_text_there(pair):
    target, prompt = pair[0], prompts(1)[0]
    greedy = list(generated(target, prompt, 6))
    end = next(token for token in greedy if greedy.index(token) == 2)
    done = speculate(target, Fixed(greedy), prompt, 6, 5, temperature=0, end_of_text=end)
    assert done.tokens == tuple(greedy[:3]) and done.ended == "end of text"
    (only,) = done.statistics.rounds
    assert (only.accepted, only.judged, len(only.drafted)) == (3, 3, 5)
    assert done.statistics.acceptance == 1


def test_a_context_that_ends_stops_the_text_at_its_last_token(make_model):
    target, draft = make_model(1, context=12), make_model(2, context=12)
    done = speculate(target, ModelDraft(draft, VOCABULARY), prompts(1)[0], 40, 4)
    assert done.ended == "context" and len(done.tokens) == 12 - 6
    assert decode(target, prompts(1)[0], 40).ended == "context"


def test_a_draft_whose_context_ends_before_the_targets_proposes_nothing_any_more(make_model):
    target = make_model(1, context=24).double()
    done = speculate(target, ModelDraft(make_model(2, context=8).double(), VOCABULARY), prompts(1)[0], 16, 4, 0)
    assert done.tokens == generated(target, prompts(1)[0], 16)
    assert done.statistics.rounds[-1].drafted == ()


def test_no_more_tokens_are_written_than_were_asked_for(pair):
    greedy = list(generated(pair[0], prompts(1)[0], 8))
    done = speculate(pair[0], Fixed(greedy), prompts(1)[0], 4, 6, temperature=0)
    assert done.tokens == tuple(greedy[:4]) and done.ended == "length"


def test_prompt_lookup_copies_what_followed_and_falls_silent_where_nothing_did():
    draft = PromptLookupDraft(10, longest=2)
    assert draft.propose([1, 2, 3, 4, 1, 2], 3, 1.0, Seeded()).drafted.tolist() == [3, 4, 1]
    assert draft.propose([1, 2, 3], 3, 1.0, Seeded()).probabilities.shape == (0, 10)


def test_statistics_count_what_was_judged_and_divide_once():
    rounds = [
        Round((1, 2, 3), 3, (1, 2, 3, 4), 3),
        Round((1, 2, 3), 0, (9,), 1),
        Round((1, 2), 1, (1, 9), 2),
    ]
    counted = Statistics(rounds)
    assert counted.judged_by_position == [(3, 2), (2, 1), (1, 1)]
    assert counted.acceptance == pytest.approx(4 / 6)
    assert (counted.tokens, counted.drafted, counted.accepted) == (7, 8, 4)
    assert counted.tokens_per_round == pytest.approx(7 / 3)


@pytest.mark.parametrize("size", [60, 72])
def test_a_draft_of_another_size_leaves_the_greedy_text_as_it_is(pair, make_model, size):
    draft = make_model(2, vocabulary=size).double()
    prompt = [token % 50 + 1 for token in prompts(1)[0]]
    target = pair[0]
    text = generated(target, prompt, 12)
    if max(text) < size:
        assert speculate(target, ModelDraft(draft, VOCABULARY), prompt, 12, 3, temperature=0).tokens == text


def test_vocabularies_that_differ_by_padding_are_said_and_used(make_model, tokenizer, capsys):
    known = len(tokenizer)
    target, draft = make_model(1, vocabulary=known + 20), make_model(2, vocabulary=known + 4)
    proposing = draft_for(target, draft, tokenizer, tokenizer)
    assert f"{known + 20:,} entries and the draft's {known + 4:,}" in capsys.readouterr().out
    done = write(target, proposing, tokenizer, "The teacher", tokens=8, gamma=3)
    assert len(done.tokens) == 8 and done.statistics.drafted > 0


def test_equal_sizes_are_not_worth_a_word(make_model, tokenizer, capsys):
    model = make_model(1, vocabulary=len(tokenizer))
    draft_for(model, model, tokenizer, tokenizer)
    assert capsys.readouterr().out == ""


def test_other_tokens_behind_the_ids_are_refused(make_model, tokenizer, other_tokenizer):
    model = make_model(1, vocabulary=len(tokenizer))
    with pytest.raises(CourseError, match="do not share a tokenizer"):
        draft_for(model, model, tokenizer, other_tokenizer)


def test_a_draft_without_the_last_tokens_of_the_tokenizer_is_refused(make_model, tokenizer):
    with pytest.raises(CourseError, match="knows ids up to"):
        draft_for(
            make_model(1, vocabulary=len(tokenizer)), make_model(2, vocabulary=len(tokenizer) - 1), tokenizer, tokenizer
        )


def small(kind, config, **options):
    return kind(config(vocab_size=32, hidden_size=16, num_hidden_layers=2, **options))


def test_caches_that_cannot_be_cut_back_are_refused_and_full_attention_is_not():
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 16}
    with pytest.raises(CourseError, match="MambaForCausalLM keeps no key-value cache"):
        Reader(small(MambaForCausalLM, MambaConfig, state_size=4))
    with pytest.raises(CourseError, match=r"2 layers .DynamicSlidingWindowLayer. whose past cannot be restored"):
        Reader(small(MistralForCausalLM, MistralConfig, sliding_window=8, **heads))
    Reader(small(LlamaForCausalLM, LlamaConfig, **heads)).logits([1, 2, 3], last=2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prompt": []}, "The prompt is empty"),
        ({"prompt": [1] * 64}, "The prompt has 64 tokens, and the target reads 64"),
        ({"gamma": 0}, "gamma is 0"),
        ({"tokens": 0}, "0 tokens were asked for"),
        ({"temperature": -1.0}, "The temperature is -1.0"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(pair, change, words):
    settings = {"prompt": [1, 2], "tokens": 4, "gamma": 2, "temperature": 1.0} | change
    with pytest.raises(CourseError, match=words):
        speculate(pair[0], ModelDraft(pair[1], VOCABULARY), **settings)


def test_text_comes_back_as_text(make_model, tokenizer):
    model = make_model(1, vocabulary=len(tokenizer))
    draft = draft_for(model, make_model(2, vocabulary=len(tokenizer)), tokenizer, tokenizer)
    done = write(model, draft, tokenizer, "A student", tokens=6, gamma=2)
    assert done.text == tokenizer.decode(done.tokens, skip_special_tokens=True)
    assert write(model, draft, tokenizer, "A student", tokens=6, gamma=2).tokens == done.tokens
    with pytest.raises(CourseError, match="The prompt is empty"):
        write(model, draft, tokenizer, "")
