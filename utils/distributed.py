"""Several processes that train one student: `accelerate launch` on the same script, the same update as one process.

The question: what is the mean over a batch that lies in pieces?  The mistake this module prevents is the mean of the
processes' means, which weighs a process with few tokens too much.  Here each gradient comes weighted by its share of
the batch's tokens, and the processes add theirs up.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

State = TypeVar("State")


def join() -> None:
    """Join the other processes where a launcher (accelerate, torchrun) started several and nobody has joined yet."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and dist.is_available() and not dist.is_initialized():
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")


def rank() -> int:
    """The number of this process; 0 where it is alone."""
    return dist.get_rank() if _several() else 0


def size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if _several() else 1


def add_up(tensors: Sequence[Tensor]) -> None:
    """Replace each tensor by its sum over all processes, in place."""
    if not _several():
        return
    for tensor in tensors:
        dist.all_reduce(tensor)


def of_the_first(state: State) -> State:
    """What the first process holds; a state that is plain or of tensors."""
    if not _several():
        return state
    held = [state]
    dist.broadcast_object_list(held, src=0)
    return held[0]


def _several() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
