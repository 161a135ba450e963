"""Perplexities as learners write them: wrong ones by name, and right ones of several habits."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F

from grader.exercise import Misconception
from grader.exercises.toys import PAD


@torch.no_grad()
def plain_sum(model, batches):
    model.eval()
    total, count = 0.0, 0
    for batch in batches:
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        targets = batch["labels"][:, 1:]
        total += F.cross_entropy(logits[:, :-1].flatten(0, 1), targets.flatten(), reduction="sum").item()
        count += (targets != -100).sum().item()
    return math.exp(total / count)


def weighted_means(model, batches):
    model.eval()
    losses, counts = [], []
    for batch in batches:
        with torch.inference_mode():
            losses.append(model(**batch).loss)
        counts.append((batch["labels"][:, 1:] != -100).sum())
    losses, counts = torch.stack(losses), torch.stack(counts)
    return ((losses * counts).sum() / counts.sum()).exp().item()


@torch.no_grad()
def by_the_model_s_config(model, batches):
    model.eval()
    model.config.use_cache = False
    total, count = 0.0, 0
    for batch in batches:
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        targets = batch["labels"][:, 1:].reshape(-1)
        flat = logits[:, :-1].contiguous().view(-1, model.config.vocab_size)
        total += F.cross_entropy(flat, targets, reduction="sum").item()
        count += int((targets != -100).sum())
    return math.exp(total / count)


def by_tokens(model, batches):
    was_training = model.training
    model.eval()
    costs = []
    with torch.no_grad():
        for batch in batches:
            logs = model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits.double().log_softmax(-1)
            for row, wanted in zip(logs, batch["labels"], strict=True):
                costs += [-row[t, label].item() for t, label in enumerate(wanted[1:].tolist()) if label != -100]
    model.train(was_training)
    return float(torch.tensor(costs, dtype=torch.float64).mean().exp())


def masked_gather(model, batches):
    model = model.eval()
    total = torch.zeros((), dtype=torch.float64)
    count = torch.zeros((), dtype=torch.int64)
    for batch in batches:
        with torch.no_grad():
            logits = model(batch["input_ids"], attention_mask=batch["attention_mask"])["logits"][..., :-1, :]
        targets = batch["labels"][..., 1:]
        mask = targets.ne(-100)
        nll = torch.logsumexp(logits, -1) - logits.gather(-1, targets.clamp(min=0)[..., None])[..., 0]
        total += (nll * mask).sum().double()
        count += mask.sum()
    return torch.exp(total / count).item()


def base_two_throughout(model, batches):
    model.eval()
    bits, count = 0.0, 0
    with torch.no_grad():
        for batch in batches:
            logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
            targets = batch["labels"][:, 1:]
            costs = F.cross_entropy(logits[:, :-1].transpose(1, 2), targets, reduction="none")
            bits += float(costs.sum()) / math.log(2)
            count += int((targets != -100).sum())
    return 2 ** (bits / count)


@torch.no_grad()
def row_by_row(model, batches):
    """Each row alone."""
    model.eval()
    nats = []
    for batch in batches:
        for row, mask, labels in zip(batch["input_ids"], batch["attention_mask"], batch["labels"], strict=True):
            logits = model(row.unsqueeze(0), attention_mask=mask.unsqueeze(0)).logits[0, :-1]
            nats.append(F.cross_entropy(logits, labels[1:], reduction="none")[labels[1:] != -100])
    return torch.cat(nats).mean().exp().item()


@torch.no_grad()
def running_mean(model, batches):
    """Two forward passes a batch, and a mean that is brought up to date."""
    model.eval()
    mean, count = 0.0, 0
    for batch in batches:
        ids, mask = batch["input_ids"], batch["attention_mask"]
        size = model(ids, attention_mask=mask).logits.shape[-1]
        targets = batch["labels"][:, 1:].reshape(-1)
        loss = F.cross_entropy(model(ids, attention_mask=mask).logits[:, :-1].reshape(-1, size), targets).item()
        tokens = int((targets != -100).sum())
        count += tokens
        mean += (loss - mean) * tokens / count
    return math.exp(mean)


RIGHT: dict[str, Callable] = {
    function.__name__: function
    for function in (
        plain_sum, by_the_model_s_config, weighted_means, by_tokens, masked_gather, base_two_throughout, row_by_row,
        running_mean,
    )
}  # fmt: skip

COUNTS: dict[str, Callable] = {
    "right": lambda costs, targets, batch: (targets != -100).sum(),
    "before shift": lambda costs, targets, batch: (batch["labels"] != -100).sum(),
    "mask": lambda costs, targets, batch: batch["attention_mask"].sum(),
    "positions": lambda costs, targets, batch: torch.tensor(targets.numel()),
    "rows": lambda costs, targets, batch: torch.tensor(len(targets)),
    "one": lambda costs, targets, batch: torch.tensor(1),
}


def _perplexity(
    mode="eval", mask=True, grad=False, shift=1, labels="labels", join="sum", weight="right", end="exp",
    returned="float", softmax="once",
):  # fmt: skip
    """A perplexity with the given mistakes. join: "sum" of costs over counts, or "means" weighted by counts."""

    def perplexity(model, batches):
        if mode == "eval":
            model.eval()
        means, sums, weights = [], [], []
        for batch in batches:
            with torch.set_grad_enabled(grad):
                given = batch["attention_mask"] if mask else None
                logits = model(input_ids=batch["input_ids"], attention_mask=given).logits
            if softmax == "twice":
                logits = logits.softmax(-1)
            wanted = batch["input_ids"] if labels == "all" else batch["labels"]
            if labels == "pad id":
                wanted = torch.where(batch["input_ids"] == PAD, -100, batch["input_ids"])
            size = wanted.shape[1]
            kept, targets = (
                (logits[:, : size - shift], wanted[:, shift:]) if shift >= 0 else (logits[:, 1:], wanted[:, :-1])
            )
            costs = F.cross_entropy(kept.transpose(1, 2), targets, reduction="none")
            sums.append(costs.sum())
            means.append(costs.sum() / (targets != -100).sum())
            weights.append(COUNTS[weight](costs, targets, batch))
        return _finish(torch.stack(means), torch.stack(sums), torch.stack(weights), join, end, returned)

    return perplexity


def _finish(means, sums, weights, join, end, returned):
    joined = {
        "sum": lambda: sums.sum() / weights.sum(),
        "means": lambda: (means * weights).sum() / weights.sum(),
        "exps": lambda: means.exp().mean().log(),
        "means over tokens": lambda: means.sum() / weights.sum(),
        "last": lambda: means[-1],
        "total": lambda: sums.sum(),
    }[join]()
    value = {
        "exp": lambda: joined.exp(), "none": lambda: joined, "two": lambda: 2**joined,
        "bits": lambda: (joined / math.log(2)).exp(), "minus": lambda: (-joined).exp(),
    }[end]()  # fmt: skip
    return {
        "float": value.item,
        "whole": lambda: int(value),
        "tensor": lambda: value,
        "none": lambda: None,
        "text": lambda: str(value.item()),
    }[returned]()


COUNT = "tokens counted wrongly: "
MISCONCEPTIONS: tuple[Misconception, ...] = tuple(
    Misconception(name, sentence, _perplexity(**changes))
    for name, sentence, changes in (
        ("mean of the batches' means", "Every batch weighs the same.", {"join": "means", "weight": "one"}),
        ("mean of the batches' perplexities instead of exp of the mean loss", "exp comes too early.", {"join": "exps"}),
        ("weighted by attention_mask.sum(), not by the tokens that were scored", "The mask counts more tokens.",
         {"join": "means", "weight": "mask"}),
        ("weighted by the labels before the shift (off by one a row)", "N before the shift.",
         {"join": "means", "weight": "before shift"}),
        ("weighted by the number of rows, not of tokens", "len(batch).", {"join": "means", "weight": "rows"}),
        (COUNT + "off by one a row, before the shift", "The first token is counted.", {"weight": "before shift"}),
        (COUNT + "all of attention_mask", "attention_mask.sum().", {"weight": "mask"}),
        (COUNT + "all positions, padding included", "numel().", {"weight": "positions"}),
        (COUNT + "rows instead of tokens", "len(batch).", {"weight": "rows"}),
        (COUNT + "batches instead of tokens", "len(batches).", {"weight": "one"}),
        ("the model is left in train mode: dropout is on", "model.eval() is missing.", {"mode": "train"}),
        ("attention_mask is not passed to the model", "Left padding is read as text.", {"mask": False}),
        ("gradients are computed while evaluating (no torch.no_grad)", "Memory is kept for nothing.", {"grad": True}),
        ("no causal shift", "Position t is scored on token t.", {"shift": 0}),
        ("causal shift in the wrong direction", "Position t is scored on token t - 1.", {"shift": -1}),
        ("padding counted", "input_ids are the labels.", {"labels": "all"}),
        ("masked by token id: real tokens with the padding's id are dropped", "pad = eos.", {"labels": "pad id"}),
        ("exp missing: the mean loss is no perplexity", "The loss is returned.", {"end": "none"}),
        ("2 to the power of nats: base 2 against base e", "2 ** loss.", {"end": "two"}),
        ("nats turned into bits, but still raised to e", "exp of bits.", {"end": "bits"}),
        ("exp of minus the mean: sign flipped", "exp(-loss).", {"end": "minus"}),
        ("softmax taken twice: cross_entropy of probabilities", "softmax first.", {"softmax": "twice"}),
        ("the batches' means are divided by the number of tokens", "Means are summed.", {"join": "means over tokens"}),
        ("rounded to a whole number", "int().", {"returned": "whole"}),
        ("only the last batch counts", "The loop overwrites.", {"join": "last"}),
        ("a tensor is returned instead of a Python float", ".item() is missing.", {"returned": "tensor"}),
        ("nothing returned", "return is missing.", {"returned": "none"}),
        ("a str is returned instead of a Python float", "A formatted text.", {"returned": "text"}),
    )
)  # fmt: skip
