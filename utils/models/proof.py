"""Does a model answer a row in a batch as it answers the row alone?  Everything the course measures assumes it.

Padding, masks, positions and windows are handled otherwise in each family of models, and a model that handles them
otherwise than expected gives other numbers without a word.  So it is tried, on four rows, instead of assumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from utils.configuration import context_of, text_config
from utils.data.batches import Batch, Row, model_inputs, pack, pad, to_device
from utils.errors import CourseError
from utils.models.forward import computes_in, in_eval_mode, with_fast_forward

LENGTHS = (5, 12, 3, 9)
TOLERANCE = 1e-3  # of the largest logit: rounding in float32 takes a hundredth of this, a wrong mask all of it


def require_causal_in_a_batch(model: nn.Module, name: str) -> None:
    """Raise CourseError where the model sees tokens ahead, or answers a padded row otherwise than the row alone."""
    rows = _four_rows(model)
    with _answering(model), _errors_as_sentences(model, name):
        alone = [_logits(model, pad([row], 0))[0] for row in rows]
        halves = [_logits(model, pad([_cut(row)], 0))[0] for row in rows]
        if not all(torch.isfinite(logits).all() for logits in alone):
            raise CourseError(f"The logits of {name!r} hold NaN or infinity. Look at its weights: copy them again.")
        if not all(_same(whole[: len(half)], half) for whole, half in zip(alone, halves, strict=True)):
            raise CourseError(
                f"The model {name!r} reads the tokens that it should predict: what it says of a token changes with the "
                "tokens behind it. Choose a causal language model, such as GPT-2."
            )
        padded = _logits(model, pad(rows, 0))
        if not all(_same(padded[i, : len(logits)], logits) for i, logits in enumerate(alone)):
            raise CourseError(
                f"The model {name!r} answers a row otherwise when shorter and longer rows are beside it, so its loss "
                "would depend on the batch. Choose a model that respects the attention mask."
            )


def with_right_padding(model: PreTrainedModel, name: str) -> PreTrainedModel:
    """The model, refusing rows that are padded on the left where it would read that padding as text.

    A recurrent model without a mask, such as RWKV, has read it before the first token; its answers change without a
    word.
    """
    rows = _four_rows(model)
    with _answering(model):
        alone = [_logits(model, pad([row], 0))[0] for row in rows]
        padded = _logits(model, pad(rows, 0, "left"))
    if not all(_same(padded[i, -len(logits) :], logits) for i, logits in enumerate(alone)):
        model.register_forward_pre_hook(partial(_refuse_left_padding, name), with_kwargs=True)
    return model


def _refuse_left_padding(name: str, model: nn.Module, args: tuple, kwargs: dict) -> None:
    mask = kwargs.get("attention_mask", args[1] if len(args) > 1 else None)
    if mask is not None and mask.dim() == 2 and not mask[:, 0].all():
        raise CourseError(
            f"The model {name!r} ({type(model).__name__}) reads padding on the left as if it were text, so its "
            'answers would depend on the batch. Pad its rows on the right: pad(rows, pad_token_id, side="right").'
        )


def require_packable(model: nn.Module, rows: Sequence[Row], who: str) -> None:
    """Raise CourseError where the model answers four of the rows, the longest among them, otherwise when packed.

    who: "student" or "teacher", for the message.
    """
    by_length = sorted(rows, key=lambda row: len(row.input_ids))
    tried = [by_length[-1], *by_length[:-1][:3]]
    length = sum(len(row.input_ids) for row in tried)
    with _answering(model):
        alone = [_logits(model, pad([row], 0))[0] for row in tried]
        try:
            packed = _logits(model, pack(tried, length, 0))[0]
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            raise CourseError(_not_packable(model, who, f"{type(error).__name__}: {error}")) from error
    order = sorted(range(len(tried)), key=lambda index: -len(tried[index].input_ids))  # as `pack` places them
    if not _same(packed, torch.cat([alone[index] for index in order])):
        raise CourseError(_not_packable(model, who, "it then answers them otherwise than each alone"))


def _not_packable(model: nn.Module, who: str, reason: str) -> str:
    window = getattr(text_config(model), "sliding_window", None)
    why = f" Its attention has a window of {window} tokens, which packing does not know." if window else ""
    return (
        f"The {who} ({type(model).__name__}) cannot read rows that are packed into one sequence: {reason[:150]}.{why} "
        "Leave pack_length out; rows of like length in a batch (pool) save most of the padding too."
    )


def _four_rows(model: nn.Module) -> list[Row]:
    """Random tokens, the same each time, short enough for the model's context."""
    vocabulary = text_config(model).vocab_size
    random = torch.Generator().manual_seed(0)
    longest = min(max(LENGTHS), context_of(model) or max(LENGTHS))
    drawn = [torch.randint(vocabulary, (min(length, longest),), generator=random).tolist() for length in LENGTHS]
    return [Row(tuple(ids), tuple(ids), "", 0) for ids in drawn]


def _cut(row: Row) -> Row:
    half = row.input_ids[: -(-len(row.input_ids) // 2)]
    return Row(half, half, "", 0)


def _logits(model: nn.Module, batch: Batch) -> Tensor:
    return model(**model_inputs(to_device(batch, next(model.parameters()).device))).logits.float()


def _same(one: Tensor, other: Tensor) -> bool:
    return bool((one - other).abs().max() <= TOLERANCE * other.abs().max())


@contextmanager
def _errors_as_sentences(model: nn.Module, name: str) -> Iterator[None]:
    """Inside, what a model's own code raises on four short rows becomes a CourseError."""
    try:
        yield
    except (RuntimeError, ValueError, TypeError, LookupError, AttributeError, AssertionError) as error:
        if isinstance(error, CourseError):
            raise
        kind = f"{name!r} ({type(model).__name__})"
        raise CourseError(
            f"The model {kind} cannot answer rows of tokens with an attention mask ({type(error).__name__}: "
            f"{str(error)[:150]}). Choose a causal language model, such as GPT-2."
        ) from error


@contextmanager
def _answering(model: nn.Module) -> Iterator[None]:
    """Inside, the model answers in eval mode and in float32, where rounding cannot hide a wrong mask."""
    dtype = computes_in(model)
    with_fast_forward(model, torch.float32)
    try:
        with in_eval_mode(model), torch.no_grad():
            yield
    finally:
        with_fast_forward(model, dtype)
