"""How much does each block of a model change what goes through it?  Block influence, and the blocks to keep by it.

The source is ShortGPT (Men et al., 2024, arXiv:2403.03853, eq. 1): 1 minus the cosine between what a block reads and
what it writes.  A block that writes nearly what it read is one that might go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedModel

from utils.data.batches import Batch
from utils.errors import CourseError
from utils.models.pruning import block_states, blocks_of


def block_influence(hidden_states: Sequence[Tensor], mask: Tensor) -> Tensor:
    """(L,): for each block the mean over valid positions of 1 - cosine(what it reads, what it writes).

    hidden_states: L + 1 tensors (B, S, D), before the first block and after each, none of them after the final norm
    (`utils.models.pruning.block_states`).  mask: (B, S), true at positions that count.
    """
    total, count = _influence_sums(hidden_states, mask)
    if not count:
        raise CourseError("The mask marks no position as valid: there is nothing to average over.")
    return total / count


def influence_over(model: PreTrainedModel, batches: Iterable[Batch]) -> Tensor:
    """(L,) float64: the block influence over all valid positions of all batches, one division at the end."""
    total, count = torch.zeros(len(blocks_of(model)), dtype=torch.float64), 0
    for batch in batches:
        some, valid = _influence_sums(block_states(model, batch), batch["attention_mask"])
        total, count = total + some.double().cpu(), count + valid
    if not count:
        raise CourseError("The batches hold no valid position. Give rows of at least one token.")
    return total / count


def kept_layers(influence: Tensor | Sequence[float], keep: int) -> list[int]:
    """The places of the `keep` blocks with the largest influence, ascending; the earlier of two that are equal."""
    influence = torch.as_tensor(influence)
    if not 1 <= keep <= len(influence):
        raise CourseError(f"{keep} blocks are to be kept; there are {len(influence)}. Keep 1 to {len(influence)}.")
    return sorted(influence.argsort(descending=True, stable=True)[:keep].tolist())


def _influence_sums(hidden_states: Sequence[Tensor], mask: Tensor) -> tuple[Tensor, int]:
    valid = mask.bool()
    states = [state[valid.to(state.device)] for state in hidden_states]
    sums = [(1 - F.cosine_similarity(read, written, dim=-1)).sum() for read, written in pairwise(states)]
    return torch.stack(sums), int(valid.sum())
