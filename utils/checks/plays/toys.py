"""What plays share: tiny GPT-2s that write down how they are asked, and batches from a probe's numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from utils.checks.made import tiny_model
from utils.checks.plain import plain
from utils.checks.records import Probe

FIELDS = ("input_ids", "attention_mask", "labels")
MANY = -1  # in a shape: at most as many rows as calls are bounded by
VOCABULARY = 11
SIZE = {"width": 4, "positions": 16}
# of a call: train mode; gradients on; mask (1 right, 0 another one, -1 none, 2 unknown); tokens (1 known)
CALL = 4

Shapes = dict[str, tuple[int, ...] | None]  # None: of any shape


@dataclass
class Calls:
    """How a model was asked: for each forward pass its mode, whether gradients flow, the mask and the tokens."""

    made: list[tuple[bool, bool, Tensor | None, Tensor]] = field(default_factory=list)

    def watch(self, model: torch.nn.Module) -> torch.nn.Module:
        """Write down every forward pass of the model."""
        model.register_forward_hook(self._note, with_kwargs=True)
        return model

    def _note(self, model: torch.nn.Module, given: tuple, options: dict, output: object) -> None:
        tokens = given[0] if given else options.get("input_ids")
        mask = options.get("attention_mask")
        if tokens is not None:
            seen = None if mask is None else mask.detach().clone()
            self.made.append((model.training, output.logits.requires_grad, seen, tokens.detach().clone()))

    def numbers(self, given: Sequence[dict[str, Tensor]]) -> np.ndarray:
        """One row a call, see ``CALL``; the masks of the batches that were given are the right ones."""
        rows = []
        for training, grad, mask, tokens in self.made:
            wanted = _mask_of(tokens, given)
            if wanted is None:
                masked = 2
            elif mask is None:
                masked = 1 if wanted.all() else -1
            else:
                masked = int(torch.equal(mask.long(), wanted))
            rows.append((training, grad, masked, wanted is not None))
        return np.array(rows, dtype=np.float64).reshape(-1, CALL)

    def read(self, texts: Sequence[Tensor]) -> bool:
        """Was one of these, each (B, S), read just as it is?"""
        return any(torch.equal(tokens, text) for *_, tokens in self.made for text in texts)


def _mask_of(tokens: Tensor, given: Sequence[dict[str, Tensor]]) -> Tensor | None:
    """The mask that belongs to these tokens: of a whole batch, or of rows of one; None for tokens of the learner's."""
    for batch in given:
        if torch.equal(tokens, batch["input_ids"]):
            return batch["attention_mask"]
    for batch in given:
        if tokens.ndim == 2 and tokens.shape[1] == batch["input_ids"].shape[1]:
            same = (tokens[:, None] == batch["input_ids"]).all(-1)
            if same.any(1).all():
                return batch["attention_mask"][same.long().argmax(1)]
    return None


def model_of(probe: Probe, which: str) -> torch.nn.Module:
    """The tiny model whose seed the probe holds, in eval mode."""
    return tiny_model(int(probe.toys[f"{which}/seed"]), vocabulary=VOCABULARY, **SIZE)


def batches_of(probe: Probe) -> Iterator[dict[str, Tensor]]:
    """The probe's batches, as dicts of (B, S) tensors."""
    for index in range(int(probe.toys["batches"])):
        yield {name: torch.from_numpy(np.asarray(probe.toys[f"batch/{index}/{name}"]).copy()) for name in FIELDS}


def flat(model: torch.nn.Module, gradient: bool = False) -> np.ndarray:
    """All parameters, or their gradients with NaN where there is none, in one row."""
    rows = []
    for parameter in model.parameters():
        if gradient and parameter.grad is None:
            rows.append(np.full(parameter.numel(), np.nan))
        else:
            rows.append(plain(parameter.grad if gradient else parameter).reshape(-1))
    return np.concatenate(rows)


def weights_in(probe: Probe, which: str) -> int:
    """How many numbers `flat` gives."""
    return sum(parameter.numel() for parameter in model_of(probe, which).parameters())
