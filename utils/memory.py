"""How much memory is there, and how much does a training step need?

The mistake this module prevents is to ask the operating system alone: in a container or a hosted notebook the machine
has memory that this process may not use, and it is killed without a word when it tries.
"""

from __future__ import annotations

from pathlib import Path

import psutil
import torch

_LIMITS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def available_memory(device: torch.device | str = "cpu") -> int:
    """Bytes that can still be allocated: the GPU's free memory, else main memory within this container's limit."""
    device = torch.device(device)
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    available = psutil.virtual_memory().available
    for limit, used in _LIMITS:
        try:
            available = min(available, int(Path(limit).read_text()) - int(Path(used).read_text()))
        except (OSError, ValueError):  # no such file on this system, or "max": no limit
            continue
    return max(0, available)
