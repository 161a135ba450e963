"""From documents to batches: tokens, rows, padding or packing, and labels that say what counts.

The pad token is the end-of-text token, as in GPT-2, so `labels == pad` cannot tell padding from a real end of text.
Here the labels carry the answer: -100 at padding and at the first token of a packed document, the token itself
everywhere else.

A batch is a dict of `input_ids`, `attention_mask` and `labels`, each (B, S) int64.  A packed batch holds several
documents a row: its `attention_mask` is (B, 1, S, S) and additive, and it brings `position_ids` that restart.  Models
from `utils.models.loading.load_model` read the positions off either mask where none are given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from utils.data.documents import Document
from utils.errors import CourseError
from utils.settings import read_numbers

Batch = dict[str, Tensor]
IGNORE = -100  # the label of a position that must not count, as in Hugging Face


@dataclass(frozen=True)
class Row:
    """Token ids of one document or window, the labels that count there, and the bytes that those tokens stand for."""

    input_ids: tuple[int, ...]
    labels: tuple[int, ...]
    document: str
    label_bytes: int

    @property
    def valid(self) -> int:
        """How many predictions count: the labels after the first that are not -100."""
        return sum(label != IGNORE for label in self.labels[1:])


def rows_of(
    documents: Sequence[Document], tokenizer: PreTrainedTokenizerBase, max_length: int, limit: int | None = None
) -> list[Row]:
    """The first `limit` documents as rows of at most `max_length` tokens; one that fits ends with end-of-text.

    A row begins with what the tokenizer puts before every text, such as Llama's begin-of-text token; its label is -100.
    Documents of a single token are left out.  Raises CourseError where none is left.
    """
    if max_length < 2:
        raise CourseError(f"max_length is {max_length}; a row needs two tokens, one to predict the other from.")
    begin = start_tokens(tokenizer)
    rows = []
    for document, whole, offsets in _tokenized(documents[:limit], tokenizer):
        ids = whole[: max_length - len(begin)]
        size = _bytes_between(document.text, offsets, 0 if begin else 1, len(ids))
        rows.append(Row((*begin, *ids), (*[IGNORE] * len(begin), *ids), document.name, size))
    rows = [row for row in rows if row.valid]
    if not rows:
        raise CourseError("The text is too short: no document has two tokens. Bring longer text.")
    return rows


def windows_of(
    documents: Sequence[Document], tokenizer: PreTrainedTokenizerBase, window: int, stride: int
) -> list[Row]:
    """Whole documents in windows of `window` tokens that advance by `stride`; every token counts exactly once.

    The tokens that a window shares with the one before are context: their labels are -100.  The first token of a
    document has nothing to be predicted from and counts nowhere, unless the tokenizer puts a token before every text:
    then each window begins with that one, as the model was trained.  Raises CourseError where no token counts.
    """
    begin = start_tokens(tokenizer)
    room = window - len(begin)
    if not 0 < stride < room:
        taken = f", {len(begin)} to begin the text" if begin else ""
        raise CourseError(
            f"The stride is {stride} and the window {window} tokens{taken}; the stride must be at least 1 and "
            "shorter than the window, so that the first token of a window has one to be predicted from."
        )
    rows = []
    for document, ids, offsets in _tokenized(documents, tokenizer):
        counted = 0 if begin else 1
        for start in range(0, max(1, len(ids) - room + stride), stride):
            stop = min(start + room, len(ids))
            labels = [IGNORE] * (len(begin) + counted - start) + ids[counted:stop]
            size = _bytes_between(document.text, offsets, counted, stop)
            rows.append(Row((*begin, *ids[start:stop]), tuple(labels), document.name, size))
            counted = stop
    rows = [row for row in rows if row.valid]
    if not rows:
        raise CourseError("The text is too short for one window: no document has two tokens. Bring longer text.")
    return rows


def pad(rows: Sequence[Row], pad_token_id: int, side: str = "right") -> Batch:
    """One batch of rows, padded to the longest on the given side.

    On the left the first label of a row is -100: after the shift it would be predicted from padding.
    """
    if side not in ("right", "left"):
        raise CourseError(f"Rows can be padded on the 'right' or the 'left', not {side!r}.")
    length = max(len(row.input_ids) for row in rows)
    batch = {
        "input_ids": torch.full((len(rows), length), pad_token_id),
        "attention_mask": torch.zeros((len(rows), length), dtype=torch.int64),
        "labels": torch.full((len(rows), length), IGNORE),
    }
    for index, row in enumerate(rows):
        size = len(row.input_ids)
        place = slice(0, size) if side == "right" else slice(length - size, length)
        batch["input_ids"][index, place] = torch.tensor(row.input_ids)
        batch["attention_mask"][index, place] = 1
        batch["labels"][index, place] = torch.tensor(row.labels if side == "right" else (IGNORE, *row.labels[1:]))
    return batch


def pack(rows: Sequence[Row], length: int, pad_token_id: int) -> Batch:
    """One batch in which rows share sequences of `length` tokens, first fit; attention stays inside each document.

    The first label of every document is -100: it would be predicted from the document before.
    """
    bins = _first_fit(rows, length)
    batch = {
        "input_ids": torch.full((len(bins), length), pad_token_id),
        "attention_mask": torch.full((len(bins), 1, length, length), torch.finfo(torch.float32).min),
        "labels": torch.full((len(bins), length), IGNORE),
        "position_ids": torch.zeros((len(bins), length), dtype=torch.int64),
    }
    for index, members in enumerate(bins):
        start = 0
        for row in members:
            size = len(row.input_ids)
            place = slice(start, start + size)
            batch["input_ids"][index, place] = torch.tensor(row.input_ids)
            batch["labels"][index, place] = torch.tensor((IGNORE, *row.labels[1:]))
            batch["position_ids"][index, place] = torch.arange(size)
            inside = batch["attention_mask"][index, 0, place, place]
            inside.masked_fill_(torch.ones(size, size, dtype=torch.bool).tril(), 0.0)
            start += size
        rest = torch.arange(start, length)
        batch["attention_mask"][index, 0, rest, rest] = 0.0
    return batch


@dataclass(frozen=True)
class BatchPlan:
    """Which rows make up which batch, epoch by epoch: the same for the same seed, so a resumed run sees the same data.

    Rows are padded to the longest of their batch.  Two ways to compute less padding: `pack_length` packs the same rows
    into sequences of that many tokens; `pool` sorts the rows of that many batches by length before they are dealt out,
    so that a batch holds rows of like length.  Raises CourseError where there are no rows or a size is below 1.
    """

    rows: tuple[Row, ...]
    batch_size: int
    pad_token_id: int
    seed: int = 0
    pack_length: int | None = None
    pool: int = 1

    def __post_init__(self) -> None:
        read_numbers(self)
        if not self.rows or self.batch_size < 1 or self.pool < 1:
            raise CourseError(
                f"{len(self.rows)} rows in batches of {self.batch_size}, pooled by {self.pool}, give nothing to train "
                "on. Bring at least one row, and a batch size and a pool of at least 1."
            )

    def __len__(self) -> int:
        """Batches in one epoch."""
        return -(-len(self.rows) // self.batch_size)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of one epoch, rows shuffled by (seed, number)."""
        random = np.random.Generator(np.random.PCG64([self.seed, number]))
        order = random.permutation(len(self.rows))
        members = _cut(order, self.batch_size)
        if self.pool > 1:
            pools = _cut(order, self.batch_size * self.pool)
            by_length = [sorted(pool, key=lambda index: len(self.rows[index].input_ids)) for pool in pools]
            members = [batch for pool in by_length for batch in _cut(pool, self.batch_size)]
            random.shuffle(members)
        for batch in members:
            rows = [self.rows[index] for index in batch]
            if self.pack_length is None:
                yield pad(rows, self.pad_token_id)
            else:
                yield pack(rows, self.pack_length, self.pad_token_id)


