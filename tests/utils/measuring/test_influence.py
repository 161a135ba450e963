"""Block influence is pooled over valid positions, from each block's own input and output; the largest are kept."""

import pytest
import torch

from utils.data.batches import in_order, pad
from utils.errors import CourseError
from utils.measuring.influence import block_influence, influence_over, kept_layers
from utils.models.pruning import block_states


@pytest.fixture
def states():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, 4, 6, generator=generator) for _ in range(4)]


MASK = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]).bool()


def test_influence_is_the_mean_over_valid_positions_of_one_minus_the_cosine(states):
    found = block_influence(states, MASK)
    for layer in range(3):
        values = [
            1 - float(a @ b / a.norm() / b.norm())
            for row in range(2)
            for place in range(4)
            if MASK[row, place]
            for a, b in [(states[layer][row, place], states[layer + 1][row, place])]
        ]
        assert found[layer] == pytest.approx(sum(values) / 6, abs=1e-6)


def test_padding_changes_nothing(states):
    changed = [state.clone() for state in states]
    for state in changed:
        state[~MASK] = 1e4
    torch.testing.assert_close(block_influence(changed, MASK), block_influence(states, MASK))


@pytest.mark.parametrize(("factor", "expected"), [(3.0, 0.0), (-1.0, 2.0)])
def test_a_block_that_only_scales_has_no_influence_and_one_that_turns_round_has_two(states, factor, expected):
    assert block_influence([states[0], factor * states[0]], MASK).tolist() == pytest.approx([expected], abs=1e-6)


def test_batches_of_different_lengths_are_pooled_over_positions(make_model, make_rows):
    model, rows = make_model(layers=3), make_rows((3, 14, 5, 9))
    whole = pad(rows, 0)
    expected = block_influence(block_states(model, whole), whole["attention_mask"])
    torch.testing.assert_close(influence_over(model, in_order(rows, 1, 0)), expected.double(), rtol=1e-4, atol=1e-5)


def test_nothing_to_average_over_is_said(states, make_model):
    with pytest.raises(CourseError, match="marks no position as valid"):
        block_influence(states, torch.zeros(2, 4))
    with pytest.raises(CourseError, match="hold no valid position"):
        influence_over(make_model(), [])


def test_the_most_influential_blocks_are_kept_in_order():
    assert kept_layers([0.9, 0.1, 0.3, 0.2, 0.5], 3) == [0, 2, 4]
    assert kept_layers(torch.tensor([0.2, 0.2, 0.2]), 2) == [0, 1]


@pytest.mark.parametrize("keep", [0, 4])
def test_a_number_of_blocks_that_there_is_not_is_refused(keep):
    with pytest.raises(CourseError, match=f"{keep} blocks are to be kept; there are 3"):
        kept_layers([0.1, 0.2, 0.3], keep)
