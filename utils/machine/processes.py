"""Several processes that train one student: `accelerate launch` on the same script, the same update as one process.

Each gradient comes weighted by its share of the batch's tokens, and the processes add theirs up.  A mean of the
processes' means would weigh a process with few tokens too much.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

State = TypeVar("State")


def join(device: torch.device) -> None:
    """Join the other processes where a launcher (accelerate, torchrun) started several and nobody has joined yet.

    `device` is where this process trains: gradients travel from GPU to GPU, or between processors.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and dist.is_available() and not dist.is_initialized():
        if device.type == "cuda":
            torch.cuda.set_device(device)
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")


def own_gpu() -> str:
    """ "cuda", or where a launcher started several processes on this machine, the GPU that is this one's."""
    if processes_here() == 1:
        return "cuda"
    return f"cuda:{int(os.environ.get('LOCAL_RANK', '0')) % torch.cuda.device_count()}"


def processes_here() -> int:
    """How many processes a launcher started on this machine: they share its main memory."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


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
