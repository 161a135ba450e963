"""A model that reads text once: its key-value cache grows with the text and is cut back after a rejection."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

from utils.configuration import context_of
from utils.errors import CourseError


class Reader:
    """A causal model with the cache of one text, batch size 1.

    `logits(tokens)` reads only what the cache does not hold.  Where `tokens` departs from what was read before, as
    after a rejection, the cache is cut back to the shared beginning first, so no stale key stays.

    Raises CourseError for a model without a key-value cache that can be cut back.
    """

    def __init__(self, model: PreTrainedModel):
        if "past_key_values" not in inspect.signature(type(model).forward).parameters:
            raise CourseError(f"{_name(model)} keeps no key-value cache that can be cut back. {_OTHER_MODEL}")
        self.model = model.eval()
        self.cache = DynamicCache(config=model.config)
        self.read: list[int] = []
        _require_croppable(model, self.cache)

    @property
    def context(self) -> int | None:
        """How many tokens the model can read; None where its configuration names no limit."""
        return context_of(self.model)

    @torch.no_grad()
    def logits(self, tokens: Sequence[int], last: int) -> Tensor:
        """The logits after each of the `last` tokens: (last, V) in float32 or better, on the CPU.

        Raises CourseError where there are not so many tokens, or more than the context holds.
        """
        tokens = list(tokens)
        if not 1 <= last <= len(tokens):
            raise CourseError(f"Logits after the last {last} of {len(tokens)} tokens were asked for. Ask for 1 to all.")
        if self.context is not None and len(tokens) > self.context:
            raise CourseError(
                f"The text has {len(tokens)} tokens, and {_name(self.model)} reads {self.context} at most."
            )
        self.keep(min(_shared(self.read, tokens), len(tokens) - last))
        new = torch.tensor([tokens[len(self.read) :]], device=self.model.device)
        output = self.model(input_ids=new, past_key_values=self.cache, use_cache=True)
        self.read = tokens
        logits = output.logits[0, -last:].cpu()
        return logits if logits.dtype == torch.float64 else logits.float()

    def keep(self, tokens: int) -> None:
        """Cut the cache back to the first `tokens` tokens that were read."""
        too_many = len(self.read) - tokens
        if too_many > 0:
            self.cache.crop(-too_many)  # transformers takes how many to remove, as a negative number
            del self.read[tokens:]


_OTHER_MODEL = "Choose a model with full attention in every layer, such as GPT-2 or Llama."


def _require_croppable(model: PreTrainedModel, cache: DynamicCache) -> None:
    """Raise CourseError for layers that forget: states of a recurrence, or keys beyond a sliding window."""
    other = [type(layer).__name__ for layer in cache.layers if type(layer) is not DynamicLayer]
    if other:
        raise CourseError(
            f"{_name(model)} has {len(other)} layers ({other[0]}) whose past cannot be restored after a rejection. "
            f"{_OTHER_MODEL}"
        )


def _name(model: PreTrainedModel) -> str:
    return type(model).__name__


def _shared(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens both begin with."""
    length = min(len(first), len(second))
    return next((i for i in range(length) if first[i] != second[i]), length)
