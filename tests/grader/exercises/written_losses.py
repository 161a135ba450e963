"""Wrong losses as learners and printed notebooks have them, each by hand, with the names that an expert would give.

They test the engine on what no recipe cooks.
"""

from __future__ import annotations

from collections.abc import Callable

import torch.nn as nn
import torch.nn.functional as F

SOFT, HARD, BOTH = " in the soft part", " in the hard part", " in both parts"
BATCH = "divided by the batch size (batchmean), not by the number of valid tokens"
ALL = "divided by all positions, ignored ones included"
LEAK = "gradient flows into the teacher"
AFTER = "temperature applied after the softmax instead of before"
TOP_K = "only the teacher's top tokens (top-k) instead of the whole vocabulary"
NUMBER = "a Python number instead of a tensor: no gradient can flow"
ON_BOTH = "alpha on both parts: 1 - alpha missing on the hard part"
MEAN_OF_BOTH = "symmetric KL (mean of both directions) instead of KL"

WRITTEN: list[tuple[Callable, tuple[str, ...]]] = []


def written(*names: str) -> Callable[[Callable], Callable]:
    """Enter a loss into the list, with the names of what is wrong in it."""
    return lambda function: WRITTEN.append((function, names)) or function


def blended(*names: str) -> Callable[[Callable], Callable]:
    """Enter a loss of which only the parts are written: (s, t, y, T) of valid positions -> soft / T squared, hard."""

    def enter(parts: Callable) -> Callable:
        def loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
            soft, hard = parts(*picked(student_logits, teacher_logits, labels), temperature)
            return alpha * temperature**2 * soft + (1 - alpha) * hard

        loss.__name__ = parts.__name__
        return written(*names)(loss)

    return enter


def picked(student_logits, teacher_logits, labels):
    keep = labels[:, 1:] != -100
    return student_logits[:, :-1][keep], teacher_logits[:, :-1][keep].detach(), labels[:, 1:][keep]


def kl(s, t, T, reduction="batchmean"):
    return F.kl_div(F.log_softmax(s / T, -1), F.softmax(t / T, -1), reduction=reduction)


def both_ways(s, t, T):
    p, q = F.log_softmax(t / T, -1), F.log_softmax(s / T, -1)
    return ((p.exp() - q.exp()) * (p - q)).sum(-1).mean() / 2


@blended(MEAN_OF_BOTH)
def both_directions(s, t, y, T):
    return both_ways(s, t, T), F.cross_entropy(s, y)


@blended("valid tokens do not all count the same" + SOFT)
def by_confidence(s, t, y, T):
    return (F.softmax(t, -1).amax(-1) * kl(s, t, T, "none").sum(-1)).mean(), F.cross_entropy(s, y)


@blended("some valid tokens are left out" + SOFT)
def where_the_teacher_is_right(s, t, y, T):
    good = (t.argmax(-1) == y).float()
    return (kl(s, t, T, "none").sum(-1) * good).sum() / good.sum().clamp(min=1), F.cross_entropy(s, y)


@blended("softmax over the tokens instead of the vocabulary" + SOFT)
def first_axis(s, t, y, T):
    return F.kl_div((s / T).log_softmax(0), (t / T).softmax(0), reduction="batchmean"), F.cross_entropy(s, y)


@blended("softmax over the tokens and the vocabulary at once instead of the vocabulary" + SOFT)
def flattened_to_one_axis(s, t, y, T):
    soft = F.kl_div(F.log_softmax(s.flatten() / T, 0), F.softmax(t.flatten() / T, 0), reduction="sum")
    return soft, F.cross_entropy(s, y)


@blended(TOP_K)
def all_but_the_top_masked(s, t, y, T):
    return kl(s, t.masked_fill(t < t.topk(3, -1).values[:, -1:], -1e9), T), F.cross_entropy(s, y)


@blended("top-k: only some of the vocabulary's tokens are compared")
def top_fifty(s, t, y, T):
    top, places = t.topk(50, -1)
    return kl(s.gather(-1, places), top, T), F.cross_entropy(s, y)


@blended("softmax taken twice on the teacher")
def probabilities_from_the_teacher(s, t, y, T):
    return kl(s, F.softmax(t, -1), T), F.cross_entropy(s, y)


@blended("logits are standardised (mean 0, deviation 1) before they are divided by T")
def standardised(s, t, y, T):
    a, b = ((x - x.mean(-1, keepdim=True)) / (1e-7 + x.std(-1, keepdim=True)) for x in (s, t))
    return kl(a, b, T), F.cross_entropy(s, y)


@blended(AFTER, "unstable at large logits: an exp or a log leaves the range" + SOFT)
def divided_too_late(s, t, y, T):
    p, log_q = F.softmax(t, -1) / T, F.log_softmax(s, -1) / T
    return (p * (p.log() - log_q)).sum(-1).mean(), F.cross_entropy(s, y)


