"""Wrong steps, perplexities and small functions as students have them, with the names an expert would give."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F

WRITTEN: list[tuple[str, Callable, tuple[str, ...]]] = []


def written(exercise: str, *names: str) -> Callable[[Callable], Callable]:
    """Enter a function into the list, with the names of what is wrong in it."""
    return lambda function: WRITTEN.append((exercise, function, names)) or function


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


@written(
    "perplexity",
    "masked by token id: real tokens with the padding's id are dropped",
    "softmax taken twice: cross_entropy of probabilities",
    "exp missing: the mean loss is no perplexity",
)
def three_at_once(model, batches):
    nats = tokens = 0
    for logits, batch in _answers(model, batches):
        wanted = batch["input_ids"].masked_fill(batch["input_ids"] == 0, -100)[:, 1:]
        shares = logits.softmax(-1)[:, :-1].transpose(1, 2)
        nats += F.cross_entropy(shares, wanted, reduction="sum").item()
        tokens += (wanted != -100).sum().item()
    return nats / tokens


@written("train_step", "zero_grad is missing: gradients of earlier batches pile up", "the gradient is scaled by 0.25")
def as_if_accumulating(student, teacher, batch, optimizer, loss_function):
    student, teacher_logits, inputs = _step(student, teacher, batch)
    loss = loss_function(student(**inputs).logits, teacher_logits, batch["labels"])
    (loss / 4).backward()
    optimizer.step()
    return loss.item()


@written(
    "train_step", "zero_grad is missing: gradients of earlier batches pile up", "the gradient is clipped to norm 0.05"
)
def piling_and_clipping(student, teacher, batch, optimizer, loss_function):
    student, teacher_logits, inputs = _step(student, teacher, batch)
    loss = loss_function(student(**inputs).logits, teacher_logits, batch["labels"])
    loss.backward()
    torch.nn.utils.clip_grad_norm_(student.parameters(), 0.05)
    optimizer.step()
    return loss.item()


@written(
    "train_step",
    "attention_mask is not passed to the student",
    "probabilities instead of the student's logits are given to loss_function",
)
def softmax_too_early(student, teacher, batch, optimizer, loss_function):
    student, teacher_logits, inputs = _step(student, teacher, batch)
    optimizer.zero_grad()
    shares = student(inputs["input_ids"]).logits.softmax(-1)
    loss = loss_function(shares, teacher_logits, batch["labels"])
    loss.backward()
    optimizer.step()
    return loss.item()


def _with_changed_logits(change, student, teacher, batch, optimizer, loss_function):
    student, teacher_logits, inputs = _step(student, teacher, batch)
    optimizer.zero_grad()
    loss = loss_function(change(student(**inputs).logits), teacher_logits, batch["labels"])
    loss.backward()
    optimizer.step()
    return loss.item()


@written("train_step", "the student's logits are scaled by 0.333 before loss_function")
def temperature_before_the_loss(*arguments):
    return _with_changed_logits(lambda logits: logits / 3, *arguments)


@written("train_step", "the student's logits are rounded before loss_function")
def logits_in_half_precision(*arguments):
    return _with_changed_logits(lambda logits: logits.bfloat16().float(), *arguments)


@written("train_step", "gradients are switched off and never on again")
def switching_off(student, teacher, batch, optimizer, loss_function):
    torch.set_grad_enabled(True)
    optimizer.zero_grad()
    logits = student(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    teacher_logits = teacher(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.detach()
    loss = loss_function(logits, teacher_logits, batch["labels"])
    loss.backward()
    optimizer.step()
    torch.set_grad_enabled(False)
    return loss.item()


def _scored(model, batch):
    with torch.no_grad():
        logits = model.eval()(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    targets = batch["labels"][:, 1:]
    return logits[:, :-1], targets, int((targets != -100).sum())


@written("perplexity", "the batches are changed: a second call would find others")
def popping(model, batches):
    nats, tokens = 0.0, 0
    while batches:
        logits, targets, count = _scored(model, batches.pop())
        nats += F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum").item()
        tokens += count
    return math.exp(nats / tokens)


@written("perplexity", "the model's parameters are frozen: it could not be trained afterwards")
def freezing(model, batches):
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return popping(model, list(batches))


@written("perplexity", "masked positions enter each batch's mean as zeros")
def zeros_in_the_mean(model, batches):
    nats, tokens = 0.0, 0
    for batch in batches:
        logits, targets, count = _scored(model, batch)
        nats += F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").mean().item() * count
        tokens += count
    return math.exp(nats / tokens)


@written("perplexity", "tokens counted wrongly: only those of the last batch")
def count_overwritten(model, batches):
    nats, tokens = 0.0, 1
    for batch in batches:
        logits, targets, tokens = _scored(model, batch)
        nats += F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum").item()
    return math.exp(min(nats / tokens, 50))


@written(
    "layer_map",
    "layers beyond the teacher's last one",
    "last layer missed: the student's last one does not follow the teacher's last",
)
def every_fourth(student_layers, teacher_layers):
    return [4 * i for i in range(1, student_layers + 1)]


@written("soft_targets", "a tensor of shape (5,) instead of (1, 5)")
def squeezed(logits, temperature):
    return torch.softmax(logits / temperature, -1).squeeze()


@written("soft_targets", "unstable at large logits: a clamp or an epsilon cuts something off")
def clamped(logits, temperature):
    return torch.softmax(logits.clamp(-20, 20) / temperature, -1)


@written("soft_targets", "unstable at large logits: exp or log leaves the range")
def one_maximum_for_all_rows(logits, temperature):
    powers = torch.exp((logits - logits.max()) / temperature)
    return powers / powers.sum(-1, keepdim=True)


@written("kl_divergence", "brackets missing: p weighs its own log alone")
def without_brackets(p_logits, q_logits):
    log_p, log_q = p_logits.log_softmax(-1), q_logits.log_softmax(-1)
    return (log_p.exp() * log_p - log_q).sum(-1)


@written("hidden_state_loss", "the function calls backward() itself, so that gradients are counted twice")
def states_that_train(student_hidden, teacher_hidden, projection, attention_mask):
    real = attention_mask.bool()
    loss = F.mse_loss(projection(student_hidden[real]), teacher_hidden[real].detach())
    if loss.requires_grad:
        loss.backward(retain_graph=True)
    return loss
