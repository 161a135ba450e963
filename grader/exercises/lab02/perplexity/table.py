"""The expected perplexities, and what each wrong way of averaging gives, as plain numbers.

A wrong perplexity is a product too: which label a position is scored on, which positions count, how means are joined.
Every combination is computed in float64, in nats; the mode and the mask are seen in the trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch

from grader.exercises.lab02.perplexity.hints import HINTS
from grader.exercises.toys import PAD, perplexity_probes, stream_of
from utils.checks.plays.toys import batches_of, model_of
from utils.checks.records import Probe, Table
from utils.data.batches import IGNORE

NO_SHIFT = "no causal shift"
PADDING = "padding counted"
COUNT = "tokens counted wrongly: "
FAR = 5e-4  # of a perplexity, from a whole number: a check forgives less than half of it


def _before(array: np.ndarray) -> np.ndarray:
    """What stands one place before each position (nobody is scored on the first one)."""
    return np.roll(array, 1, axis=1)


def _without_column(labels: np.ndarray, column: int) -> np.ndarray:
    left = labels.copy()
    left[:, column] = IGNORE
    return left


def _last_column(labels: np.ndarray) -> np.ndarray:
    left = np.full_like(labels, IGNORE)
    left[:, -1] = labels[:, -1]
    return left


def _last_label(labels: np.ndarray) -> np.ndarray:
    """Of each row the last label that counts."""
    counts = labels != IGNORE
    following = np.flip(np.cumsum(np.flip(counts, 1), axis=1), 1)
    return np.where(counts & (following == 1), labels, IGNORE)


@dataclass(frozen=True)
class Scored:
    """One batch under one choice of shift and mask. costs: (B, W) nats; counts: which of them count."""

    costs: np.ndarray
    counts: np.ndarray
    labels: np.ndarray
    mask: np.ndarray


# name, offset of the label, cost
SHIFTS = (
    ("", 1, 0.0),
    (NO_SHIFT, 0, 1.0),
    ("causal shift in the wrong direction", -1, 1.3),
    ("shift by two positions instead of one", 2, 1.3),
)
MEDIAN = "median of the batches instead of the mean"
UNSHIFTED = "labels shifted but the mask is not"
Choose = Callable[[dict[str, np.ndarray]], np.ndarray]
# name, the labels that count and IGNORE elsewhere, cost
CHOICES: tuple[tuple[str, Choose, float], ...] = (
    ("", lambda b: b["labels"], 0.0),
    (PADDING, lambda b: b["input_ids"], 1.0),
    (
        "attended tokens counted whose label is ignored",
        lambda b: np.where(b["attention_mask"] == 1, b["input_ids"], IGNORE),
        1.1,
    ),
    (
        "masked by token id: real tokens with the padding's id are dropped",
        lambda b: np.where(b["input_ids"] == PAD, IGNORE, b["input_ids"]),
        1.2,
    ),
    (
        "masked by token id: real tokens with the padding's id are dropped",
        lambda b: np.where(b["labels"] == PAD, IGNORE, b["labels"]),
        1.3,
    ),
    (PADDING, lambda b: np.maximum(b["labels"], 0), 1.1),
    ("the first label that is scored in a row is left out", lambda b: _without_column(b["labels"], 1), 1.2),
    ("the last position of a row is left out", lambda b: _without_column(b["labels"], -1), 1.2),
    ("only the last label of a row is scored", lambda b: _last_label(b["labels"]), 1.2),
    ("only the last label of a row is scored", lambda b: _last_column(b["labels"]), 1.2),
    (UNSHIFTED, lambda b: np.where(_before(b["attention_mask"]) == 1, b["input_ids"], IGNORE), 1.2),
    (UNSHIFTED, lambda b: np.where(_before(b["labels"]) != IGNORE, b["input_ids"], IGNORE), 1.25),
    (UNSHIFTED, lambda b: np.where(_before(b["attention_mask"]) == 1, b["labels"], IGNORE), 1.3),
    (UNSHIFTED, lambda b: np.where(_before(b["labels"]) != IGNORE, b["labels"], IGNORE), 1.3),
    (UNSHIFTED, lambda b: np.where(_before(b["labels"]) != IGNORE, np.maximum(b["labels"], 0), IGNORE), 1.35),
)
# name, weight of a batch's mean, cost
WEIGHTS: tuple[tuple[str, Callable[[Scored], float], float], ...] = (
    ("", lambda s: s.counts.sum(), 0.0),
    ("mean of the batches' means", lambda s: 1.0, 1.0),
    ("weighted by attention_mask.sum(), not by the tokens that were scored", lambda s: s.mask.sum(), 1.0),
    ("weighted by the labels before the shift (off by one a row)", lambda s: (s.labels != IGNORE).sum(), 1.0),
    ("weighted by the number of rows, not of tokens", lambda s: len(s.labels), 1.1),
    ("weighted by all positions, padding included", lambda s: s.costs.size, 1.2),
    ("weighted by all positions, padding included", lambda s: s.labels.size, 1.2),
    ("weighted by the shifted attention mask, not by the tokens that were scored", lambda s: s.mask[:, 1:].sum(), 1.2),
    ("weighted by the rows' length, not by the tokens that were scored", lambda s: s.labels.shape[1], 1.2),
    ("weighted by the rows' length, not by the tokens that were scored", lambda s: s.costs.shape[1], 1.2),
)
# name, tokens counted in a batch, cost
COUNTS: tuple[tuple[str, Callable[[Scored], float], float], ...] = (
    (COUNT + "off by one a row, before the shift", lambda s: (s.labels != IGNORE).sum(), 1.0),
    (COUNT + "all of attention_mask", lambda s: s.mask.sum(), 1.0),
    (COUNT + "the shifted attention mask", lambda s: s.mask[:, 1:].sum(), 1.1),
    (COUNT + "the attention mask without its last column", lambda s: s.mask[:, :-1].sum(), 1.2),
    (COUNT + "all positions, padding included", lambda s: s.costs.size, 1.1),
    (COUNT + "all positions, padding included", lambda s: s.labels.size, 1.1),
    (COUNT + "rows instead of tokens", lambda s: len(s.labels), 1.1),
    (COUNT + "one more in each batch", lambda s: s.counts.sum() + 1, 1.3),
    (COUNT + "one fewer in each batch", lambda s: s.counts.sum() - 1, 1.3),
    (COUNT + "batches instead of tokens", lambda s: 1.0, 1.2),
)


def _reshaped(x: torch.Tensor) -> torch.Tensor:
    return x.reshape(len(x), x.shape[2], x.shape[1]).log_softmax(1).transpose(1, 2)


# name, cost of every label (…, V) from logits, cost
KERNELS: tuple[tuple[str, Callable[[torch.Tensor], torch.Tensor], float], ...] = (
    ("", lambda x: -x.log_softmax(-1), 0.0),
    ("softmax taken twice: cross_entropy of probabilities", lambda x: -x.softmax(-1).log_softmax(-1), 1.0),
    ("log forgotten: probabilities are averaged", lambda x: -x.softmax(-1), 1.1),
    ("softmax missing: raw logits are averaged", lambda x: -x, 1.1),
    ("logits reshaped instead of transposed: tokens and vocabulary are mixed up", lambda x: -_reshaped(x), 1.1),
)


def _smoothed(x: torch.Tensor, amount: float) -> torch.Tensor:
    logs = x.log_softmax(-1)
    return -(1 - amount) * logs - amount * logs.mean(-1, keepdim=True)


# Tried on the right positions, and without the shift, alone.
RARE_KERNELS: tuple[tuple[str, Callable[[torch.Tensor], torch.Tensor], float], ...] = (
    *((f"a temperature of {T} is left in the logits", lambda x, T=T: -(x / T).log_softmax(-1), 1.1) for T in (2, 3, 5)),
    *((f"label smoothing of {a:g} is left in", lambda x, a=a: _smoothed(x, a), 1.1) for a in (0.05, 0.1, 0.2)),
    (
        "the entropy of the predictions instead of the labels' cross-entropy",
        lambda x: -(x.softmax(-1) * x.log_softmax(-1)).sum(-1, keepdim=True).expand_as(x),
        1.1,
    ),
    (
        "the likeliest token is scored instead of the label",
        lambda x: -x.log_softmax(-1).amax(-1, keepdim=True).expand_as(x),
        1.1,
    ),
)


def _choices() -> Iterator[tuple[tuple, tuple, tuple]]:
    """Every shift with every choice of labels and every kernel; the rare ones with little beside them."""
    yield from product(SHIFTS, CHOICES, KERNELS)
    yield from product(SHIFTS[:2], CHOICES[:1], RARE_KERNELS)


def _score(
    logits: np.ndarray, batch: dict[str, np.ndarray], offset: int, choose: Choose, kernel: Callable = KERNELS[0][1]
) -> Scored:
    labels, size = choose(batch), logits.shape[1]
    start, end = max(0, -offset), size - max(0, offset)
    wanted = labels[:, start + offset : end + offset]
    every = kernel(torch.from_numpy(logits[:, start:end])).numpy()
    costs = np.take_along_axis(every, np.maximum(wanted, 0)[..., None], -1)[..., 0]
    return Scored(costs, wanted != IGNORE, labels, batch["attention_mask"])


def _sum(scored: Scored) -> float:
    return float(scored.costs[scored.counts].sum())


def _mean(scored: Scored) -> float:
    return _sum(scored) / max(int(scored.counts.sum()), 1)


def _together(batches: list[Scored]) -> float:
    """Nats per token of several batches; 0 where there is none."""
    return sum(map(_sum, batches)) / max(sum(int(b.counts.sum()) for b in batches), 1)


def _row_means(scored: Scored) -> np.ndarray:
    counts = scored.counts.sum(1)
    sums = np.where(scored.counts, scored.costs, 0).sum(1)
    return sums[counts > 0] / counts[counts > 0]


def _over(sums: float, count: float) -> float:
    return sums / count if count else float("nan")


def _average(values: np.ndarray, of: Callable[[np.ndarray], np.ndarray] = np.mean) -> float:
    return float(of(values)) if values.size else float("nan")


def _joined(batches: list[Scored]) -> Iterator[tuple[tuple[str, ...], float, float]]:
    """Names, cost and nats of every way to join the batches; how nats become a perplexity is read by the check."""
    means, sums = np.array([_mean(b) for b in batches]), sum(_sum(b) for b in batches)
    joins = []
    for name, weigh, cost in WEIGHTS:
        weights = np.array([float(weigh(b)) for b in batches])
        joins.append((name, float((means * weights).sum() / weights.sum()), cost))
        early = "mean of the batches' perplexities instead of exp of the mean loss"
        beside = () if name in ("", "mean of the batches' means") else (name,)
        yield (early, *beside), 1.2 + cost, float(np.log((np.exp(means) * weights).sum() / weights.sum()))
    joins += [(name, _over(sums, sum(float(count(b)) for b in batches)), cost) for name, count, cost in COUNTS]
    rows = np.concatenate([_row_means(b) for b in batches])
    joins.append(("mean of the rows' means", _average(rows), 1.1))
    joins.append(("mean of the batches' means", float(np.mean([_average(_row_means(b)) for b in batches])), 1.6))
    joins.append(("only the last batch counts", float(means[-1]), 1.2))
    joins.append(("only the first batch counts", float(means[0]), 1.2))
    joins.append((MEDIAN, float(np.median(means)), 1.3))
    joins.append(("the loss is summed over batches, not averaged", float(means.sum()), 1.2))
    joins.append(("the loss is summed over tokens, not averaged", float(sums), 1.2))
    scored = sum(float(b.counts.sum()) for b in batches)
    zeros = sum(_sum(b) / b.costs.size * float(b.counts.sum()) for b in batches)
    joins.append(("masked positions enter each batch's mean as zeros", _over(zeros, scored), 1.2))
    joins.append((COUNT + "only those of the last batch", _over(float(sums), float(batches[-1].counts.sum())), 1.2))
    joins.append(("the last batch is left out", _together(batches[:-1]), 1.2))
    joins.append(("the first batch is left out", _together(batches[1:]), 1.2))
    joins.append(("the batches' means are divided by the number of tokens", _over(float(means.sum()), scored), 1.1))
    joins.append(("the batches' sums are averaged over batches", float(sums) / len(batches), 1.3))
    yield from (((name,) if name else (), cost, value) for name, value, cost in joins)
    with np.errstate(divide="ignore", over="ignore"):
        tokens = np.concatenate([b.costs[b.counts] for b in batches])
        yield (MEDIAN,), 1.3, float(np.log(np.median(np.exp(means))))
        yield ("median of the tokens instead of the mean",), 1.2, _average(tokens, np.median)
        yield ("the labels' probabilities are averaged, not their logarithms",), 1.1, -_log_mean_exp(-tokens)
        yield ("mean of the tokens' perplexities instead of exp of the mean loss",), 1.2, _log_mean_exp(tokens)
        yield ("mean of the rows' perplexities instead of exp of the mean loss",), 1.3, _log_mean_exp(rows)


def _log_mean_exp(nats: np.ndarray) -> float:
    return float(np.log(_average(np.exp(nats))))


def _logits(probe: Probe, masked: bool) -> list[tuple[np.ndarray, dict[str, np.ndarray]]]:
    model = model_of(probe, "model").double()
    found = []
    for batch in batches_of(probe):
        with torch.no_grad():
            logits = model(batch["input_ids"], attention_mask=batch["attention_mask"] if masked else None).logits
        found.append((logits.numpy(), {name: tensor.numpy() for name, tensor in batch.items()}))
    return found


@np.errstate(invalid="ignore", divide="ignore")  # where a wrong choice leaves a batch without a label
def _entries(answered: list[tuple[np.ndarray, dict[str, np.ndarray]]]) -> list[tuple[list[str], float, float]]:
    """Names, cost and nats of every way to score and to join the batches."""
    found = []
    for (shift, offset, a), (choice, choose, b), (kernel, compute, c) in _choices():
        scored = [_score(logits, batch, offset, choose, compute) for logits, batch in answered]
        for joined, cost, value in _joined(scored):
            found.append(([*filter(None, (shift, choice, kernel)), *joined], a + b + c + cost, value))
    return found


def _telling_probes(stream: np.random.Generator) -> tuple[Probe, ...]:
    """Probes whose perplexities are far enough from whole numbers: one that is rounded would pass on others."""
    while True:
        calls = perplexity_probes(stream)
        nats = [
            _together([_score(logits, batch, 1, lambda b: b["labels"]) for logits, batch in _logits(probe, True)])
            for probe in calls
        ]
        expected = np.exp(nats)
        if np.all(np.abs(expected - np.round(expected)) > FAR * expected):
            return calls


SETTINGS = (True, False)  # with the attention mask, and without it


def table(seed: int | None = None) -> Table:
    """Probes, expected perplexities, and (settings, variants, probes) of what wrong ways give."""
    calls = _telling_probes(stream_of(seed, 72))
    names: list[tuple[list[str], float]] = []
    values = []
    for masked in SETTINGS:
        columns = []
        for probe in calls:
            entries = _entries(_logits(probe, masked))
            names = [(wrong, cost) for wrong, cost, _ in entries]
            columns.append([value for *_, value in entries])
        values.append(np.array(columns).T)
    right = next(index for index, (wrong, _) in enumerate(names) if not wrong)
    # Single precision is enough to recognise a variant.
    with np.errstate(over="ignore"):
        variants = np.stack(values).astype(np.float32)
    numbers = {"variants": variants, "expected/value": np.exp(values[0][right])}
    texts = {"judge": "perplexity", "forms": ["float"] * len(calls), "hints": HINTS}
    texts |= {"variants": names, "settings": list(SETTINGS)}
    return Table("perplexity", calls, numbers, texts)
