"""Perplexity with its uncertainty, bits per byte, and the comparison of two models on the same documents.

Sums of nats and counts of tokens travel together and are divided once; a mean of batch means would weigh short batches
too much.  Perplexities of two tokenizers cannot be compared, bits per byte can.  The bootstrap draws documents, not
tokens, because the tokens of one document are not independent; two models are compared on the same draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from utils.data.batches import IGNORE, Batch, Row, model_inputs, pad, to_device
from utils.errors import CourseError
from utils.losses.core import hard_loss
from utils.machine import progress
from utils.models.forward import in_eval_mode
from utils.models.loading import require_context

DRAWS = 2000
LEVEL = 0.95


@dataclass(frozen=True)
class Evaluation:
    """Per document: nats, predicted tokens, and the bytes these stand for.  All else is a ratio of their sums."""

    documents: tuple[str, ...]
    nats: np.ndarray
    tokens: np.ndarray
    bytes: np.ndarray

    @property
    def perplexity(self) -> float:
        """exp(nats / tokens), over all documents."""
        return _perplexity(self.nats.sum(), self.tokens.sum())

    @property
    def bits_per_byte(self) -> float:
        """Bits that the model needs for a byte of the text: comparable across tokenizers."""
        return float(self.nats.sum() / math.log(2) / self.bytes.sum())

    def interval(self, seed: int = 0) -> tuple[float, float]:
        """The 95 % bootstrap interval of the perplexity over documents; a point where there is a single one."""
        draws = _draws(len(self.nats), seed)
        return _percentiles(np.exp((draws @ self.nats) / (draws @ self.tokens)))


def perplexity(model: nn.Module, batches: Sequence[Batch]) -> float:
    """exp of the nats per predicted token over all batches: sums and counts first, one division at the end.

    The model is left in eval mode.  Raises CourseError where no label is valid or the logits are not finite.
    """
    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for batch in batches:
            batch = to_device(batch, next(model.parameters()).device)
            loss = hard_loss(model(**model_inputs(batch)).logits, batch["labels"])
            total, count = total + loss.total.item(), count + loss.count
    if count == 0:
        raise CourseError(
            "The batches hold no valid label, so there is no perplexity. Give rows of at least two tokens."
        )
    return _perplexity(total, count)


def evaluate(
    model: nn.Module, rows: Sequence[Row], pad_token_id: int, batch_size: int = 16, name: str = "evaluating"
) -> Evaluation:
    """Nats, tokens and bytes of each document.  The model is put into eval mode and left as it was.

    Raises CourseError for rows longer than the model's context, rows without a token to predict, and NaN logits.
    """
    require_context(model, rows)
    nats: dict[str, float] = {}
    tokens: dict[str, int] = {}
    size: dict[str, int] = {}
    by_length = sorted(rows, key=lambda row: len(row.input_ids))
    places = range(0, len(by_length), batch_size)
    with in_eval_mode(model), progress.bar(places, desc=name, unit="batch", delay=5) as starts:
        for start in starts:
            chunk = by_length[start : start + batch_size]
            for row, value in zip(chunk, _row_nats(model, pad(chunk, pad_token_id)), strict=True):
                nats[row.document] = nats.get(row.document, 0.0) + value
                tokens[row.document] = tokens.get(row.document, 0) + row.valid
                size[row.document] = size.get(row.document, 0) + row.label_bytes
    if not sum(tokens.values()):
        raise CourseError("The rows hold no token to predict. Give rows of at least two tokens.")
    documents = tuple(sorted(nats))
    columns = [np.array([column[d] for d in documents], dtype=np.float64) for column in (nats, tokens, size)]
    _require_number(columns[0].sum())
    return Evaluation(documents, *columns)


@dataclass(frozen=True)
class Effect:
    """The ratio of two perplexities (below 1: the first is better), its 95 % interval, and the number of seeds."""

    ratio: float
    low: float
    high: float
    seeds: int

    def as_dict(self) -> dict[str, float | int]:
        """The effect as JSON takes it."""
        return {"ratio": self.ratio, "low": self.low, "high": self.high, "seeds": self.seeds}


def paired_effect(first: Sequence[Evaluation], second: Sequence[Evaluation], seed: int = 0) -> Effect:
    """How `first` compares with `second`: lists with one evaluation a seed, in the same order, on the same documents.

    The ratio is exp of the mean over seeds of the difference in nats per token.  Each draw takes documents again, the
    same for both models, and seeds again where there are several.  One seed tells of the documents' spread alone.
    """
    if len(first) != len(second) or not first:
        raise CourseError(
            f"A paired comparison needs as many evaluations on both sides; there are {len(first)} and {len(second)}."
        )
    require_comparable((*first, *second))
    differences = np.stack([one.nats - other.nats for one, other in zip(first, second, strict=True)])
    tokens = first[0].tokens
    logs = drawn_again(differences, seed) / drawn_again(tokens[None], seed)
    low, high = _percentiles(np.exp(logs))
    return Effect(math.exp(differences.sum() / tokens.sum() / len(first)), low, high, len(first))


def require_comparable(evaluations: Sequence[Evaluation]) -> None:
    """Raise CourseError unless all are of the same documents and predicted as many tokens of each."""
    if not evaluations:
        raise CourseError("There is no evaluation to compare. Bring at least one.")
    one, *others = evaluations
    if any(other.documents != one.documents for other in others):
        raise CourseError("The models were evaluated on different documents; a comparison needs the same ones.")
    if any(not np.array_equal(other.tokens, one.tokens) for other in others):
        raise CourseError(
            "The models predicted different numbers of tokens in the same documents; a comparison needs the same "
            "tokenizer, windows and stride."
        )


def drawn_again(values: np.ndarray, seed: int = 0) -> np.ndarray:
    """Sums over documents, in many bootstrap draws of documents and of seeds: (seeds, documents) -> (draws,).

    Each draw is the mean over its seeds.  The same `seed` draws the same documents, and the same seeds of as many.
    """
    draws = _draws(values.shape[1], seed)
    seeds = np.random.Generator(np.random.PCG64(seed + 1)).integers(len(values), size=(DRAWS, len(values)))
    return np.take_along_axis(draws @ values.T, seeds, axis=1).mean(axis=1)


def comparison_row(model: str, parameters: int, evaluation: Evaluation) -> dict[str, str | int | float]:
    """One row of the comparison table, as the JSON of `course.py run` has it."""
    low, high = evaluation.interval()
    return {
        "model": model,
        "parameters": parameters,
        "perplexity": evaluation.perplexity,
        "low": low,
        "high": high,
        "bits_per_byte": evaluation.bits_per_byte,
        "tokens": int(evaluation.tokens.sum()),
    }


def _row_nats(model: nn.Module, batch: Batch) -> list[float]:
    """The nats of each row of a batch, summed over its valid positions in float32, then float64."""
    batch = to_device(batch, next(model.parameters()).device)
    with torch.no_grad():
        logits = model(**model_inputs(batch)).logits[:, :-1].float()
    targets = batch["labels"][:, 1:]
    losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORE, reduction="none")
    return losses.view(targets.shape).cpu().double().sum(dim=1).tolist()  # Apple's GPUs know no float64


def _perplexity(nats: float, tokens: float) -> float:
    """exp(nats / tokens); infinity where that is beyond a float."""
    _require_number(nats)
    try:
        return math.exp(nats / tokens)
    except OverflowError:
        return math.inf


def _require_number(nats: float) -> None:
    if math.isnan(nats):
        raise CourseError("The model's logits hold NaN, so it has no perplexity. Look at its weights and its training.")


def _draws(documents: int, seed: int) -> np.ndarray:
    """(2000, documents): how often each document is in each bootstrap draw."""
    generator = np.random.Generator(np.random.PCG64(seed))
    return generator.multinomial(documents, np.full(documents, 1 / documents), size=DRAWS).astype(np.float64)


def _percentiles(values: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(values, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return float(low), float(high)