@blended("scaled by T instead of T squared", "doubled" + SOFT)
def times_two_for_squared(s, t, y, T):
    return kl(s, t, T) * 2 / T, F.cross_entropy(s, y)


@written("causal shift in the wrong direction")
def cut_at_the_other_ends(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    student, teacher, wanted = student_logits[:, 1:, :], teacher_logits[:, 1:, :].detach(), labels[:, :-1]
    mask = (wanted != -100).float()
    soft = (kl(student, teacher, temperature, "none").sum(-1) * mask).sum() / mask.sum() * temperature**2
    return alpha * soft + (1 - alpha) * F.cross_entropy(student.flatten(0, 1), wanted.flatten())


@written("mean of the rows' means: a token in a short row counts more" + BOTH)
def a_loss_for_each_row(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    total, rows = 0.0, 0
    for row in zip(student_logits, teacher_logits, labels, strict=True):
        s, t, y = picked(*(x.unsqueeze(0) for x in row))
        if len(y):
            total = total + alpha * kl(s, t, temperature) * temperature**2 + (1 - alpha) * F.cross_entropy(s, y)
            rows += 1
    return total / rows


@written("softmax over the row and the vocabulary at once instead of the vocabulary" + SOFT)
def flattened_rows(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, _, y = picked(student_logits, teacher_logits, labels)
    rows, others = (x[:, :-1].flatten(1) for x in (student_logits, teacher_logits.detach()))
    return alpha * temperature**2 * kl(rows, others, temperature) + (1 - alpha) * F.cross_entropy(s, y)


@written("temperature and alpha swapped in the list of arguments")
def other_order(student_logits, teacher_logits, labels, alpha=0.5, temperature=3.0):
    s, t, y = picked(student_logits, teacher_logits, labels)
    return alpha * kl(s, t, temperature) * temperature**2 + (1 - alpha) * F.cross_entropy(s, y)


@written("student and teacher swapped: the gradient reaches the teacher's logits, none the student's")
def teacher_first(teacher_logits, student_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = picked(student_logits, teacher_logits, labels)
    return alpha * kl(s, t, temperature) * temperature**2 + (1 - alpha) * F.cross_entropy(s, y)


@written(ALL + SOFT, "NaN or infinite")
def filled_with_nan(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    student, teacher, wanted = student_logits[:, :-1], teacher_logits[:, :-1].detach(), labels[:, 1:]
    costs = kl(student, teacher, temperature, "none").sum(-1)
    soft = costs.masked_fill(wanted == -100, float("nan")).mean() * temperature**2
    return alpha * soft + (1 - alpha) * F.cross_entropy(student.flatten(0, 1), wanted.flatten())


@written(ALL + SOFT)
def logits_times_mask(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    wanted, size = labels[:, 1:], student_logits.size(-1)
    mask = (wanted != -100).unsqueeze(-1)
    s, t = ((x[:, :-1] * mask).reshape(-1, size) for x in (student_logits, teacher_logits.detach()))
    hard = nn.CrossEntropyLoss()(s, wanted.reshape(-1))
    return alpha * temperature**2 * kl(s, t, temperature) + (1 - alpha) * hard


@written("padding counted" + SOFT, BATCH + SOFT, "T squared missing")
def batchmean_on_three_axes(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t = student_logits[..., :-1, :], teacher_logits[..., :-1, :].detach()
    return alpha * kl(s, t, temperature) + (1 - alpha) * F.cross_entropy(s.permute(0, 2, 1), labels[..., 1:])


@written("no causal shift", "padding counted" + SOFT, BATCH + SOFT)
def printed_listing(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    hard = F.cross_entropy(student_logits.view(-1, student_logits.size(-1)), labels.view(-1), ignore_index=-100)
    return alpha * temperature**2 * kl(student_logits, teacher_logits.detach(), temperature) + (1 - alpha) * hard


@written(LEAK, "no causal shift", "averaged over the vocabulary as well" + SOFT)
def defaults_of_kl_div(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    keep = labels.ne(-100)
    log_q, p = F.log_softmax(student_logits[keep] / temperature, -1), F.softmax(teacher_logits[keep] / temperature, -1)
    soft = (p * (p.clamp_min(1e-38).log() - log_q)).mean() * temperature**2
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits[keep], labels[keep])


@written("alpha and 1 - alpha swapped", "no gradient reaches the student" + HARD)
def detached_and_swapped(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = picked(student_logits, teacher_logits, labels)
    return (1 - alpha) * kl(s.detach(), t, temperature) * temperature**2 + alpha * F.cross_entropy(s, y)


@written("no causal shift", "the last position is left out" + BOTH)
def both_cut_at_the_end(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    keep = labels[:, :-1] != -100
    s, t, y = student_logits[:, :-1][keep], teacher_logits[:, :-1][keep].detach(), labels[:, :-1][keep]
    return alpha * kl(s, t, temperature) * temperature**2 + (1 - alpha) * F.cross_entropy(s, y)


@written("flattened before the shift: a row's end is scored on the next row's start" + BOTH)
def flattened_first(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    size, y = student_logits.size(-1), labels.reshape(-1)[1:]
    s, t = student_logits.reshape(-1, size)[:-1], teacher_logits.detach().reshape(-1, size)[:-1]
    s, t, y = s[y != -100], t[y != -100], y[y != -100]
    return alpha * kl(s, t, temperature) * temperature**2 + (1 - alpha) * F.cross_entropy(s, y)


@written(
    "labels shifted but the mask is not",
    "labels rolled around: the last position is scored against the first token" + HARD,
)
def rolled_labels(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    keep = labels != -100
    wanted = labels.roll(-1, dims=1)[keep].clamp(min=0)
    s, t = student_logits[keep], teacher_logits[keep].detach()
    return alpha * temperature**2 * kl(s, t, temperature) + (1 - alpha) * F.cross_entropy(s, wanted)


@written("backward() is called on the same graph twice, or too early by the function itself")
def backward_inside(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = picked(student_logits, teacher_logits, labels)
    loss = alpha * kl(s, t, temperature) * temperature**2 + (1 - alpha) * F.cross_entropy(s, y)
    loss.backward()
    return loss


@written("an exception: RuntimeError")
def cross_entropy_on_three_axes(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    soft = kl(student_logits, teacher_logits, temperature)
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student_logits, labels)


@written("-100 is taken for a class: ignored labels are not left out")
def another_ignore_index(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return F.cross_entropy(student_logits[:, :-1].transpose(1, 2), labels[:, 1:], ignore_index=-1)


@written("the arguments are not the task's")
def three_arguments(student_logits, teacher_logits, labels):
    return F.cross_entropy(student_logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())


@written(NUMBER, ON_BOTH)
def alpha_on_both_as_a_number(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = picked(student_logits, teacher_logits, labels)
    return (alpha * (temperature**2 * kl(s, t, temperature) + F.cross_entropy(s, y))).item()


@written(NUMBER, "alpha hard-coded instead of the argument")
def weights_of_a_listing(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = picked(student_logits, teacher_logits, labels)
    return (0.7 * temperature**2 * kl(s, t, temperature) + 0.3 * F.cross_entropy(s, y)).item()


@written(ON_BOTH, "sign flipped" + HARD)
def a_log_likelihood(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = picked(student_logits, teacher_logits, labels)
    return alpha * (temperature**2 * kl(s, t, temperature) + s.log_softmax(-1).gather(1, y.unsqueeze(1)).mean())


@written("soft and hard part are added without alpha", MEAN_OF_BOTH)
def sum_of_both(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = picked(student_logits, teacher_logits, labels)
    return temperature**2 * both_ways(s, t, temperature) + F.cross_entropy(s, y)


@written(ON_BOTH, "no causal shift", "temperature in the hard part")
def everything_at_once(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    keep = labels != -100
    s, t = student_logits[keep], teacher_logits[keep].detach()
    return alpha * (kl(s, t, temperature) * temperature**2 + F.cross_entropy(s / temperature, labels[keep]))


@written("mean squared error of logits instead of KL", "the number of valid tokens is counted before the shift" + SOFT)
def squares_over_all_labels(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = picked(student_logits, teacher_logits, labels)
    squares = ((s - t) / temperature).square().mean(-1).sum() / (labels != -100).sum()
    return alpha * temperature**2 * squares + (1 - alpha) * F.cross_entropy(s, y)


@written(NUMBER, "shift by two positions instead of one", "averaged over the vocabulary as well in both parts")
def shifted_twice_as_a_number(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t, y = picked(student_logits[:, :-1], teacher_logits[:, :-1], labels[:, 1:])
    loss = alpha * temperature**2 * kl(s, t, temperature) + (1 - alpha) * F.cross_entropy(s, y)
    return (loss / s.size(-1)).item()


@written("KL the wrong way round (student || teacher)")
def another_default(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.9):
    s, t, y = picked(student_logits, teacher_logits, labels)
    log_p, log_q = F.log_softmax(t / temperature, -1), F.log_softmax(s / temperature, -1)
    soft = F.kl_div(log_p, log_q, reduction="batchmean", log_target=True) * temperature**2
    return alpha * soft + (1 - alpha) * F.cross_entropy(s, y)


@written()
def renyi(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    """A divergence that nobody has listed gets numbers and no name."""
    s, t, y = picked(student_logits, teacher_logits, labels)
    p, q = (s / temperature).softmax(-1), (t / temperature).softmax(-1)
    soft = -2 * (p.clamp(min=1e-30).sqrt() * q.clamp(min=1e-30).sqrt()).sum(-1).log().mean() * temperature**2
    return alpha * soft + (1 - alpha) * F.cross_entropy(s, y)
