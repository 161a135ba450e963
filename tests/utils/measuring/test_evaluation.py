"""Is the perplexity one division of sums, and does its interval mean what it says?"""

import math

import numpy as np
import pytest
import torch

from utils.data.batches import Row, in_order, pad, rows_of, windows_of
from utils.data.documents import Document
from utils.errors import CourseError
from utils.measuring import evaluation as evaluation_module
from utils.measuring.evaluation import Evaluation, comparison_row, evaluate, paired_effect, perplexity
from utils.models.forward import with_positions

LENGTHS = (3, 16, 2, 9, 5, 16, 4)


def nats_by_hand(model, row):
    """The nats of a row's valid labels, from softmax in float64, position by position."""
    with torch.no_grad():
        probabilities = torch.softmax(model(torch.tensor([row.input_ids])).logits[0].double(), dim=-1)
    return sum(
        -math.log(probabilities[t - 1, row.labels[t]]) for t in range(1, len(row.labels)) if row.labels[t] != -100
    )


def made(nats, tokens, names=None, size=None):
    """An evaluation of documents with the given nats and tokens."""
    names = names or tuple(f"d{index}" for index in range(len(nats)))
    return Evaluation(names, np.array(nats, float), np.array(tokens, float), np.array(size or tokens, float))


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("batch_size", [1, 3, 7])
def test_perplexity_is_weighted_by_tokens_on_uneven_rows(make_model, make_rows, side, batch_size):
    model, rows = with_positions(make_model()), make_rows(LENGTHS)
    expected = math.exp(sum(nats_by_hand(model, row) for row in rows) / sum(row.valid for row in rows))
    mean_of_means = math.exp(sum(nats_by_hand(model, row) / row.valid for row in rows) / len(rows))
    batches = [pad(rows[start : start + batch_size], 0, side) for start in range(0, len(rows), batch_size)]
    assert perplexity(model, batches) == pytest.approx(expected, rel=1e-5)
    assert abs(expected - mean_of_means) > 0.01 * expected


@pytest.mark.parametrize("batch_size", [1, 3, 7])
def test_evaluate_gives_the_same_perplexity_and_the_nats_of_each_document(make_model, make_rows, batch_size):
    model, rows = make_model(), make_rows(LENGTHS)
    evaluation = evaluate(model, rows, 0, batch_size)
    assert evaluation.perplexity == pytest.approx(perplexity(model, in_order(rows, 2, 0)), rel=1e-6)
    by_hand = {row.document: nats_by_hand(model, row) for row in rows}
    assert dict(zip(evaluation.documents, evaluation.nats, strict=True)) == pytest.approx(by_hand, rel=1e-5)
    assert evaluation.tokens.sum() == sum(row.valid for row in rows)


def test_windows_of_a_document_add_up_to_it(make_model, tokenizer):
    model = make_model(vocabulary=len(tokenizer))
    documents = [Document(f"d{i}", f"the student {i} reads what the teacher holds for likely", "") for i in range(3)]
    rows = windows_of(documents, tokenizer, window=12, stride=5)
    whole = rows_of(documents, tokenizer, max_length=1000)
    evaluation = evaluate(model, rows, tokenizer.eos_token_id)
    assert evaluation.documents == ("d0", "d1", "d2")
    assert evaluation.tokens.tolist() == [row.valid for row in whole]
    assert evaluation.bytes.tolist() == [row.label_bytes for row in whole]
    assert evaluation.nats.sum() == pytest.approx(sum(nats_by_hand(model, row) for row in rows), rel=1e-5)


def test_a_window_as_long_as_the_document_is_the_document(make_model, tokenizer):
    model = make_model(vocabulary=len(tokenizer))
    documents = [Document("d", "the student reads", "")]
    windows, rows = windows_of(documents, tokenizer, 60, 30), rows_of(documents, tokenizer, 60)
    assert evaluate(model, windows, 0).perplexity == pytest.approx(evaluate(model, rows, 0).perplexity, rel=1e-6)


def test_bits_per_byte_count_bytes_and_not_characters(make_model, tokenizer):
    model = make_model(vocabulary=len(tokenizer))
    (row,) = rows = rows_of([Document("d", "a 日本語 Schüler 🙂", "")], tokenizer, 1000)
    size = len(" 日本語 Schüler 🙂".encode())
    assert (row.label_bytes, size) == (size, 24)
    expected = nats_by_hand(model, row) / math.log(2) / size
    assert evaluate(model, rows, 0).bits_per_byte == pytest.approx(expected, rel=1e-5)


def test_a_uniform_model_has_the_vocabulary_as_perplexity(make_model, make_rows):
    model = make_model(vocabulary=64)
    with torch.no_grad():
        model.transformer.ln_f.weight.zero_()
        model.transformer.ln_f.bias.zero_()
    evaluation = evaluate(model, make_rows(LENGTHS), 0)
    assert evaluation.perplexity == pytest.approx(64)
    assert evaluation.interval() == pytest.approx((64, 64))


def test_dropout_is_off_while_a_model_is_judged(make_model, make_rows):
    model, rows = make_model(dropout=0.5).train(), make_rows(LENGTHS)
    batches = in_order(rows, 2, 0)
    assert evaluate(model, rows, 0).perplexity == evaluate(model, rows, 0).perplexity
    assert model.training
    assert perplexity(model, batches) == perplexity(model.train(), batches)


def test_nothing_to_predict_is_an_error_and_never_nan(make_model, make_rows):
    lonely = [Row((5,), (5,), "d", 0)]
    with pytest.raises(CourseError, match="no valid label"):
        perplexity(make_model(), [pad(lonely, 0)])
    for rows in (lonely, []):
        with pytest.raises(CourseError, match="no token to predict"):
            evaluate(make_model(), rows, 0)


