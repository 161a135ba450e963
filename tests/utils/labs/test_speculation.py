"""Lab 4's experiments: text is written as drawn, shares are divided once, rounds of several prompts add up."""

import math

import pytest
import torch

from utils.data.batches import IGNORE, Row
from utils.decoding.drafts import ModelDraft, PromptLookupDraft
from utils.decoding.rules import acceptance_rate, draft_loss, overlap, speedup
from utils.decoding.speculative import Round, Statistics, Writing
from utils.labs import racing, speculation

END = 0


@pytest.fixture
def pair(make_model):
    return make_model(1), make_model(2)


def test_the_mask_marks_the_logits_that_predict_a_label_that_counts():
    labels = torch.tensor([[5, IGNORE, 7, 8], [IGNORE, 3, IGNORE, IGNORE]])
    assert speculation.predicting(labels).tolist() == [[False, True, True, False], [True, False, False, False]]


def test_text_is_written_up_to_its_end_and_leaves_the_random_stream_alone(pair):
    state = torch.random.get_rng_state()
    texts = speculation.write_on(pair[0], [[1, 2], [3, 4], [5, 6]], 20, seed=3)
    assert torch.equal(state, torch.random.get_rng_state())
    assert texts == speculation.write_on(pair[0], [[1, 2], [3, 4], [5, 6]], 20, seed=3)
    assert [text[:2] for text in texts] == [[1, 2], [3, 4], [5, 6]]
    assert all(END not in text[2:-1] and (len(text) == 22 or text[-1] == END) for text in texts)


def test_only_what_follows_the_prompt_counts():
    (row,) = speculation.continuation_rows([[4, 5, 6, 7]], 2)
    assert row.labels == (IGNORE, IGNORE, 6, 7)


def test_the_acceptance_over_batches_is_one_division(pair, make_rows, monkeypatch):
    rows = make_rows((9, 3, 12, 2, 5))
    whole = speculation.acceptance_on(rows, *pair, 0, acceptance_rate)
    monkeypatch.setattr(speculation, "BATCH", 2)
    assert speculation.acceptance_on(rows, *pair, 0, acceptance_rate) == pytest.approx(whole, abs=1e-6)
    found = speculation.overlaps(*pair, rows, 0)
    assert sum(found["overlap"]) / sum(found["tokens"]) == pytest.approx(whole, abs=1e-6)
    assert found["tokens"] == [row.valid for row in rows]


def test_the_overlap_of_a_row_is_that_of_its_own_positions(pair):
    row = Row((3, 9, 4, 7), (IGNORE, IGNORE, 4, 7), "one", 0)
    found = speculation.overlaps(*pair, [row], 0)
    with torch.no_grad():
        logits = [model(input_ids=torch.tensor([row.input_ids])).logits[0] for model in pair]
    assert found["by token"][0] == pytest.approx(overlap(*logits)[1:3].tolist(), abs=1e-4)


def test_a_loss_of_logits_and_mask_serves_the_training_loop(pair, make_rows):
    labels = torch.tensor([[3, 9, IGNORE, 7]])
    with torch.no_grad():
        target, draft = (model(input_ids=torch.tensor([[3, 9, 4, 7]])).logits for model in pair)
    value = speculation.as_training_loss(draft_loss)(draft, target, labels)
    assert value.item() == pytest.approx(draft_loss(draft, target, speculation.predicting(labels)).item())


def test_rounds_of_several_prompts_add_up(pair):
    draft = ModelDraft(pair[1], 64)
    prompts = [[1, 2, 3], [4, 5, 6]]
    both = speculation.rounds_on(pair[0], draft, prompts, 8, 2)
    single = [speculation.rounds_on(pair[0], draft, [prompt], 8, 2, seed=n) for n, prompt in enumerate(prompts)]
    assert both.tokens == sum(one.tokens for one in single)
    assert both.accepted == sum(one.accepted for one in single)


def written(*rounds):
    return Writing(tuple(token for each in rounds for token in each.added), "length", Statistics(list(rounds)))


def test_a_race_divides_tokens_by_seconds_and_asks_the_model_with_what_was_measured():
    plain = [written(*[Round((), 0, (1,), 0, 0.0, 1.0)] * 4)]
    drafted = [written(Round((1, 2), 2, (1, 2, 3), 2, 0.4, 1.1), Round((1, 2), 0, (9,), 1, 0.4, 1.1))]
    row = racing.row_of(drafted, plain, 2, speedup)
    assert row["times as fast"] == pytest.approx(4 / 3) and row["low"] == pytest.approx(4 / 3)
    assert row["acceptance"] == pytest.approx(2 / 3) and row["cost ratio"] == pytest.approx(0.2)
    assert row["a round's reading over one token's"] == pytest.approx(1.1)
    assert row["predicted"] == pytest.approx(speedup(2 / 3, 2, 0.2))


def test_a_round_without_a_proposal_counts_as_a_plain_step_in_the_prediction():
    assert racing.predicted(speedup, 1.0, 0.0, [0, 4]) == pytest.approx((1 + 5) / 2)


def test_every_setting_runs_on_every_prompt_and_says_where_it_stands(pair):
    tracks = racing.settings_of(pair[0], {"lookup": (PromptLookupDraft(64), (1, 3))}, 6, 1.0)
    rows = racing.raced(tracks, [[1, 2, 1, 2], [3, 4, 3, 4]])
    assert [(row["draft"], row["gamma"]) for row in rows] == [("target alone", 0), ("lookup", 1), ("lookup", 3)]
    assert rows[0]["times as fast"] == 1 and all(math.isfinite(row["predicted"]) for row in rows[1:])


def test_reading_times_are_of_so_many_tokens_at_once(pair, monkeypatch):
    monkeypatch.setattr(racing, "READINGS", 2)
    found = racing.reading_times(pair[0], list(range(1, 60)))
    assert [one["tokens"] for one in found] == list(racing.READ_AT_ONCE) and all(one["ms"] > 0 for one in found)
