"""What a language model costs, from its configuration alone: parameters, bytes, keys and values, FLOP.

No weights are needed: the model is built without memory (torch's meta device) and its modules are counted.  All numbers
are of the text side; a model that also reads images has more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from transformers import AutoModelForCausalLM, PreTrainedConfig
from transformers.pytorch_utils import Conv1D

from utils.configuration import text_part
from utils.errors import CourseError

_FULL, _SLIDING = "full_attention", "sliding_attention"


@dataclass(frozen=True)
class Sizes:
    """The numbers of a model from which its costs follow.

    parameters: all, a shared one once.  looked_up: those that are only looked up by token or position (an embedding
    that is also the output layer is not).  multiplied: weights that each token is multiplied with.
    heads, head_dim: of the queries.  windows: how many tokens each layer looks back; None where it sees all.
    """

    parameters: int
    looked_up: int
    multiplied: int
    heads: int
    key_value_heads: int
    head_dim: int
    windows: tuple[int | None, ...]

    @property
    def layers(self) -> int:
        return len(self.windows)

    def weight_bytes(self, bytes_per_parameter: float) -> float:
        """Bytes of memory that the weights take.  A number of 4 bits has half a byte."""
        return self.parameters * bytes_per_parameter

    def read_bytes(self, bytes_per_parameter: float) -> float:
        """Bytes of weights that one step reads, whatever the batch: all but tables in which a row is looked up."""
        return (self.parameters - self.looked_up) * bytes_per_parameter

    def cache_bytes(self, batch: int, tokens: int, bytes_per_number: float = 2) -> float:
        """Bytes of the keys and values of `batch` texts of `tokens` tokens each."""
        kept = sum(_within(tokens, window) for window in self.windows)
        return 2 * self.key_value_heads * self.head_dim * kept * batch * bytes_per_number

    def flop(self, context: int) -> float:
        """FLOP for one token that looks back on `context` tokens, itself included: a product and a sum each count."""
        seen = sum(_within(context, window) for window in self.windows)
        return 2 * self.multiplied + 4 * self.heads * self.head_dim * seen

    def prompt_flop(self, tokens: int) -> float:
        """FLOP for a text of `tokens` tokens that is read at once; each token looks back on those before it."""
        seen = sum(_looked_back(tokens, window) for window in self.windows)
        return 2 * self.multiplied * tokens + 4 * self.heads * self.head_dim * seen


def sizes_of(config: PreTrainedConfig) -> Sizes:
    """The sizes of the language model that a configuration describes.

    Raises CourseError for a kind of model whose costs are other ones: no keys and values for every token, or experts.
    """
    config = text_part(config)
    heads, key_value_heads, head_dim = heads_of(config)
    windows = _windows_of(config)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    if any(parameter.dim() > 2 for name, parameter in model.named_parameters() if "expert" in name):
        raise CourseError(
            f"A {config.model_type} has experts: a token meets only some of its weights. Count by hand what it meets."
        )
    products = [module.weight for module in model.modules() if isinstance(module, nn.Linear | Conv1D)]
    shared = {id(weight) for weight in products}
    tables = {id(m.weight): m.weight.numel() for m in model.modules() if isinstance(m, nn.Embedding)}
    return Sizes(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        looked_up=sum(count for table, count in tables.items() if table not in shared),
        multiplied=sum(weight.numel() for weight in products),
        heads=heads,
        key_value_heads=key_value_heads,
        head_dim=head_dim,
        windows=windows,
    )


def heads_of(config: PreTrainedConfig) -> tuple[int, int, int]:
    """(heads of the queries, heads of keys and values, numbers in a head).

    A configuration that names no key-value heads has as many as queries, or one where it says `multi_query`.  The size
    of a head need not be width over heads: some configurations name it.  Raises CourseError for a model without either.
    """
    config = text_part(config)
    heads = getattr(config, "num_attention_heads", None)
    if not heads or getattr(config, "kv_lora_rank", None):
        raise CourseError(
            f"A {config.model_type} does not keep a key and a value for each head and token, so this calculator does "
            "not know its cache. Choose a model with plain attention."
        )
    named = getattr(config, "num_key_value_heads", None) or getattr(config, "num_kv_heads", None)
    one_for_all = getattr(config, "multi_query", False) and not getattr(config, "new_decoder_architecture", False)
    key_value_heads = 1 if one_for_all else named or heads
    return heads, key_value_heads, getattr(config, "head_dim", None) or config.hidden_size // heads


def _windows_of(config: PreTrainedConfig) -> tuple[int | None, ...]:
    """How far each layer looks back: from the list of the layers' types, or one window for all of them."""
    depth, window = config.num_hidden_layers, getattr(config, "sliding_window", None)
    types: Sequence[str] = getattr(config, "layer_types", None) or [_SLIDING if window else _FULL] * depth
    other = next((kind for kind in types if kind not in (_FULL, _SLIDING)), None)
    if other is not None:
        raise CourseError(
            f"A {config.model_type} has layers of the type {other!r}, whose memory this calculator does not know. "
            "Choose a model with full or sliding attention."
        )
    return tuple(window if kind == _SLIDING else None for kind in types)


def _within(tokens: int, window: int | None) -> int:
    return tokens if window is None else min(tokens, window)


def _looked_back(tokens: int, window: int | None) -> int:
    """1 + 2 + ... over the tokens of a text, each at most the window."""
    most = _within(tokens, window)
    return most * (most + 1) // 2 + (tokens - most) * most
