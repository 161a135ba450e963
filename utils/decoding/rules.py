"""The rules of speculative decoding: how often a draft's token is kept, what replaces a rejected one, what it buys.

A cheap *draft* proposes a few tokens, the *target* reads them in one call, and a rule decides how many stay.  With
`verify` the text has exactly the target's distribution, whatever the draft is (Leviathan et al., 2023; Chen et al.,
2023).  p is the target's distribution, q the draft's, gamma how many tokens are drafted in a round.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from utils.errors import CourseError
from utils.losses.core import at_least_float32


def verify(
    target_probabilities: Tensor, draft_probabilities: Tensor, drafted: Tensor, uniforms: Tensor
) -> tuple[int, Tensor]:
    """How many drafted tokens are kept, and the distribution that the next token is drawn from.

    target_probabilities: (gamma + 1, V); draft_probabilities: (gamma, V); drafted: (gamma,) tokens that were drawn from
    draft_probabilities; uniforms: (gamma,) in [0, 1).  Token i is kept where uniforms[i] < p / q, until the first that
    is not.  The next token comes from the normalised max(p - q, 0) there, or from the last row of the target's where
    all are kept.
    """
    gamma = len(drafted)
    rows = torch.arange(gamma, device=drafted.device)
    p, q = target_probabilities[rows, drafted], draft_probabilities[rows, drafted]
    kept = int((uniforms < p / q).long().cumprod(dim=0).sum())
    if kept == gamma:
        return kept, target_probabilities[gamma]
    return kept, residual(target_probabilities[kept], draft_probabilities[kept])


def residual(target_probabilities: Tensor, draft_probabilities: Tensor) -> Tensor:
    """max(p - q, 0), normalised: what is left of the target's distribution after a rejection.  (..., V) -> (..., V).

    The target's own distribution where p = q: there is no rejection then, except by rounding.
    """
    excess = (target_probabilities - draft_probabilities).clamp(min=0)
    total = excess.sum(dim=-1, keepdim=True)
    return torch.where(total > 0, excess / total.clamp(min=torch.finfo(excess.dtype).tiny), target_probabilities)


def accept_if_equal(
    target_probabilities: Tensor, draft_probabilities: Tensor, drafted: Tensor, uniforms: Tensor
) -> tuple[int, Tensor]:
    """Another exact rule, as `verify`: draw from the target too, and keep the drafted token where both are equal.

    It keeps a token with the chance sum p q, which is never above sum min(p, q).  Each uniform draws one token.
    """
    cumulative = target_probabilities.cumsum(dim=-1)[: len(drafted)]
    own = torch.searchsorted(cumulative, uniforms.to(cumulative)[:, None], right=True)[:, 0]
    own = own.clamp(max=target_probabilities.shape[-1] - 1)
    kept = int((own == drafted).long().cumprod(dim=0).sum())
    if kept == len(drafted):
        return kept, target_probabilities[kept]
    return kept, torch.zeros_like(target_probabilities[0]).index_fill_(0, own[kept], 1.0)


def emitted(target_probabilities: Tensor, drawn_from: Tensor, told: Tensor) -> Tensor:
    """The distribution of a round's first token where the draft drew from one q and the rule was told another.

    All (..., V).  Equal to the target's own where the two agree; a filter such as top-k on one of them alone shifts it.
    """
    kept = drawn_from * torch.where(told > 0, target_probabilities / told, torch.inf).clamp(max=1)
    rejected = (1 - kept.sum(dim=-1, keepdim=True)).clamp(min=0)
    return kept + rejected * residual(target_probabilities, told)


def overlap(target_logits: Tensor, draft_logits: Tensor) -> Tensor:
    """sum min(p, q) = 1 - TV(p, q) over the last axis: how often a token drawn from q is kept.  (..., V) -> (...)."""
    p, q = (torch.softmax(at_least_float32(logits), dim=-1) for logits in (target_logits, draft_logits))
    return torch.minimum(p, q).sum(dim=-1)


def acceptance_rate(target_logits: Tensor, draft_logits: Tensor, mask: Tensor) -> Tensor:
    """The mean of sum min(p, q) over the positions where mask is True.  logits: (B, S, V); mask: (B, S) bool."""
    require_positions(mask)
    return overlap(target_logits, draft_logits)[mask].mean()


def draft_loss(draft_logits: Tensor, target_logits: Tensor, mask: Tensor) -> Tensor:
    """The total variation 1/2 sum |p - q|, averaged over the positions where mask is True; a scalar in [0, 1].

    Its gradient reaches the draft only.  1 - draft_loss is the acceptance rate.
    """
    require_positions(mask)
    q = torch.softmax(at_least_float32(draft_logits), dim=-1)
    p = torch.softmax(at_least_float32(target_logits.detach()), dim=-1)
    return 0.5 * (p - q).abs().sum(dim=-1)[mask].mean()


def require_positions(mask: Tensor) -> None:
    """Raise CourseError where no position counts."""
    if not mask.any():
        raise CourseError("The mask counts no position, so there is no mean. Mark at least one position as True.")


def expected_tokens(acceptance: float, gamma: int) -> float:
    """Tokens that a round adds when each drafted token is kept with the same chance: 1 + a + ... + a^gamma.

    Between 1 (nothing is kept) and gamma + 1 (all is kept, and the target adds one).
    """
    require_round(acceptance, gamma)
    return math.fsum(acceptance**i for i in range(gamma + 1))


def speedup(acceptance: float, gamma: int, cost_ratio: float) -> float:
    """Tokens per second with a draft over tokens per second without: expected_tokens / (gamma c + 1).

    cost_ratio c: seconds of a draft call over seconds of a target call.  The model takes it that reading gamma + 1
    tokens costs the target as much as reading one.
    """
    if not 0 <= cost_ratio < math.inf:
        raise CourseError(f"The cost ratio is {cost_ratio}; it is seconds over seconds, a finite number from 0 up.")
    return expected_tokens(acceptance, gamma) / (gamma * cost_ratio + 1)


def require_round(acceptance: float, gamma: int) -> None:
    """Raise CourseError for an acceptance that is no share, or a round without a drafted token."""
    if not 0 <= acceptance <= 1:
        raise CourseError(f"The acceptance is {acceptance}; it is a share and lies between 0 and 1.")
    require_gamma(gamma)


def require_gamma(gamma: int) -> None:
    """Raise CourseError for a round without a drafted token."""
    if gamma < 1:
        raise CourseError(f"gamma is {gamma}; a round drafts at least one token. Without a draft, use `decode`.")
