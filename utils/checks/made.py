"""Arguments that are made from plain settings where a function is called: tiny models, tokenizers, generators.

A probe holds a ``Made`` with settings; the sandbox and the judge make the same thing of them. Weights are drawn by
numpy from a seed, so that they are the same everywhere. No answer is in here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from utils.checks.pack import Made


class Projection(torch.nn.Module):
    """``projection(x)`` is x times the transposed weight (D_t, D_s), a tensor whose gradient is asked, plus a bias."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        super().__init__()
        self.weight, self.bias = weight, bias
        self.out_features, self.in_features = weight.shape

    def parameters(self, recurse: bool = True) -> Iterator[Tensor]:
        """The weight, which is no ``Parameter`` here, as a learner who asks for its number type finds it."""
        yield self.weight

    def forward(self, x: Tensor) -> Tensor:
        """(..., D_s) -> (..., D_t), in the number type of x."""
        return F.linear(x, self.weight.to(x.dtype), None if self.bias is None else self.bias.to(x.dtype))


def tiny_model(
    seed: int,
    family: str = "gpt2",
    layers: int = 1,
    width: int = 8,
    heads: int = 2,
    key_value_heads: int | None = None,
    vocabulary: int = 11,
    positions: int = 32,
    size: float = 0.5,
) -> torch.nn.Module:
    """A real GPT-2 or Llama of ``transformers``, tiny, in eval mode, without dropout.

    family: "gpt2" or "llama". Its weights are normal numbers of this size from the seed; norms are near 1. A row may be
    padded on either side: positions follow the attention mask, as in the course's own models.
    """
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    from utils.models.forward import with_positions

    ends = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": None}
    if family == "gpt2":
        config = GPT2Config(
            vocab_size=vocabulary, n_positions=positions, n_embd=width, n_layer=layers, n_head=heads,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, **ends,
        )  # fmt: skip
        kind = GPT2LMHeadModel
    else:
        config = LlamaConfig(
            vocab_size=vocabulary, hidden_size=width, intermediate_size=2 * width, num_hidden_layers=layers,
            num_attention_heads=heads, num_key_value_heads=key_value_heads or heads, max_position_embeddings=positions,
            **ends,
        )  # fmt: skip
        kind = LlamaForCausalLM
    config._attn_implementation = "eager"
    config.loss_type = "ForCausalLM"
    with torch.random.fork_rng(devices=[]):  # what the learner draws afterwards is the same with and without a check
        model = kind(config)
    stream = np.random.Generator(np.random.PCG64(seed))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            drawn = torch.from_numpy(stream.normal(0, size, tuple(parameter.shape)))
            norm = parameter.ndim == 1 and name.endswith("weight")
            parameter.copy_(1 + 0.2 * drawn if norm else drawn)
    return with_positions(model).eval()


def tiny_tokenizer(words: Sequence[str], end: str = "<end>") -> object:
    """A fast tokenizer whose tokens are whole words between spaces; ``end`` is end, begin and padding (id 0)."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    numbered = {word: number for number, word in enumerate([end, "<unknown>", *words])}
    tokenizer = Tokenizer(models.WordLevel(numbered, unk_token="<unknown>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=end, bos_token=end, pad_token=end, unk_token="<unknown>"
    )


def model_config(model_type: str, **settings: object) -> object:
    """A real configuration of ``transformers``, such as ``model_type="llama"``."""
    from transformers import AutoConfig

    return AutoConfig.for_model(model_type, **settings)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(int(seed))


def answers_in_turn(values: Sequence[object]) -> Callable[..., object]:
    """A function that returns these values, one a call, whatever it is given."""
    waiting = iter(values)
    return lambda *arguments, **options: next(waiting)


MAKERS: dict[str, Callable[..., object]] = {
    "answers in turn": answers_in_turn,
    "config": model_config,
    "generator": generator,
    "model": tiny_model,
    "projection": Projection,
    "tokenizer": tiny_tokenizer,
}


def make(value: object, double: bool) -> object:
    """The argument for a plain value: arrays become tensors, ``Made`` ones are made; also inside lists and tuples.

    double: in double precision, as references are computed.
    """
    if isinstance(value, np.ndarray):
        tensor = torch.from_numpy(value.copy())
        return tensor.double() if double and tensor.is_floating_point() else tensor
    if isinstance(value, (list, tuple)):
        return type(value)(make(item, double) for item in value)
    if isinstance(value, Made):
        made = MAKERS[value.kind](**{name: make(item, double) for name, item in value.settings.items()})
        return made.double() if double and isinstance(made, torch.nn.Module) and value.kind == "model" else made
    return copy.deepcopy(value) if isinstance(value, dict) else value  # what is changed in place is the function's own
