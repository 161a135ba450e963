"""What is right, and the pieces that wrong and right ways to write block_influence share."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F


def block_cosines(hidden_states):
    """(L, B, S)."""
    pairs = itertools.pairwise(hidden_states)
    return torch.stack([F.cosine_similarity(read, written, dim=-1) for read, written in pairs])


def block_influence(hidden_states, mask):
    return (1 - block_cosines(hidden_states)[:, mask]).mean(-1)
