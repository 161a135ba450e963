"""Is a decoding rule exact?  The distribution of short texts, summed over every path instead of sampled.

`distribution_of` runs a decoder once for each way that its random decisions can fall.  A uniform number falls into one
of `cells` cells of equal size, so the sum is exact where every threshold of the rule is a multiple of 1 / cells:
where the probabilities are quarters and the draft's are halves or quarters, four cells are enough.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from transformers import DynamicCache, GPT2Config
from transformers.modeling_outputs import CausalLMOutputWithPast

from utils.decoding.chance import Chance

CELLS = 4


def distribution_of(decoder: Callable[[Chance], Sequence[int]], cells: int = CELLS) -> dict[tuple[int, ...], float]:
    """The probability of each text that `decoder(chance)` can return, summed over all paths."""
    found: dict[tuple[int, ...], float] = defaultdict(float)
    waiting: list[tuple[int, ...]] = [()]
    while waiting:
        path = _Path(waiting.pop(), cells)
        found[tuple(decoder(path))] += path.weight
        for place in range(len(path.given), len(path.choices)):
            waiting += [(*path.choices[:place], other) for other in range(1, path.branches[place])]
    return dict(found)


class _Path:
    """Decisions that follow a given beginning and take the first branch after it."""

    def __init__(self, given: tuple[int, ...], cells: int):
        self.given, self.cells = given, cells
        self.choices: list[int] = []
        self.branches: list[int] = []
        self.weight = 1.0

    def token(self, distribution: Tensor) -> int:
        possible = distribution.nonzero()[:, 0].tolist()
        token = possible[self._choose(len(possible))]
        self.weight *= float(distribution[token])
        return token

    def uniforms(self, count: int) -> Tensor:
        cells = [self._choose(self.cells) for _ in range(count)]
        self.weight /= self.cells**count
        return (torch.tensor(cells, dtype=torch.float64) + 0.5) / self.cells

    def _choose(self, branches: int) -> int:
        place = len(self.choices)
        self.choices.append(self.given[place] if place < len(self.given) else 0)
        self.branches.append(branches)
        return self.choices[-1]


class TableModel(nn.Module):
    """A made-up language model over V tokens: a text whose tokens add up to s goes on with row s mod V of a table.

    It keeps a key-value cache like a real one and adds up what it finds there, so a cache that was cut back wrongly
    gives other probabilities.
    """

    def __init__(self, table: Tensor, context: int = 64):
        super().__init__()
        self.table = table.double()
        self.device = table.device
        self.config = GPT2Config(
            vocab_size=len(table), n_layer=1, n_head=1, n_embd=1, n_positions=context, bos_token_id=0, eos_token_id=0
        )

    def forward(
        self, input_ids: Tensor, past_key_values: DynamicCache, use_cache: bool = True
    ) -> CausalLMOutputWithPast:
        """Logits (1, S, V) of the tokens that are new."""
        new = input_ids[:, None, :, None].double()
        keys, _ = past_key_values.update(new, new, 0)
        sums = keys[0, 0, :, 0].cumsum(dim=0)[-input_ids.shape[1] :].long()
        return CausalLMOutputWithPast(logits=self.after(sums).log()[None], past_key_values=past_key_values)

    def after(self, sums: Tensor | int) -> Tensor:
        """The distribution after a text whose tokens add up to that."""
        return self.table[sums % len(self.table)]


def written_alone(model: TableModel, first: int, tokens: int) -> dict[tuple[int, ...], float]:
    """The distribution of the next `tokens` tokens after token `first`, by the product rule alone."""
    found = {(): 1.0}
    for _ in range(tokens):
        found = {
            (*text, token): weight * probability
            for text, weight in found.items()
            for token, probability in enumerate(model.after(first + sum(text)).tolist())
            if probability > 0
        }
    return found


def largest_difference(one: Mapping[tuple[int, ...], float], other: Mapping[tuple[int, ...], float]) -> float:
    """The largest difference between two distributions of texts."""
    return max(abs(one.get(text, 0.0) - other.get(text, 0.0)) for text in {*one, *other})
