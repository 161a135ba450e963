"""Where and how fast does a model compute?  Device, number type, kernels, and the positions of its tokens.

The number type is the fastest one as measured on this machine.  Products may be bfloat16, weights stay float32: small
updates would round away.  Positions count neither padding nor the document before.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, wraps
from types import MethodType

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.activations import NewGELUActivation

from utils.configuration import text_config
from utils.data.batches import positions_of
from utils.machine import processes as distributed


def best_device() -> str:
    """ "cuda", "mps" or "cpu": the fastest that this machine has; of several GPUs the one that is this process's."""
    if torch.cuda.is_available():
        return distributed.own_gpu()
    return "mps" if torch.backends.mps.is_available() else "cpu"


@cache
def fastest_dtype(device: str) -> torch.dtype:
    """bfloat16 where a short measurement shows its matrix products at least 1.3 times as fast, else float32."""
    seconds = {dtype: _matmul_seconds(device, dtype) for dtype in (torch.float32, torch.bfloat16)}
    return torch.bfloat16 if seconds[torch.bfloat16] * 1.3 < seconds[torch.float32] else torch.float32


@contextmanager
def in_eval_mode(model: nn.Module) -> Iterator[None]:
    """Inside, the model is in eval mode; after it, also after an error, every part of it in the mode it had."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def with_fast_kernels(model: PreTrainedModel) -> PreTrainedModel:
    """The model, its activation fused, and its attention computed the way that is faster where the model is.

    On a CPU the plain products stand in for torch's fused kernel in two cases.  In bfloat16, for rows of up to 512
    tokens, its backward pass takes two to six times as long; and with dropout it has to take a slower way itself.
    """
    config = text_config(model)
    drops_out = getattr(config, "attn_pdrop", 0.0) or getattr(config, "attention_dropout", 0.0)
    if model.device.type == "cpu" and (drops_out or fastest_dtype("cpu") == torch.bfloat16):
        model.set_attn_implementation("eager")
    return with_fused_activation(model)


def with_fast_forward(model: PreTrainedModel, dtype: torch.dtype) -> PreTrainedModel:
    """The model, its forward pass under autocast to `dtype`, its logits in float32.  The weights stay as they are.

    With float32 an earlier choice is taken back.  Only the forward pass: under autocast on a CPU `log_softmax` would
    stay bfloat16, and with it a loss's gradient.
    """
    if dtype == torch.float32:
        if "forward_dtype" in vars(model):
            del model.forward, model.forward_dtype
        return model

    @wraps(type(model).forward)
    def fast_forward(self, *args, **kwargs):
        with torch.autocast(self.device.type, dtype=dtype):
            output = type(self).forward(self, *args, **kwargs)
        output.logits = output.logits.float()
        return output

    # A bound method, not a closure over this model: a deep copy of the model then runs its own weights.
    model.forward = MethodType(fast_forward, model)
    model.forward_dtype = dtype
    return model


def computes_in(model: nn.Module) -> torch.dtype:
    """The number type of the model's forward pass, as `with_fast_forward` set it."""
    return getattr(model, "forward_dtype", torch.float32)


def with_fused_activation(model: PreTrainedModel) -> PreTrainedModel:
    """The model, GPT-2's activation computed by one kernel instead of eight: the same function, to rounding."""
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, NewGELUActivation):
                setattr(module, name, nn.GELU(approximate="tanh"))
    return model


def with_positions(model: PreTrainedModel) -> PreTrainedModel:
    """The model, reading the positions of its tokens off the attention mask where a call gives none.

    Without it a row padded on the left starts at a later position, and so does every packed document but the first:
    the logits of a model with learned positions change, and with them the loss, without a word.
    """
    if "position_ids" in inspect.signature(type(model).forward).parameters:
        model.register_forward_pre_hook(_add_positions, with_kwargs=True)
    return model


def _add_positions(model: PreTrainedModel, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    input_ids = args[0] if args else kwargs.get("input_ids")
    mask = kwargs.get("attention_mask")
    given = kwargs.get("position_ids") is not None
    # With a cache the mask is longer than the input, and `generate` counts positions itself.
    if mask is None or input_ids is None or given or mask.shape[-1] != input_ids.shape[-1]:
        return args, kwargs
    return args, {**kwargs, "position_ids": positions_of(mask)}


def _matmul_seconds(device: str, dtype: torch.dtype, size: int = 384, repeats: int = 8) -> float:
    """The best of `repeats` timed products; infinity where the device cannot compute in `dtype`."""
    try:
        matrix = torch.ones(size, size, device=device, dtype=dtype)
        times = []
        for _ in range(repeats):
            started = time.perf_counter()
            (matrix @ matrix)[0, 0].item()
            times.append(time.perf_counter() - started)
    except RuntimeError:
        return float("inf")
    return min(times)
