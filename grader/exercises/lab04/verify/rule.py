"""The rule itself, in the pieces that wrong and right ways to write it share."""

from __future__ import annotations

import torch


def chosen(probabilities, drafted):
    """(gamma,): what a model gives each drafted token."""
    return probabilities[torch.arange(len(drafted)), drafted]


def leading(passed):
    """How many are true before the first that is not."""
    return int(passed.long().cumprod(0).sum())


def passing(p, q, drafted, uniforms):
    return uniforms < chosen(p, drafted) / chosen(q, drafted)


def residual(p, q):
    excess = (p - q).clamp(min=0)
    return excess / excess.sum()


def following(p, q, kept, rejected=residual):
    """The target's last row where all are kept, else what `rejected` makes of the rows at the rejection."""
    return p[kept] if kept == len(q) else rejected(p[kept], q[kept])


def verify(target_probabilities, draft_probabilities, drafted, uniforms):
    p, q = target_probabilities, draft_probabilities
    kept = leading(passing(p, q, drafted, uniforms))
    return kept, following(p, q, kept)
