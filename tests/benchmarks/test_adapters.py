"""The experiment on ranks: grids that grow at their edge, the gap of gaps in pairs, the rank where a curve is flat."""

import math

import numpy as np
import pytest

from benchmarks import adapters
from benchmarks.common import next_rates

DOCUMENTS = 60


def run(perplexity: float, seed: int) -> dict:
    """A run whose documents differ much from one another, and not from those of other runs."""
    stream = np.random.Generator(np.random.PCG64(7))
    tokens = stream.integers(20, 90, DOCUMENTS)
    nats = tokens * (math.log(perplexity) + stream.normal(0, 0.4, DOCUMENTS) + 0.001 * seed)
    names = [str(number) for number in range(DOCUMENTS)]
    return {
        "perplexity": {"documents": names, "nats": nats.tolist(), "tokens": tokens.tolist(), "bytes": tokens.tolist()}
    }


def runs(perplexity: float) -> list[dict]:
    return [run(perplexity, seed) for seed in range(3)]


@pytest.mark.parametrize(
    ("tried", "more"),
    [({1.0: 9, 2.0: 8, 4.0: 7}, (8.0,)), ({1.0: 7, 2.0: 8, 4.0: 9}, (0.5,)), ({1.0: 8, 2.0: 7, 4.0: 9}, ())],
)
def test_a_grid_grows_where_its_best_rate_is_at_an_edge(tried, more):
    assert next_rates(tried) == more


def test_the_gap_of_gaps_is_a_ratio_of_ratios_and_surer_than_each_of_them():
    done = {
        adapters.cell(8, "distilled"): runs(66.0),
        adapters.Cell(adapters.MATRICES, "distilled"): runs(60.0),
        adapters.cell(8, "CE-only"): runs(70.7),
        adapters.Cell(adapters.MATRICES, "CE-only"): runs(70.0),
    }
    gap = adapters.gap_of_gaps(done, 8)
    assert gap["ratio"] == pytest.approx((66.0 / 60.0) / (70.7 / 70.0))
    assert gap["low"] <= gap["ratio"] <= gap["high"] and gap["high"] - gap["low"] < 0.01


def test_a_curve_is_flat_from_the_smallest_rank_within_a_hundredth_of_the_last():
    perplexities = dict(zip(adapters.RANKS, (80, 76, 70, 66.5, 66.0, 66.2, 66.0), strict=True))
    done = {adapters.cell(rank, "CE-only"): runs(value) for rank, value in perplexities.items()}
    found = adapters.flat_from(done, "CE-only")
    assert found["rank"] == 8 and found["share of draws"][8] > 0.9 > found["share of draws"][4]
