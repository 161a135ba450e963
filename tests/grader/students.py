"""Wrong functions as students and printed notebooks have them, for each exercise, with the names an expert would give.

The mistake this prevents is a mistake that was met once, named by chance, and lost again.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F

SOFT, HARD = " in the soft part", " in the hard part"

WRITTEN: list[tuple[str, Callable, tuple[str, ...]]] = []


def written(exercise: str, *names: str) -> Callable[[Callable], Callable]:
    """Enter a function into the list, with the names of what is wrong in it."""
    return lambda function: WRITTEN.append((exercise, function, names)) or function


def _picked(student_logits, teacher_logits, labels):
    keep = labels[:, 1:] != -100
    return student_logits[:, :-1][keep], teacher_logits[:, :-1][keep].detach(), labels[:, 1:][keep]


def _blend(soft, hard, temperature, alpha):
    return alpha * temperature**2 * soft + (1 - alpha) * hard


def _kl(s, t, temperature, reduction="batchmean"):
    return F.kl_div(F.log_softmax(s / temperature, -1), F.softmax(t / temperature, -1), reduction=reduction)


@written("distillation_loss", "symmetric KL (mean of both directions) instead of KL")
def both_directions(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    p, q = F.log_softmax(t / temperature, -1), F.log_softmax(s / temperature, -1)
    there = F.kl_div(q, p, reduction="batchmean", log_target=True)
    back = F.kl_div(p, q, reduction="batchmean", log_target=True)
    return _blend((there + back) / 2, F.cross_entropy(s, y), temperature, alpha)


@written("distillation_loss", "mean squared error of logits instead of KL")
def regression(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    return _blend(F.mse_loss(s / temperature, t / temperature), F.cross_entropy(s, y), temperature, alpha)


@written("distillation_loss", "total variation distance instead of KL", "alpha and 1 - alpha swapped")
def total_variation(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    apart = (F.softmax(s / temperature, -1) - F.softmax(t / temperature, -1)).abs().sum(-1).mean() / 2
    return _blend(apart, F.cross_entropy(s, y), temperature, 1 - alpha)


@written("distillation_loss", "1 - alpha without brackets: 1 is added and alpha times the hard part is taken off")
def without_brackets(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    return alpha * _kl(s, t, temperature) * temperature**2 + 1 - alpha * F.cross_entropy(s, y)


@written(
    "distillation_loss",
    "alpha and 1 - alpha swapped",
    "T squared missing",
    "1 - alpha without brackets: 1 is added and alpha times the soft part is taken off",
)
def without_brackets_swapped(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    return alpha * F.cross_entropy(s, y) + 1 - alpha * _kl(s, t, temperature)


@written("distillation_loss", "valid tokens do not all count the same" + SOFT)
def by_confidence(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    sure = F.softmax(t, -1).amax(-1)
    return _blend((sure * _kl(s, t, temperature, "none").sum(-1)).mean(), F.cross_entropy(s, y), temperature, alpha)


@written("distillation_loss", "square root of KL instead of KL")
def rooted(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    roots = _kl(s, t, temperature, "none").sum(-1).clamp(min=0).sqrt()
    return _blend(roots.mean(), F.cross_entropy(s, y), temperature, alpha)


@written("distillation_loss", "-100 is taken for a class: ignored labels are not left out")
def another_ignore_index(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, _ = _picked(student_logits, teacher_logits, labels)
    hard = F.cross_entropy(student_logits[:, :-1].transpose(1, 2), labels[:, 1:], ignore_index=-1)
    return _blend(_kl(s, t, temperature), hard, temperature, alpha)


@written("distillation_loss", "only the teacher's top tokens (top-k) instead of the whole vocabulary")
def top_five(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5, k=5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    top, places = t.topk(min(k, t.size(-1)), -1)
    return _blend(_kl(s.gather(-1, places), top, temperature), F.cross_entropy(s, y), temperature, alpha)


@written("distillation_loss", "only the teacher's top tokens (top-k) instead of the whole vocabulary")
def all_but_the_top_masked(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    t = t.masked_fill(t < t.topk(3, -1).values[:, -1:], -1e9)
    return _blend(_kl(s, t, temperature), F.cross_entropy(s, y), temperature, alpha)


@written("distillation_loss", "top-k: only some of the vocabulary's tokens are compared")
def top_fifty(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    top, places = t.topk(50, -1)
    return _blend(_kl(s.gather(-1, places), top, temperature), F.cross_entropy(s, y), temperature, alpha)


@written("distillation_loss", "softmax taken twice on the teacher")
def probabilities_from_the_teacher(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, F.softmax(teacher_logits, -1), labels)
    return _blend(_kl(s, t, temperature), F.cross_entropy(s, y), temperature, alpha)


@written("distillation_loss", "logits are standardised (mean 0, deviation 1) before they are divided by T")
def standardised(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    a, b = ((x - x.mean(-1, keepdim=True)) / (1e-7 + x.std(-1, keepdim=True)) for x in (s, t))
    return _blend(_kl(a, b, temperature), F.cross_entropy(s, y), temperature, alpha)


@written("distillation_loss", "logits reshaped instead of transposed: tokens and vocabulary are mixed up" + HARD)
def reshaped(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, _ = _picked(student_logits, teacher_logits, labels)
    rows, length, size = student_logits[:, :-1].shape
    hard = F.cross_entropy(student_logits[:, :-1].reshape(rows, size, length), labels[:, 1:])
    return _blend(_kl(s, t, temperature), hard, temperature, alpha)


def _step(student, teacher, batch):
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    student.train()
    with torch.no_grad():
        return student, teacher(**inputs).logits, inputs


@written("train_step", "the gradient is clipped to norm 0.5")
def clipping_step(student, teacher, batch, optimizer, loss_function):
    student, teacher_logits, inputs = _step(student, teacher, batch)
    optimizer.zero_grad()
    with torch.enable_grad():
        loss = loss_function(student(**inputs).logits, teacher_logits, batch["labels"])
    loss.backward()
    torch.nn.utils.clip_grad_norm_(student.parameters(), 0.5)
    optimizer.step()
    return loss.item()


@written("train_step", "the optimizer steps more than once a batch")
def two_rounds(student, teacher, batch, optimizer, loss_function):
    student, teacher_logits, inputs = _step(student, teacher, batch)
    for _ in range(2):
        optimizer.zero_grad()
        loss = loss_function(student(**inputs).logits, teacher_logits, batch["labels"])
        loss.backward()
        optimizer.step()
    return loss.item()


@written("train_step", "the loss after the step is returned, not the one the step was made with")
def looks_again(student, teacher, batch, optimizer, loss_function):
    student, teacher_logits, inputs = _step(student, teacher, batch)
    optimizer.zero_grad()
    loss_function(student(**inputs).logits, teacher_logits, batch["labels"]).backward()
    optimizer.step()
    with torch.no_grad():
        return loss_function(student(**inputs).logits, teacher_logits, batch["labels"]).item()


@written("kl_divergence", "symmetric KL (mean of both directions)")
def half_of_both(p_logits, q_logits):
    p, q = p_logits.log_softmax(-1), q_logits.log_softmax(-1)
    return ((p.exp() - q.exp()) * (p - q)).sum(-1) / 2


@written("kl_divergence", "softmax over the first axis instead of the last", "KL the wrong way round: q weighs the sum")
def down_the_batch(p_logits, q_logits):
    p, q = F.log_softmax(p_logits, dim=0), F.log_softmax(q_logits, dim=0)
    return F.kl_div(p, q, log_target=True, reduction="none").sum(-1)


@written("soft_targets", "not normalised: probabilities to the power of 1 / T")
def powers(logits, temperature):
    return torch.softmax(logits, dim=-1) ** (1 / temperature)


@written(
    "hidden_state_loss", "states are averaged over a row before they are compared", "gradient flows into teacher_hidden"
)
def sentence_vectors(student_hidden, teacher_hidden, projection, attention_mask):
    mask = attention_mask.unsqueeze(-1).float()
    ours, theirs = ((x * mask).sum(1) / mask.sum(1) for x in (student_hidden, teacher_hidden))
    return F.mse_loss(projection(ours), theirs)


@written(
    "hidden_state_loss", "mask of the states: padding counts", "normalised states instead of the squared difference"
)
def after_a_layer_norm(student_hidden, teacher_hidden, projection, attention_mask):
    ours, theirs = projection(student_hidden), teacher_hidden.detach()
    return F.mse_loss(F.layer_norm(ours, ours.shape[-1:]), F.layer_norm(theirs, theirs.shape[-1:]))


def _answers(model, batches):
    model.eval()
    with torch.no_grad():
        for batch in batches:
            yield model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits, batch


@written("perplexity", "shift by two positions instead of one")
def shifted_twice(model, batches):
    nats = tokens = 0
    for logits, batch in _answers(model, batches):
        wanted = batch["labels"][:, 1:][:, 1:]
        nats += F.cross_entropy(logits[:, :-1][:, :-1].transpose(1, 2), wanted, reduction="sum").item()
        tokens += (wanted != -100).sum().item()
    return math.exp(nats / tokens)


@written("perplexity", "logits reshaped instead of transposed: tokens and vocabulary are mixed up")
def viewed_as_classes(model, batches):
    nats = tokens = 0
    for logits, batch in _answers(model, batches):
        rows, length, size = logits[:, :-1].shape
        wanted = batch["labels"][:, 1:]
        nats += F.cross_entropy(logits[:, :-1].reshape(rows, size, length), wanted, reduction="sum").item()
        tokens += (wanted != -100).sum().item()
    return math.exp(nats / tokens)


@written("perplexity", "labels shifted but the mask is not")
def masked_before_the_shift(model, batches):
    nats = tokens = 0
    for logits, batch in _answers(model, batches):
        costs = F.cross_entropy(logits[:, :-1].transpose(1, 2), batch["input_ids"][:, 1:], reduction="none")
        mask = batch["attention_mask"][:, :-1]
        nats, tokens = nats + (costs * mask).sum().item(), tokens + mask.sum().item()
    return math.exp(nats / tokens)


@written("perplexity", "weighted by the rows' length, not by the tokens that were scored")
def by_length(model, batches):
    total = count = 0
    for logits, batch in _answers(model, batches):
        length = batch["input_ids"].size(1)
        total += F.cross_entropy(logits[:, :-1].flatten(0, 1), batch["labels"][:, 1:].flatten()).item() * length
        count += length
    return math.exp(total / count)


@written("perplexity", "median of the batches instead of the mean")
def the_middle_batch(model, batches):
    pairs = _answers(model, batches)
    means = [F.cross_entropy(x[:, :-1].flatten(0, 1), b["labels"][:, 1:].flatten()).exp() for x, b in pairs]
    return torch.stack(means).quantile(0.5).item()


@written("perplexity", "padding counted")
def zeros_for_ignored_labels(model, batches):
    nats = tokens = 0
    for logits, batch in _answers(model, batches):
        wanted = batch["labels"].masked_fill(batch["labels"] == -100, 0)[:, 1:]
        nats += F.cross_entropy(logits[:, :-1].transpose(1, 2), wanted, reduction="sum").item()
        tokens += wanted.numel()
    return math.exp(nats / tokens)
