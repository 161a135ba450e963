"""What is kept of a teacher's answers, and what it costs: whether it fits is known before anything is written."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from utils.configuration import text_config
from utils.data.batches import Row
from utils.errors import CourseError
from utils.machine.memory import available_memory
from utils.machine.workspace import require_writable
from utils.settings import read_numbers

SMALL_VOCABULARY = 2**16


@dataclass(frozen=True)
class CacheSettings:
    """What is kept of each answer.

    top_k: None for the whole vocabulary, 0 for no logits, else how many tokens.  temperatures: where the mass of the
    others is counted (with top_k only).  hidden_layers: which hidden states, 0 the embeddings, n after the n-th layer.
    """

    top_k: int | None = None
    temperatures: tuple[float, ...] = (1.0,)
    hidden_layers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        read_numbers(self)
        if self.top_k is not None and self.top_k < 0:
            raise CourseError(f"top_k is {self.top_k}; keep at least 1 token, 0 for no logits, or None for all.")
        if self.top_k and not self.temperatures:
            raise CourseError("There is no temperature to count the other tokens' mass at. Give one, such as (1.0,).")
        if any(not 0 < temperature < float("inf") for temperature in self.temperatures):
            raise CourseError(f"The temperatures are {self.temperatures}; each must be a finite number above 0.")

    def bytes_per_token(self, vocabulary: int, width: int) -> int:
        """Bytes that one token's answer takes, for a teacher of this vocabulary and hidden size."""
        if self.top_k is None:
            logits = 2 * vocabulary + 4
        else:
            k = min(self.top_k, vocabulary)
            logits = k and k * (4 if vocabulary <= SMALL_VOCABULARY else 6) + 4 * len(self.temperatures)
        return logits + 2 * width * len(self.hidden_layers)


def whole_answers_fit(
    teacher: nn.Module, rows: Sequence[Row], folder: Path, hidden_layers: tuple[int, ...] = ()
) -> bool:
    """Whether at most half of the free disk and of the free memory holds the teacher's whole answers; says it, too.

    Raises CourseError where the folder cannot be written.
    """
    require_writable(folder, megabytes=1)
    kept = sum(path.stat().st_size for path in folder.glob("*/*.safetensors"))  # may be this one, or makes room for it
    disk, memory = shutil.disk_usage(folder).free + kept, available_memory()
    size, needed = _sizes(CacheSettings(hidden_layers=hidden_layers), teacher, rows)
    print(
        f"In full the teacher's answers take {size:,} bytes per token, {readable_size(needed)}; {readable_size(disk)} "
        f"of disk and {readable_size(memory)} of memory are free."
    )
    return needed <= min(disk, memory) // 2


def choose_settings(
    teacher: nn.Module,
    rows: Sequence[Row],
    folder: Path,
    top_k: int = 64,
    temperatures: tuple[float, ...] = (1.0,),
    hidden_layers: tuple[int, ...] = (),
) -> CacheSettings:
    """The whole vocabulary where it fits (`whole_answers_fit`), else the top k and the mass of the others.

    Says what was chosen and why.  Raises CourseError where the folder cannot be written.
    """
    if whole_answers_fit(teacher, rows, folder, hidden_layers):
        return CacheSettings(None, temperatures, hidden_layers)
    truncated = CacheSettings(top_k, temperatures, hidden_layers)
    size, smaller = _sizes(truncated, teacher, rows)
    print(
        f"That is too much, so the {top_k} most likely tokens and the mass of the others are kept: {size:,} bytes "
        f"per token, {readable_size(smaller)}."
    )
    return truncated


def unique_rows(rows: Sequence[Row]) -> list[tuple[int, ...]]:
    """Every row's ids once, short rows first: the same cache for every order of the rows."""
    return sorted({row.input_ids for row in rows}, key=lambda ids: (len(ids), ids))


def _sizes(settings: CacheSettings, teacher: nn.Module, rows: Sequence[Row]) -> tuple[int, int]:
    size = settings.bytes_per_token(text_config(teacher).vocab_size, text_config(teacher).hidden_size)
    return size, size * sum(len(ids) for ids in unique_rows(rows))


def readable_size(size: int) -> str:
    """Bytes as people read them."""
    return f"{size / 1e9:.2f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
