"""Wrong losses as learners and printed notebooks have them, each by hand, with the names that an expert would give.

They test the engine on what no recipe cooks. s, t, y, T, a: student, teacher, labels, temperature, alpha. ``SEVERAL``
are listings whose mistakes the catalogue has one by one.
"""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F

BATCHMEAN = "divided by the batch size (batchmean), not by the number of valid tokens"
ROLLED = "labels rolled around: the last position is scored against the first token"
SOFT, HARD, BOTH = " in the soft part", " in the hard part", " in both parts"
NO_SHIFT = "no causal shift"
NUMBER = "a Python number instead of a tensor: no gradient can flow"
ON_BOTH = "alpha on both parts: 1 - alpha missing on the hard part"

SEVERAL = (
    (NO_SHIFT, "padding counted" + SOFT, BATCHMEAN + SOFT),
    ("gradient flows into the teacher", NO_SHIFT, "averaged over the vocabulary as well" + SOFT),
    (NO_SHIFT, "the last position is left out" + BOTH),
    ("alpha and 1 - alpha swapped", "no gradient reaches the student" + SOFT),
    (NUMBER, "alpha hard-coded instead of the argument"),
    (ON_BOTH, "sign flipped" + HARD),
    (ON_BOTH, NO_SHIFT, "temperature in the hard part"),
    (NUMBER, "shift by two positions instead of one", "averaged over the vocabulary as well" + BOTH),
)
WRITTEN: list[tuple[Callable, tuple[str, ...]]] = []


def written(*names: str) -> Callable[[Callable], Callable]:
    """Enter a loss into the list, with the names of what is wrong in it."""
    return lambda function: WRITTEN.append((function, names)) or function


def softly(*names: str) -> Callable[[Callable], Callable]:
    """Enter a loss that is right but for its soft part: of (s, t, y, T) at valid positions, without T squared."""

    def enter(soft: Callable) -> Callable:
        def loss(s, t, y, T=3.0, a=0.5):
            s, t, y = picked(s, t, y)
            return blend(soft(s, t, y, T), F.cross_entropy(s, y), T, a)

        loss.__name__ = soft.__name__
        return written(*names)(loss)

    return enter


def picked(s, t, y):
    keep = y[:, 1:] != -100
    return s[:, :-1][keep], t[:, :-1][keep].detach(), y[:, 1:][keep]


def blend(soft, hard, T, a):
    return a * T**2 * soft + (1 - a) * hard


def kl(s, t, T, reduction="batchmean"):
    return F.kl_div(F.log_softmax(s / T, -1), F.softmax(t / T, -1), reduction=reduction)


def plain(s, t, y, T, a):
    return blend(kl(s, t, T), F.cross_entropy(s, y), T, a)


@softly("valid tokens do not all count the same" + SOFT)
def by_confidence(s, t, y, T):
    return (F.softmax(t, -1).amax(-1) * kl(s, t, T, "none").sum(-1)).mean()


@softly("some valid tokens are left out" + SOFT)
def where_the_teacher_is_right(s, t, y, T):
    good = (t.argmax(-1) == y).float()
    return (kl(s, t, T, "none").sum(-1) * good).sum() / good.sum().clamp(min=1)


@softly("softmax over the tokens instead of the vocabulary" + SOFT)
def first_axis(s, t, y, T):
    return F.kl_div((s / T).log_softmax(0), (t / T).softmax(0), reduction="batchmean")


@softly("softmax over the tokens and the vocabulary at once instead of the vocabulary" + SOFT)
def flattened_to_one_axis(s, t, y, T):
    return F.kl_div(F.log_softmax(s.flatten() / T, 0), F.softmax(t.flatten() / T, 0), reduction="sum")


@softly("top-k: only some of the vocabulary's tokens are compared")
def top_fifty(s, t, y, T):
    top, places = t.topk(50, -1)
    return kl(s.gather(-1, places), top, T)


@softly(
    "temperature applied after the softmax instead of before",
    "unstable at large logits: an exp or a log leaves the range" + SOFT,
)
def divided_too_late(s, t, y, T):
    p, log_q = F.softmax(t, -1) / T, F.log_softmax(s, -1) / T
    return (p * (p.log() - log_q)).sum(-1).mean()


@softly("scaled by T instead of T squared", "doubled" + SOFT)
def times_two_for_squared(s, t, y, T):
    return kl(s, t, T) * 2 / T


@softly()
def renyi(s, t, y, T):
    """A divergence that nobody has listed gets numbers and no name."""
    return -2 * ((s / T).softmax(-1) * (t / T).softmax(-1)).clamp(min=1e-38).sqrt().sum(-1).log().mean()


@written("softmax over the row and the vocabulary at once instead of the vocabulary" + SOFT)
def flattened_rows(s, t, y, T=3.0, a=0.5):
    rows, others = (x[:, :-1].flatten(1) for x in (s, t.detach()))
    s, _, y = picked(s, t, y)
    return blend(kl(rows, others, T), F.cross_entropy(s, y), T, a)


@written("temperature and alpha swapped in the list of arguments")
def other_order(s, t, y, a=0.5, T=3.0):
    return plain(*picked(s, t, y), T, a)


@written("student and teacher swapped: the gradient reaches the teacher's logits, none the student's")
def teacher_first(t, s, y, T=3.0, a=0.5):
    return plain(*picked(s, t, y), T, a)


@written("divided by all positions, ignored ones included" + SOFT, "NaN or infinite")
def filled_with_nan(s, t, y, T=3.0, a=0.5):
    s, t, y = s[:, :-1], t[:, :-1].detach(), y[:, 1:]
    soft = kl(s, t, T, "none").sum(-1).masked_fill(y == -100, float("nan")).mean()
    return blend(soft, F.cross_entropy(s.flatten(0, 1), y.flatten()), T, a)


@written("labels shifted but the mask is not", ROLLED + HARD)
def rolled_labels(s, t, y, T=3.0, a=0.5):
    keep = y != -100
    return plain(s[keep], t[keep].detach(), y.roll(-1, dims=1)[keep].clamp(min=0), T, a)


@written("backward() is called on the same graph twice, or too early by the function itself")
def backward_inside(s, t, y, T=3.0, a=0.5):
    loss = plain(*picked(s, t, y), T, a)
    loss.backward()
    return loss


@written("an exception: RuntimeError")
def cross_entropy_on_three_axes(s, t, y, T=3.0, a=0.5):
    return plain(s, t, y, T, a)


@written("-100 is taken for a class: ignored labels are not left out")
def another_ignore_index(s, t, y, T=3.0, a=0.5):
    return F.cross_entropy(s[:, :-1].transpose(1, 2), y[:, 1:], ignore_index=-1)


@written("the arguments are not the task's")
def three_arguments(s, t, y):
    return plain(*picked(s, t, y), 3.0, 0.5)


@written("soft and hard part are added without alpha", "symmetric KL (mean of both directions) instead of KL")
def sum_of_both(s, t, y, T=3.0, a=0.5):
    s, t, y = picked(s, t, y)
    log_p, log_q = F.log_softmax(t / T, -1), F.log_softmax(s / T, -1)
    both_ways = ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(-1).mean()
    return T**2 * both_ways / 2 + F.cross_entropy(s, y)
