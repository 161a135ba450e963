"""How much memory is there, and how much does a training step need?

In a container or a hosted notebook the machine has memory that this process may not use: it is killed without a word
when it tries.  What a step needs is estimated before the first one, because on a computer without a GPU an allocation
that is too large may end the whole process.  Where the estimate was too low, utils.training.accumulation goes on in
smaller pieces.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
from torch import nn

from utils.configuration import text_config
from utils.machine import processes as distributed

# cgroup folder, limit, usage, and the key of the page cache in memory.stat
_LIMITS = (
    ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
USABLE = 0.8  # of the free memory: allocators waste some, and other programs want theirs

# Measured with torch.profiler on GPT-2 shapes in float32, rounded up; bfloat16 needs less.
LOGIT_COPIES = 14  # of (tokens, V) in float32: a textbook loss of two models with its gradient
BYTES_PER_WIDTH = 90  # kept for the backward pass, for each token, layer and unit of the hidden size
BYTES_PER_SCORE = 18  # kept for each pair of tokens and each attention head
BYTES_CHECKPOINTED = 8  # kept for each token, layer and unit where a layer is computed again instead
BYTES_PER_TEACHER_WIDTH = 40  # while one layer of the teacher computes
BYTES_PER_PARAMETER = 14  # gradient, AdamW's two moments, and a copy in bfloat16


@dataclass(frozen=True)
class MemoryPlan:
    """How a batch is computed.  rows: how many at once, None for all.  needed, available: bytes, as estimated."""

    rows: int | None
    recompute: bool
    needed: int
    available: int

    def describe(self, batch_rows: int, dtype: torch.dtype) -> str:
        """One line: what is there, and what is done about it."""
        how = "all at once" if self.rows is None else f"{self.rows} at a time, with the same mathematics"
        layers = ", and the student's layers are computed twice (gradient checkpointing)" if self.recompute else ""
        gigabytes, number_type = self.available / 1e9, str(dtype).removeprefix("torch.")
        return (
            f"{gigabytes:.1f} GB of memory are free and a step needs about {self.needed / 1e9:.1f}: the {batch_rows} "
            f"rows of a batch are computed in {number_type}, {how}{layers}."
        )


def available_memory(device: torch.device | str = "cpu") -> int:
    """Bytes that can still be allocated: the GPU's free memory, else main memory within this container's limit.

    Processes that train together on one machine share its main memory evenly.
    """
    device = torch.device(device)
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    available = psutil.virtual_memory().available
    for folder, limit, used, cached in _LIMITS:
        try:
            room = int(Path(folder, limit).read_text()) - int(Path(folder, used).read_text())
        except (OSError, ValueError):  # no such file on this system, or "max": no limit
            continue
        available = min(available, room + _cached_files(Path(folder, "memory.stat"), cached))
    return max(0, available) // distributed.processes_here()


def _cached_files(statistics: Path, name: str) -> int:
    """Bytes that hold copies of files which nobody has read lately: given back as soon as somebody needs them."""
    try:
        lines = (line.split() for line in statistics.read_text().splitlines())
        return next((int(words[1]) for words in lines if words[0] == name), 0)
    except (OSError, ValueError, IndexError):
        return 0


def choose_memory_plan(
    student: nn.Module, teacher: nn.Module | None, batch_rows: int, length: int, device: torch.device | str
) -> MemoryPlan:
    """The whole batch where it fits, else half of it and so on; gradient checkpointing where one row does not fit.

    Pieces come first because they cost next to nothing, while checkpointing runs the student's layers twice.  Models
    that do not say their sizes are computed whole.
    """
    available = available_memory(device)
    if _sizes(student) is None:
        return MemoryPlan(None, False, 0, available)
    sizes = [batch_rows]
    while sizes[-1] > 1:
        sizes.append(sizes[-1] // 2)
    choices = [(rows, recompute) for recompute in (False, True) for rows in sizes]
    if not getattr(student, "supports_gradient_checkpointing", False):
        choices = choices[: len(sizes)]
    for rows, recompute in choices:
        needed = step_bytes(student, teacher, rows, length, recompute)
        if needed <= USABLE * available:
            break
    return MemoryPlan(None if rows == batch_rows else rows, recompute, needed, available)


def step_bytes(student: nn.Module, teacher: nn.Module | None, rows: int, length: int, recompute: bool) -> int:
    """About how many bytes a step on `rows` rows of `length` tokens needs at its peak, beyond both models' weights."""
    vocabulary, width, layers, heads = _sizes(student)
    tokens = rows * length
    a_layer = width * BYTES_PER_WIDTH + heads * length * BYTES_PER_SCORE
    kept = a_layer + layers * width * BYTES_CHECKPOINTED if recompute else layers * a_layer
    theirs = None if teacher is None else _sizes(teacher)
    answering = 0 if theirs is None else theirs[1] * BYTES_PER_TEACHER_WIDTH
    parameters = sum(parameter.numel() for parameter in student.parameters() if parameter.requires_grad)
    return BYTES_PER_PARAMETER * parameters + tokens * (4 * LOGIT_COPIES * vocabulary + kept + answering)


def recompute_layers(model: nn.Module, on: bool) -> None:
    """Switch gradient checkpointing on or off: layers are computed again in the backward pass instead of kept."""
    verb = "enable" if on else "disable"
    # transformers has renamed it within its version 5.
    names = (f"activation_checkpointing_{verb}", f"gradient_checkpointing_{verb}")
    switch = next(getattr(model, name) for name in names if hasattr(model, name))
    switch({"use_reentrant": False}) if on else switch()


def _sizes(model: nn.Module) -> tuple[int, int, int, int] | None:
    """Vocabulary, hidden size, layers and heads; None where the model does not say."""
    config = text_config(model)
    names = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads")
    sizes = tuple(getattr(config, name, None) for name in names)
    return sizes if all(isinstance(size, int) for size in sizes) else None
