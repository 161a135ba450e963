"""Lab 4's functions: each mistake is named under every seed, two at once are refused, right ones pass in any style."""

from __future__ import annotations

import pytest
import torch

from grader.exercises.lab04 import acceptance_rate, draft_loss, expected_tokens, speedup, verify
from grader.exercises.lab04.verify import rule
from tests.grader.exercises.catalogues import judged


def _first_token_only(p, q, drafted, uniforms):
    """Decides the first token rightly and forgets the others."""
    kept = int(uniforms[0] < p[0, drafted[0]] / q[0, drafted[0]])
    return kept, p[1] if kept else (p[0] - q[0]).clamp(min=0) / (p[0] - q[0]).clamp(min=0).sum()


def _swapped_and_not_normalised(p, q, drafted, uniforms):
    place = torch.arange(len(drafted))
    kept = int((uniforms < q[place, drafted] / p[place, drafted]).long().cumprod(0).sum())
    return kept, p[kept] if kept == len(drafted) else (p[kept] - q[kept]).clamp(min=0)


def _no_half_and_no_mask(draft_logits, target_logits, mask):
    return (draft_logits.softmax(-1) - target_logits.detach().softmax(-1)).abs().sum(-1).mean()


def _in_half_precision(target_logits, draft_logits, mask):
    return acceptance_rate.acceptance_rate(target_logits.half(), draft_logits.half(), mask)


@pytest.mark.parametrize(
    ("exercise", "function"),
    [
        (verify.EXERCISE, _first_token_only),
        (verify.EXERCISE, _swapped_and_not_normalised),
        (draft_loss.EXERCISE, _no_half_and_no_mask),
        (acceptance_rate.EXERCISE, _in_half_precision),
        (expected_tokens.EXERCISE, lambda acceptance, gamma: 1.0),
        (speedup.EXERCISE, lambda acceptance, gamma, cost_ratio: 1.0 + acceptance * gamma * cost_ratio),
    ],
)
def test_what_no_entry_describes_is_refused_and_gets_no_false_name(exercise, function):
    verdict = judged(exercise.table(None), function)
    catalogued = {wrong.name for wrong in exercise.misconceptions}
    assert not verdict.passed and not catalogued & set(verdict.misconceptions)


@pytest.mark.parametrize(
    "token",
    [
        lambda row: int(row.argmax()),
        lambda row: row.argmax(),
        lambda row: row.argmax().view(1),
        lambda row: torch.multinomial(row, 1, generator=torch.Generator().manual_seed(1)),
        lambda row: torch.multinomial(row, 1, generator=torch.Generator().manual_seed(1))[0],
    ],
)
def test_a_token_instead_of_a_distribution_is_named_however_it_is_drawn(token):
    def drawn(p, q, drafted, uniforms):
        kept, following = verify.verify(p, q, drafted, uniforms)
        return kept, token(following)

    found = judged(verify.EXERCISE.table(None), drawn)
    assert found.misconceptions == ["a token is returned instead of the distribution that it is drawn from"]
    assert "What is asked: a token or a distribution?" in found.message


@pytest.mark.parametrize("following", [rule.following, lambda p, q, kept: p[kept]])
def test_everything_kept_and_the_greedy_rule_are_named(following):
    def everything(p, q, drafted, uniforms):
        return len(drafted), p[-1]

    def greedy(p, q, drafted, uniforms):
        kept = int((p[:-1].argmax(-1) == drafted).long().cumprod(0).sum())
        return kept, following(p, q, kept)

    def told(function):
        return judged(verify.EXERCISE.table(None), function).misconceptions[0]

    assert told(everything) == "everything is kept: no token is ever rejected"
    assert told(greedy).startswith("kept where it is the target's likeliest token")


def test_only_the_draft_gets_a_gradient():
    verdict = judged(draft_loss.EXERCISE.table(None), draft_loss.target_learns)
    assert verdict.misconceptions == ["the gradient flows into the target"]
