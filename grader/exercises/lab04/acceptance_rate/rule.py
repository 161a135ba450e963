"""What is right, and what wrong and right ways to write acceptance_rate share."""

from __future__ import annotations

import torch


def both(target_logits, draft_logits):
    return target_logits.softmax(-1), draft_logits.softmax(-1)


def acceptance_rate(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    return torch.minimum(p, q).sum(-1)[mask].mean()
