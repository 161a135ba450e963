"""Wrong losses as people write them, each by hand and in its own style, with the names that an expert would give."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn as nn
import torch.nn.functional as F

SOFT, HARD, BOTH = " in the soft part", " in the hard part", " in both parts"
BATCH = "divided by the batch size (batchmean), not by the number of valid tokens"
ALL = "divided by all positions, ignored ones included"
VOCABULARY = "averaged over the vocabulary as well"
REVERSE = "KL the wrong way round (student || teacher)"
LEAK = "gradient flows into the teacher"
AFTER = "temperature applied after the softmax instead of before"

WRITTEN: list[tuple[Callable, tuple[str, ...]]] = []


def written(*names: str) -> Callable[[Callable], Callable]:
    """Enter a loss into the list, with the names of what is wrong in it."""
    return lambda function: WRITTEN.append((function, names)) or function


@written("causal shift in the wrong direction")
def cut_at_the_other_ends(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    student, teacher, wanted = student_logits[:, 1:, :], teacher_logits[:, 1:, :].detach(), labels[:, :-1]
    mask = (wanted != -100).float()
    kl = F.kl_div(F.log_softmax(student / temperature, -1), F.softmax(teacher / temperature, -1), reduction="none")
    soft = (kl.sum(-1) * mask).sum() / mask.sum() * temperature**2
    return alpha * soft + (1 - alpha) * F.cross_entropy(student.flatten(0, 1), wanted.flatten())


@written("mean of the rows' means: a token in a short row counts more" + BOTH)
def a_loss_for_each_row(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    total, rows = 0.0, 0
    for s, t, y in zip(student_logits, teacher_logits.detach(), labels, strict=True):
        s, t, y = s[:-1], t[:-1], y[1:]
        if (y != -100).sum() == 0:
            continue
        s, t, y = s[y != -100], t[y != -100], y[y != -100]
        kl = F.kl_div(F.log_softmax(s / temperature, 1), F.softmax(t / temperature, 1), reduction="batchmean")
        total = total + alpha * kl * temperature**2 + (1 - alpha) * F.cross_entropy(s, y)
        rows += 1
    return total / rows


def _picked(student_logits, teacher_logits, labels):
    keep = labels[:, 1:] != -100
    return student_logits[:, :-1][keep], teacher_logits[:, :-1][keep].detach(), labels[:, 1:][keep]


@written(AFTER)
def divided_probabilities(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    soft = F.kl_div(F.log_softmax(s, -1) / temperature, F.softmax(t, -1) / temperature, reduction="batchmean")
    return alpha * soft * temperature**2 + (1 - alpha) * F.cross_entropy(s, y)


@written("softmax over the tokens instead of the vocabulary" + SOFT)
def first_axis(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    soft = F.kl_div(F.log_softmax(s / temperature, dim=0), F.softmax(t / temperature, dim=0), reduction="batchmean")
    return alpha * soft * temperature**2 + (1 - alpha) * F.cross_entropy(s, y)


@written("temperature and alpha swapped in the list of arguments")
def other_order(student_logits, teacher_logits, labels, alpha=0.5, temperature=3.0):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    soft = F.kl_div(F.log_softmax(s / temperature, -1), F.softmax(t / temperature, -1), reduction="batchmean")
    return alpha * soft * temperature**2 + (1 - alpha) * F.cross_entropy(s, y)


@written("student and teacher swapped: the gradient reaches the teacher's logits, none the student's")
def teacher_first(teacher_logits, student_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    soft = F.kl_div(F.log_softmax(s / temperature, -1), F.softmax(t / temperature, -1), reduction="batchmean")
    return alpha * soft * temperature**2 + (1 - alpha) * F.cross_entropy(s, y)


@written("teacher_logits changed in place")
def divided_where_it_stands(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    teacher_logits = teacher_logits.detach()
    teacher_logits /= temperature
    s, t, y = _picked(student_logits, teacher_logits, labels)
    soft = F.kl_div(F.log_softmax(s / temperature, -1), F.softmax(t, -1), reduction="batchmean")
    return alpha * soft * temperature**2 + (1 - alpha) * F.cross_entropy(s, y)


@written(ALL + SOFT, "NaN or infinite")
def filled_with_nan(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    student, teacher, wanted = student_logits[:, :-1], teacher_logits[:, :-1].detach(), labels[:, 1:]
    kl = F.kl_div(F.log_softmax(student / temperature, -1), F.softmax(teacher / temperature, -1), reduction="none")
    soft = kl.sum(-1).masked_fill(wanted == -100, float("nan")).mean() * temperature**2
    return alpha * soft + (1 - alpha) * F.cross_entropy(student.flatten(0, 1), wanted.flatten())


@written(ALL + SOFT)
def logits_times_mask(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    wanted, size = labels[:, 1:], student_logits.size(-1)
    mask = (wanted != -100).unsqueeze(-1)
    s = (student_logits[:, :-1] * mask).reshape(-1, size)
    t = (teacher_logits[:, :-1].detach() * mask).reshape(-1, size)
    soft = nn.KLDivLoss(reduction="batchmean")(F.log_softmax(s / temperature, -1), F.softmax(t / temperature, -1))
    return alpha * temperature**2 * soft + (1 - alpha) * nn.CrossEntropyLoss()(s, wanted.reshape(-1))


@written("padding counted" + SOFT, BATCH + SOFT, "T squared missing")
def batchmean_on_three_axes(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t = student_logits[..., :-1, :], teacher_logits[..., :-1, :].detach()
    kl = nn.KLDivLoss(reduction="batchmean")(F.log_softmax(s / temperature, dim=-1), F.softmax(t / temperature, dim=-1))
    return alpha * kl + (1 - alpha) * F.cross_entropy(s.permute(0, 2, 1), labels[..., 1:])


@written(LEAK, "no causal shift", VOCABULARY + SOFT)
def defaults_of_kl_div(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    keep = labels.ne(-100)
    log_q, p = F.log_softmax(student_logits[keep] / temperature, -1), F.softmax(teacher_logits[keep] / temperature, -1)
    soft = (p * (p.clamp_min(1e-38).log() - log_q)).mean() * temperature**2
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits[keep], labels[keep])


@written("no causal shift", REVERSE, "T squared missing")
def three_at_once(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    keep = labels != -100
    s, t = student_logits[keep], teacher_logits[keep].detach()
    soft = F.kl_div(F.log_softmax(t / temperature, -1), F.softmax(s / temperature, -1), reduction="batchmean")
    return alpha * soft + (1 - alpha) * F.cross_entropy(s, labels[keep])


@written("alpha and 1 - alpha swapped", "no gradient reaches the student" + HARD)
def detached_and_swapped(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    log_q = F.log_softmax(s.detach() / temperature, -1)
    soft = F.kl_div(log_q, F.softmax(t / temperature, -1), reduction="batchmean") * temperature**2
    return (1 - alpha) * soft + alpha * F.cross_entropy(s, y)


@written("masked by token id instead of -100: valid labels equal to 0 are dropped" + BOTH)
def positive_labels(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    keep = labels[:, 1:] > 0
    s, t, y = student_logits[:, :-1][keep], teacher_logits[:, :-1][keep].detach(), labels[:, 1:][keep]
    soft = F.kl_div(F.log_softmax(s / temperature, -1), F.softmax(t / temperature, -1), reduction="batchmean")
    return alpha * soft * temperature**2 + (1 - alpha) * F.cross_entropy(s, y)


@written("no causal shift", "the last position is left out" + BOTH)
def both_cut_at_the_end(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    keep = labels[:, :-1] != -100
    s, t, y = student_logits[:, :-1][keep], teacher_logits[:, :-1][keep].detach(), labels[:, :-1][keep]
    soft = F.kl_div(F.log_softmax(s / temperature, -1), F.softmax(t / temperature, -1), reduction="batchmean")
    return alpha * soft * temperature**2 + (1 - alpha) * F.cross_entropy(s, y)


@written("flattened before the shift: a row's end is scored on the next row's start" + BOTH)
def flattened_first(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    size = student_logits.size(-1)
    s, t = student_logits.reshape(-1, size)[:-1], teacher_logits.detach().reshape(-1, size)[:-1]
    y = labels.reshape(-1)[1:]
    s, t, y = s[y != -100], t[y != -100], y[y != -100]
    soft = F.kl_div(F.log_softmax(s / temperature, -1), F.softmax(t / temperature, -1), reduction="batchmean")
    return alpha * soft * temperature**2 + (1 - alpha) * F.cross_entropy(s, y)


@written("backward() is called on the same graph twice, or too early by the function itself")
def backward_inside(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    soft = F.kl_div(F.log_softmax(s / temperature, -1), F.softmax(t / temperature, -1), reduction="batchmean")
    loss = alpha * soft * temperature**2 + (1 - alpha) * F.cross_entropy(s, y)
    loss.backward()
    return loss


@written("an exception: RuntimeError")
def cross_entropy_on_three_axes(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    log_q, p = F.log_softmax(student_logits / temperature, -1), F.softmax(teacher_logits / temperature, -1)
    soft = F.kl_div(log_q, p, reduction="batchmean")
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student_logits, labels)


@written("the arguments are not the task's")
def three_arguments(student_logits, teacher_logits, labels):
    return F.cross_entropy(student_logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())


@written("scaled by T instead of T squared", "doubled" + SOFT)
def times_two_for_squared(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    soft = F.kl_div(F.log_softmax(s / temperature, -1), F.softmax(t / temperature, -1), reduction="batchmean")
    return alpha * temperature * 2 * soft + (1 - alpha) * F.cross_entropy(s, y)


@written(REVERSE)
def another_default(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.9):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    log_p, log_q = F.log_softmax(t / temperature, -1), F.log_softmax(s / temperature, -1)
    soft = F.kl_div(log_p, log_q, reduction="batchmean", log_target=True) * temperature**2
    return alpha * soft + (1 - alpha) * F.cross_entropy(s, y)


@written("bits instead of nats (base 2)" + SOFT, LEAK)
def in_bits(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    keep = labels[:, 1:] != -100
    p, q = (torch.log_softmax(x[:, :-1][keep].double() / temperature, -1) for x in (teacher_logits, student_logits))
    soft = (p.exp() * (p - q)).sum(-1).mean() / torch.log(torch.tensor(2.0)) * temperature**2
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits[:, :-1][keep], labels[:, 1:][keep])
