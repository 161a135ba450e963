"""A teacher that reads its answers from the cache, and is called like any other model: any training step can use it.

Batches are shuffled, padded on either side or packed, so a row is not found by its place in the data but by its real
tokens; an unknown row is an error, never another row's answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import CausalLMOutput

from utils.data.batches import positions_of
from utils.errors import CourseError
from utils.teachers.cache import TeacherCache


class CachedTeacher(nn.Module):
    """Called with `input_ids` and `attention_mask`, it returns what the teacher answered: `.logits`, `.hidden_states`.

    Logits are float32, (B, S, V), and 0 at padding.  Its only parameter is the cache's hash, which does not learn: it
    tells the device, and a checkpoint one cached teacher from another.  Raises CourseError for a cache without logits.
    """

    def __init__(self, cache: TeacherCache, device: torch.device | str = "cpu"):
        super().__init__()
        if cache.settings.top_k is not None:
            raise CourseError(
                "A step that compares whole distributions needs the whole vocabulary, and this cache holds "
                f"{cache.settings.top_k or 'no'} tokens of each. Make it with top_k=None, or train with "
                "utils.training.topk_step."
            )
        self.cache, self.config = cache, cache.config
        digest = torch.frombuffer(bytearray.fromhex(cache.identity), dtype=torch.uint8)
        self.identity = nn.Parameter(digest.float().to(device), requires_grad=False)
        self.eval()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        labels: Tensor | None = None,
        output_hidden_states: bool = False,
        use_cache: bool = False,
        return_dict: bool = True,
    ) -> CausalLMOutput:
        """The answers to the rows of a batch, padded on either side or packed (`utils.data.batches.pack`)."""
        columns = batch_columns(self.cache, input_ids, attention_mask)
        logits = columns["logits"].float() + columns["largest"].unsqueeze(-1)
        layers = self.cache.settings.hidden_layers
        if not output_hidden_states:
            return CausalLMOutput(logits=logits)
        if not layers:
            raise CourseError("This cache holds no hidden states. Name them when it is made: hidden_layers=(...).")
        states = [columns[f"hidden_{i}"].float() if i in layers else None for i in range(max(layers) + 1)]
        return CausalLMOutput(logits=logits, hidden_states=tuple(states))


def batch_columns(cache: TeacherCache, input_ids: Tensor, attention_mask: Tensor | None) -> dict[str, Tensor]:
    """What the cache holds of a batch, each column (B, S, ...) on the batch's device, 0 at padding."""
    ids = input_ids.cpu()
    mask = torch.ones_like(ids) if attention_mask is None else attention_mask.cpu()
    columns: dict[str, Tensor] = {}
    for row, start, stop in spans(mask):
        tokens = ids[row, start:stop].tolist()
        if mask.dim() == 4 and len(tokens) == 1 and not cache.knows(tokens):
            continue  # padding between packed documents sees only itself
        for name, values in cache.answer(tokens).items():
            if name not in columns:
                columns[name] = values.new_zeros((*ids.shape, *values.shape[1:]))
            columns[name][row, start:stop] = values
    return {name: column.to(input_ids.device) for name, column in columns.items()}


def spans(mask: Tensor) -> Iterator[tuple[int, int, int]]:
    """(row, start, stop) of every document of a batch, read off a (B, S) or a packed (B, 1, S, S) mask."""
    if mask.dim() == 4:
        for row, positions in enumerate(positions_of(mask)):
            starts = [*(positions == 0).nonzero()[:, 0].tolist(), len(positions)]
            yield from ((row, start, stop) for start, stop in itertools.pairwise(starts))
        return
    for row, real in enumerate(mask):
        places = real.nonzero()[:, 0].tolist()
        if not places:
            continue
        if places[-1] - places[0] + 1 != len(places):
            raise CourseError(f"The attention mask of row {row} has a gap. Padding may stand before or after a row.")
        yield row, places[0], places[-1] + 1
