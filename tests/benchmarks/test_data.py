"""The experiment on text: the best rate lies inside what was tried, rows add up to tokens, a leak replaces as many."""

import math

import numpy as np
import pytest

from benchmarks import data, data_arms, data_beyond
from utils.data.batches import Row
from utils.data.documents import Document
from utils.measuring.evaluation import Evaluation


@pytest.mark.parametrize("best", [1e-4, 1e-3, 2e-3, 1.6e-2])
def test_the_best_rate_has_a_worse_one_on_both_sides(best):
    found, tried = data_arms.searched(lambda rate: abs(math.log(rate / best)), 1e-3)
    assert found == pytest.approx(best, rel=0.42)
    assert min(tried) < found < max(tried)


def row(tokens: int) -> Row:
    return Row((1,) * (tokens + 1), (1,) * (tokens + 1), "", tokens)


def test_rows_are_taken_until_the_tokens_are_reached_and_no_longer():
    rows = [row(tokens) for tokens in (30, 50, 20, 90)]
    assert data_arms.up_to(rows, 80) == rows[:2]
    assert data_arms.up_to(rows, 81) == rows[:3]
    assert data_arms.up_to(rows, 0) == []


def test_a_reordered_text_has_the_same_words_and_hardly_a_long_run_of_them():
    text = " ".join(f"word{place}" for place in range(40))
    found = data_arms.reworded(text)
    assert sorted(found.split()) == sorted(text.split())
    assert not any(
        f"{a} {b} {c} {d} {e}" in found for a, b, c, d, e in zip(*(text.split()[i:] for i in range(5)), strict=False)
    )


def evaluation(nats: list[float]) -> Evaluation:
    tokens = np.full(len(nats), 10.0)
    return Evaluation(tuple(f"d{place}" for place in range(len(nats))), np.array(nats), tokens, tokens)


def test_part_of_an_evaluation_is_that_of_these_documents():
    part = data.only(evaluation([10.0, 20.0, 30.0]), frozenset({"d0", "d2"}))
    assert part.documents == ("d0", "d2") and part.perplexity == pytest.approx(math.exp(2))


def test_two_texts_are_compared_by_their_perplexities():
    found = data.two_texts([evaluation([10.0, 10.0, 20.0, 20.0])], frozenset({"d0", "d1"}), frozenset({"d2", "d3"}))
    assert found == pytest.approx({"ratio": math.exp(-1), "low": math.exp(-1), "high": math.exp(-1)})


def test_the_calibration_error_of_runs_adds_documents_up_before_gaps_are_taken():
    one, other = [[10, 8.0, 10]], [[10, 8.0, 4]]  # one bin: 2 too few right here, 4 too many there
    found = data_beyond.calibration_error([{"bins": [one, other]}])
    assert found["value"] == pytest.approx(2 / 20)
    assert found["low"] <= found["value"] <= found["high"]


def test_a_share_of_those_that_count_is_none_where_nothing_counts():
    assert data_beyond.of_those(np.zeros((2, 3)), np.zeros((2, 3)))["share"] is None
    assert data_beyond.of_those(np.array([[1.0, 0, 0]]), np.array([[1.0, 1, 0]]))["share"] == 0.5


def test_of_documents_that_repeat_each_other_the_first_stays():
    words = [" ".join(f"{letter}{place}" for place in range(30)) for letter in "ab"]
    documents = [Document(str(place), text, "") for place, text in enumerate([*words, words[0] + " more", "short"])]
    assert [one.name for one in data_arms.distinct(documents)] == ["0", "1", "3"]
