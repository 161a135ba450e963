"""The rules by themselves: what is kept, what follows, what it buys."""

import math

import pytest
import torch

from utils.decoding.rules import (
    acceptance_rate,
    draft_loss,
    emitted,
    expected_tokens,
    residual,
    speedup,
    verify,
)
from utils.errors import CourseError


@pytest.fixture
def two():
    """Two batches of logits and a mask with gaps."""
    generator = torch.Generator().manual_seed(0)
    one, other = torch.randn(2, 3, 5, 11, generator=generator, dtype=torch.float64) * 2
    mask = torch.tensor([[True, True, False, True, False], [False] * 5, [True] * 5])
    return one, other, mask


def test_a_token_is_kept_below_the_ratio_and_the_first_rejection_ends_the_round():
    p = torch.tensor([[0.2, 0.8], [0.5, 0.5], [0.9, 0.1]])
    q = torch.tensor([[0.8, 0.2], [0.5, 0.5]])
    drafted = torch.tensor([0, 1])
    assert verify(p, q, drafted, torch.tensor([0.24, 0.99]))[0] == 2
    assert torch.equal(verify(p, q, drafted, torch.tensor([0.24, 0.99]))[1], p[2])
    kept, following = verify(p, q, drafted, torch.tensor([0.26, 0.0]))
    assert kept == 0 and following.tolist() == pytest.approx([0, 1])


def test_equal_distributions_leave_no_residual_and_the_targets_own_stays():
    p = torch.tensor([0.25, 0.75])
    assert torch.equal(residual(p, p), p)


def test_acceptance_and_total_variation_add_up_to_one_over_the_positions_that_count(two):
    target, draft, mask = two
    p, q = target.softmax(-1)[mask], draft.softmax(-1)[mask]
    assert acceptance_rate(target, draft, mask).item() == pytest.approx(torch.minimum(p, q).sum(-1).mean().item())
    assert acceptance_rate(target, draft, mask).item() == pytest.approx(1 - draft_loss(draft, target, mask).item())


def test_the_loss_teaches_the_draft_alone_and_only_where_positions_count(two):
    target, draft, mask = two
    target.requires_grad_(), draft.requires_grad_()
    draft_loss(draft, target, mask).backward()
    assert target.grad is None
    assert draft.grad[mask].abs().sum(-1).min() > 0 and draft.grad[~mask].abs().max() == 0
    by_hand = torch.autograd.functional.jacobian(
        lambda x: 0.5 * (x.softmax(-1) - target.detach().softmax(-1)).abs().sum(-1)[mask].mean(), draft.detach()
    )
    assert torch.allclose(draft.grad, by_hand)


def test_no_position_is_an_error_that_says_so(two):
    with pytest.raises(CourseError, match="counts no position"):
        acceptance_rate(*two[:2], torch.zeros(3, 5, dtype=torch.bool))


def test_a_filter_on_one_side_alone_shifts_what_is_written(two):
    p, q = (logits[0, 0].softmax(-1) for logits in two[:2])
    kept = torch.zeros_like(q).index_copy_(0, q.topk(3).indices, q.topk(3).values)
    kept = kept / kept.sum()
    assert torch.allclose(emitted(p, q, q), p) and torch.allclose(emitted(p, kept, kept), p)
    assert (emitted(p, kept, q) - p).abs().sum() > 0.05
    assert emitted(p, kept, q).sum().item() == pytest.approx(1)


@pytest.mark.parametrize("acceptance", [0.0, 0.3, 0.99, 1.0])
def test_expected_tokens_is_the_sum_over_how_far_a_round_gets(acceptance):
    gamma = 5
    by_hand = sum((i + 1) * acceptance**i * (1 - acceptance) for i in range(gamma)) + (gamma + 1) * acceptance**gamma
    assert expected_tokens(acceptance, gamma) == pytest.approx(by_hand)


def test_the_speed_model_at_its_limits():
    assert expected_tokens(1.0, 4) == 5 and expected_tokens(0.0, 4) == 1
    assert speedup(1.0, 4, 0.0) == 5 and speedup(0.0, 4, 0.25) == 0.5
    assert math.isclose(speedup(0.5, 1, 0.5), 1.0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: expected_tokens(1.2, 3), "1.2; it is a share"),
        (lambda: expected_tokens(0.5, 0), "gamma is 0"),
        (lambda: speedup(0.5, 3, -0.1), "cost ratio is -0.1"),
    ],
)
def test_what_cannot_be_is_said(call, words):
    with pytest.raises(CourseError, match=words):
        call()