def test_a_broken_model_is_said_to_be_broken(make_model, make_rows):
    model, rows = make_model(), make_rows(LENGTHS)
    with torch.no_grad():
        model.transformer.ln_f.bias.fill_(math.nan)
    with pytest.raises(CourseError, match="logits hold NaN"):
        perplexity(model, in_order(rows, 2, 0))
    with pytest.raises(CourseError, match="logits hold NaN"):
        evaluate(model, rows, 0)


def test_a_perplexity_beyond_a_float_is_infinite(make_model, make_rows):
    assert made([7100.0], [7]).perplexity == math.inf


def test_rows_longer_than_the_context_are_refused(make_model, make_rows):
    with pytest.raises(CourseError, match="16 tokens and the model's context only 8"):
        evaluate(make_model(context=8), make_rows(LENGTHS), 0)


def draw(random, documents=60):
    """Documents of a population whose nats per token are 2: lengths vary, and long ones are harder."""
    tokens = random.integers(5, 60, documents)
    return (2.0 + 0.01 * (tokens - 32) + random.normal(0, 0.5, documents)) * tokens, tokens


def truth():
    nats, tokens = draw(np.random.Generator(np.random.PCG64(99)), documents=400_000)
    return math.exp(nats.sum() / tokens.sum())


@pytest.fixture
def fewer_draws(monkeypatch):
    """Enough for a simulation's hundreds of intervals."""
    monkeypatch.setattr(evaluation_module, "DRAWS", 400)


def test_the_interval_covers_the_truth_about_as_often_as_it_says(fewer_draws):
    random, expected, covered = np.random.Generator(np.random.PCG64(0)), truth(), 0
    for _ in range(200):
        low, high = made(*draw(random)).interval()
        covered += low <= expected <= high
    assert 0.90 <= covered / 200 <= 0.98


def test_the_interval_is_over_documents_and_so_wider_than_over_tokens():
    random = np.random.Generator(np.random.PCG64(1))
    per_document = random.normal(3, 1, 50)
    low, high = made(per_document * 100, [100] * 50).interval()
    expected = 2 * 1.96 * per_document.std() / math.sqrt(50)
    assert math.log(high / low) == pytest.approx(expected, rel=0.1)


def test_the_interval_is_the_same_for_the_same_seed():
    evaluation = made(*draw(np.random.Generator(np.random.PCG64(2))))
    assert evaluation.interval() == evaluation.interval() != evaluation.interval(seed=1)
    assert evaluation.interval()[0] < evaluation.perplexity < evaluation.interval()[1]


def test_a_paired_effect_is_far_sharper_than_two_intervals():
    nats, tokens = draw(np.random.Generator(np.random.PCG64(3)))
    first, second = made(nats - 0.05 * tokens, tokens), made(nats, tokens)
    effect = paired_effect([first], [second])
    assert effect.ratio == pytest.approx(math.exp(-0.05))
    assert effect.ratio == pytest.approx(first.perplexity / second.perplexity)
    assert (effect.low, effect.high) == pytest.approx((effect.ratio, effect.ratio))  # the same for every document
    assert first.interval()[1] > second.interval()[0]
    assert effect.as_dict() == {"ratio": effect.ratio, "low": effect.low, "high": effect.high, "seeds": 1}


def test_a_paired_effect_over_seeds_covers_their_spread_too():
    nats, tokens = draw(np.random.Generator(np.random.PCG64(4)))
    shifts = (-0.10, -0.02, -0.06, -0.04, -0.08)
    effect = paired_effect([made(nats + shift * tokens, tokens) for shift in shifts], [made(nats, tokens)] * 5)
    assert effect.seeds == 5
    assert effect.ratio == pytest.approx(math.exp(-0.06))
    assert math.log(effect.high / effect.low) == pytest.approx(2 * 1.96 * np.std(shifts) / math.sqrt(5), rel=0.15)


def test_no_effect_is_covered_about_as_often_as_the_interval_says(fewer_draws):
    random, covered = np.random.Generator(np.random.PCG64(5)), 0
    for _ in range(200):
        nats, tokens = draw(random)
        noise = random.normal(0, 0.1, len(nats)) * tokens
        effect = paired_effect([made(nats + noise, tokens)], [made(nats, tokens)])
        covered += effect.low <= 1 <= effect.high
    assert 0.90 <= covered / 200 <= 0.98


def test_other_documents_other_tokens_and_other_counts_are_refused():
    one = made([1.0, 2.0], [1, 2])
    with pytest.raises(CourseError, match="different documents"):
        paired_effect([one], [made([1.0, 2.0], [1, 2], names=("a", "b"))])
    with pytest.raises(CourseError, match="different numbers of tokens"):
        paired_effect([one], [made([1.0, 2.0], [2, 2])])
    for first, second in (([one], [one, one]), ([], [])):
        with pytest.raises(CourseError, match=f"there are {len(first)} and {len(second)}"):
            paired_effect(first, second)


def test_the_row_of_the_table_is_as_the_json_has_it():
    evaluation = made([10.0, 30.0, 20.0], [5, 10, 8], size=[20, 40, 31])
    row = comparison_row("distilled", 1234, evaluation)
    low, high = evaluation.interval()
    assert row == {
        "model": "distilled", "parameters": 1234, "perplexity": math.exp(60 / 23), "low": low, "high": high,
        "bits_per_byte": pytest.approx(60 / math.log(2) / 91), "tokens": 23,
    }  # fmt: skip
    assert {type(value) for value in row.values()} == {str, int, float}