def _cut(items: Sequence[int], size: int) -> list[Sequence[int]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def in_order(rows: Sequence[Row], batch_size: int, pad_token_id: int) -> list[Batch]:
    """The rows as padded batches in their own order: to evaluate on."""
    return [pad(rows[start : start + batch_size], pad_token_id) for start in range(0, len(rows), batch_size)]


def to_device(batch: Batch, device: torch.device | str) -> Batch:
    """The batch with every tensor on `device`."""
    return {name: tensor.to(device) for name, tensor in batch.items()}


def model_inputs(batch: Batch) -> Batch:
    """What a model is called with: everything but the labels."""
    return {name: tensor for name, tensor in batch.items() if name != "labels"}


def positions_of(attention_mask: Tensor) -> Tensor:
    """The position of each token in its own document, (B, S) int64, read off a mask; 0 at padding.

    The mask is (B, S) with 1 at real tokens, padded on either side, or (B, 1, S, S) as `pack` makes it: additive, or
    boolean with True where a token may look, and causal inside each document.
    """
    if attention_mask.dim() == 2:
        return (attention_mask.long().cumsum(dim=1) - 1).clamp(min=0) * attention_mask.long()
    may_look = attention_mask if attention_mask.dtype == torch.bool else attention_mask >= 0
    return may_look[:, 0].sum(dim=-1) - 1


def valid_tokens(batch: Batch) -> int:
    """How many predictions count in a batch: valid labels after the shift."""
    return int((batch["labels"][:, 1:] != IGNORE).sum())


def start_tokens(tokenizer: PreTrainedTokenizerBase, text: str = "a") -> tuple[int, ...]:
    """The ids that the tokenizer puts before every text: none for GPT-2, the begin-of-text token for Llama or Gemma."""
    plain, whole = (tokenizer(text, add_special_tokens=special)["input_ids"] for special in (False, True))
    places = (at for at in range(len(whole)) if whole[at : at + len(plain)] == plain)
    return tuple(whole[: next(places, 0)])


def prompt_ids(tokenizer: PreTrainedTokenizerBase, prompt: str) -> list[int]:
    """The ids of a text that a model shall go on from, begun as the model's texts begin, and without an end."""
    ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    if not ids:
        raise CourseError("The prompt is empty, so there is nothing to go on from. Write a few words.")
    return [*start_tokens(tokenizer, prompt), *ids]


def _tokenized(
    documents: Sequence[Document], tokenizer: PreTrainedTokenizerBase
) -> Iterator[tuple[Document, list[int], list[tuple[int, int]]]]:
    """Each document with its token ids, end-of-text appended, and each token's span of characters."""
    if not documents:
        raise CourseError("There are no documents to tokenise: the text is empty.")
    texts = [document.text for document in documents]
    encoded = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    for document, ids, offsets in zip(documents, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        end = len(document.text)
        yield document, [*ids, tokenizer.eos_token_id], [*offsets, (end, end)]


def _bytes_between(text: str, offsets: Sequence[tuple[int, int]], first: int, stop: int) -> int:
    """Bytes of UTF-8 that the tokens `first` to `stop` - 1 stand for.

    A character that several tokens share counts with the first of them, so windows add up to the whole document.
    """
    begin = offsets[first - 1][1] if first else 0
    return len(text[begin : offsets[stop - 1][1]].encode())


def _first_fit(rows: Sequence[Row], length: int) -> list[list[Row]]:
    too_long = max(len(row.input_ids) for row in rows)
    if too_long > length:
        raise CourseError(f"A row has {too_long} tokens and does not fit into {length}. Cut rows or pack longer ones.")
    bins: list[list[Row]] = []
    free: list[int] = []
    for row in sorted(rows, key=lambda row: -len(row.input_ids)):
        size = len(row.input_ids)
        place = next((i for i, room in enumerate(free) if room >= size), None)
        if place is None:
            bins.append([])
            free.append(length)
            place = len(bins) - 1
        bins[place].append(row)
        free[place] -= size
    return bins
