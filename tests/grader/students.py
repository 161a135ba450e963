"""Wrong losses as students and printed notebooks have them, with the names that an expert would give."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F

ROLLED = "labels rolled around: the last position is scored against the first token"
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


@written(
    "distillation_loss",
    "a Python number instead of a tensor: no gradient can flow",
    "alpha on both parts: 1 - alpha missing on the hard part",
)
def alpha_on_both_as_a_number(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    return (alpha * (temperature**2 * _kl(s, t, temperature) + F.cross_entropy(s, y))).item()


@written(
    "distillation_loss",
    "a Python number instead of a tensor: no gradient can flow",
    "alpha hard-coded instead of the argument",
)
def weights_of_a_listing(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    return (0.7 * temperature**2 * _kl(s, t, temperature) + 0.3 * F.cross_entropy(s, y)).item()


@written("distillation_loss", "alpha on both parts: 1 - alpha missing on the hard part", "sign flipped" + HARD)
def a_log_likelihood(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    likely = s.log_softmax(-1).gather(1, y.unsqueeze(1)).mean()
    return alpha * (temperature**2 * _kl(s, t, temperature) + likely)


@written(
    "distillation_loss",
    "temperature applied after the softmax instead of before",
    "unstable at large logits: an exp or a log leaves the range" + SOFT,
)
def divided_too_late(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    p, log_q = F.softmax(t, -1) / temperature, F.log_softmax(s, -1) / temperature
    return _blend((p * (p.log() - log_q)).sum(-1).mean(), F.cross_entropy(s, y), temperature, alpha)


@written("distillation_loss", "alpha and 1 - alpha swapped", "the teacher's top token as the label in the hard part")
def the_teachers_favourite(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, _ = _picked(student_logits, teacher_logits, labels)
    return _blend(_kl(s, t, temperature), F.cross_entropy(s, t.argmax(-1)), temperature, 1 - alpha)


@written("distillation_loss", "labels shifted but the mask is not", ROLLED + HARD)
def rolled_labels(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    keep = labels != -100
    wanted = labels.roll(-1, dims=1)[keep].clamp(min=0)
    s, t = student_logits[keep], teacher_logits[keep].detach()
    return _blend(_kl(s, t, temperature), F.cross_entropy(s, wanted), temperature, alpha)


@written(
    "distillation_loss",
    "soft and hard part are added without alpha",
    "symmetric KL (mean of both directions) instead of KL",
)
def sum_of_both(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    p, q = F.log_softmax(t / temperature, -1), F.log_softmax(s / temperature, -1)
    return temperature**2 * ((p.exp() - q.exp()) * (p - q)).sum(-1).mean() / 2 + F.cross_entropy(s, y)


@written(
    "distillation_loss",
    "alpha on both parts: 1 - alpha missing on the hard part",
    "no causal shift",
    "temperature in the hard part",
)
def everything_at_once(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    keep = labels != -100
    s, t = student_logits[keep], teacher_logits[keep].detach()
    return alpha * (_kl(s, t, temperature) * temperature**2 + F.cross_entropy(s / temperature, labels[keep]))


@written(
    "distillation_loss",
    "mean squared error of logits instead of KL",
    "the number of valid tokens is counted before the shift" + SOFT,
)
def squares_over_all_labels(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    squares = ((s - t) / temperature).square().mean(-1).sum() / (labels != -100).sum()
    return _blend(squares, F.cross_entropy(s, y), temperature, alpha)


@written("distillation_loss", "softmax over the tokens and the vocabulary at once instead of the vocabulary" + SOFT)
def flattened_to_one_axis(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    log_q, p = F.log_softmax(s.flatten() / temperature, 0), F.softmax(t.flatten() / temperature, 0)
    return _blend(F.kl_div(log_q, p, reduction="sum"), F.cross_entropy(s, y), temperature, alpha)


@written("distillation_loss", "softmax over the row and the vocabulary at once instead of the vocabulary" + SOFT)
def flattened_rows(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, _, y = _picked(student_logits, teacher_logits, labels)
    rows, others = (x[:, :-1].flatten(1) for x in (student_logits, teacher_logits.detach()))
    return _blend(_kl(rows, others, temperature), F.cross_entropy(s, y), temperature, alpha)


@written("distillation_loss", "divided by the valid tokens of a mean row, not of all rows" + SOFT)
def by_the_mean_row(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    soft = _kl(s, t, temperature, "sum") / (labels[:, 1:] != -100).float().sum(1).mean()
    return _blend(soft, F.cross_entropy(s, y), temperature, alpha)


@written("distillation_loss", "some valid tokens are left out" + SOFT)
def where_the_teacher_is_right(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    good = (t.argmax(-1) == y).float()
    soft = (_kl(s, t, temperature, "none").sum(-1) * good).sum() / good.sum().clamp(min=1)
    return _blend(soft, F.cross_entropy(s, y), temperature, alpha)


@written("distillation_loss", "Huber loss of logits instead of KL", "alpha and 1 - alpha swapped")
def robust_regression(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits, teacher_logits, labels)
    soft = F.smooth_l1_loss(s / temperature, t / temperature)
    return _blend(soft, F.cross_entropy(s, y), temperature, 1 - alpha)


@written(
    "distillation_loss",
    "a Python number instead of a tensor: no gradient can flow",
    "shift by two positions instead of one",
    "averaged over the vocabulary as well in both parts",
)
def shifted_twice_as_a_number(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = _picked(student_logits[:, :-1], teacher_logits[:, :-1], labels[:, 1:])
    return (_blend(_kl(s, t, temperature), F.cross_entropy(s, y), temperature, alpha) / s.size(-1)).item()
