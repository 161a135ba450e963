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


def picked(s, t, y):
    keep = y[:, 1:] != -100
    return s[:, :-1][keep], t[:, :-1][keep].detach(), y[:, 1:][keep]


def kl(s, t, T, reduction="batchmean"):
    return F.kl_div(F.log_softmax(s / T, -1), F.softmax(t / T, -1), reduction=reduction)


def each(s, t, T):
    return kl(s, t, T, "none").sum(-1)


def log(logits):
    return F.log_softmax(logits, -1)


def plain(s, t, y, T, a, soft=None):
    """The blend, of logits and labels at the positions that are given."""
    return a * T**2 * (kl(s, t, T) if soft is None else soft) + (1 - a) * F.cross_entropy(s, y)


def softly(soft: Callable) -> Callable:
    """A loss that is right but for its soft part: of (s, t, y, T) at valid positions, without T squared."""

    def loss(s, t, y, T=3.0, a=0.5):
        s, t, y = picked(s, t, y)
        return plain(s, t, y, T, a, soft(s, t, y, T))

    return loss


def of_rows(s, t, y, T=3.0, a=0.5):
    rows, others = (x[:, :-1].flatten(1) for x in (s, t.detach()))
    return plain(*picked(s, t, y), T, a, kl(rows, others, T))


def filled_with_nan(s, t, y, T=3.0, a=0.5):
    ignored, costs = y[:, 1:] == -100, each(s[:, :-1], t[:, :-1].detach(), T)
    return plain(*picked(s, t, y), T, a, costs.masked_fill(ignored, float("nan")).mean())


def rolled_labels(s, t, y, T=3.0, a=0.5):
    keep = y != -100
    return plain(s[keep], t[keep].detach(), y.roll(-1, dims=1)[keep].clamp(min=0), T, a)


def backward_inside(s, t, y, T=3.0, a=0.5):
    loss = plain(*picked(s, t, y), T, a)
    loss.backward()
    return loss


def sum_of_both(s, t, y, T=3.0, a=0.5):
    s, t, y = picked(s, t, y)
    both_ways = ((F.softmax(t / T, -1) - F.softmax(s / T, -1)) * (log(t / T) - log(s / T))).sum(-1).mean()
    return T**2 * both_ways / 2 + F.cross_entropy(s, y)


def where_the_teacher_is_right(s, t, y, T):
    good = (t.argmax(-1) == y).float()
    return (each(s, t, T) * good).sum() / good.sum().clamp(min=1)


def divided_too_late(s, t, y, T):
    p, log_q = F.softmax(t, -1) / T, log(s) / T
    return (p * (p.log() - log_q)).sum(-1).mean()


def top_fifty(s, t, y, T):
    top, places = t.topk(50, -1)
    return kl(s.gather(-1, places), top, T)


@softly
def renyi(s, t, y, T):
    """A divergence that nobody has listed gets numbers and no name."""
    return -2 * ((s / T).softmax(-1) * (t / T).softmax(-1)).clamp(min=1e-38).sqrt().sum(-1).log().mean()


SOFTLY: dict[tuple[str, ...], Callable] = {
    ("valid tokens do not all count the same" + SOFT,): lambda s, t, y, T: (
        F.softmax(t, -1).amax(-1) * each(s, t, T)
    ).mean(),
    ("some valid tokens are left out" + SOFT,): where_the_teacher_is_right,
    ("softmax over the tokens instead of the vocabulary" + SOFT,): lambda s, t, y, T: kl(s.T, t.T, T, "sum") / len(s),
    ("softmax over the tokens and the vocabulary at once instead of the vocabulary" + SOFT,): lambda s, t, y, T: kl(
        s.flatten(), t.flatten(), T, "sum"
    ),
    ("top-k: only some of the vocabulary's tokens are compared",): top_fifty,
    (
        "temperature applied after the softmax instead of before",
        "unstable at large logits: an exp or a log leaves the range" + SOFT,
    ): divided_too_late,
    ("scaled by T instead of T squared", "doubled" + SOFT): lambda s, t, y, T: kl(s, t, T) * 2 / T,
}
WRITTEN: dict[tuple[str, ...], Callable] = {names: softly(soft) for names, soft in SOFTLY.items()} | {
    (): renyi,
    ("softmax over the row and the vocabulary at once instead of the vocabulary" + SOFT,): of_rows,
    ("temperature and alpha swapped in the list of arguments",): lambda s, t, y, a=0.5, T=3.0: plain(
        *picked(s, t, y), T, a
    ),
    ("student and teacher swapped: the gradient reaches the teacher's logits, none the student's",): (
        lambda t, s, y, T=3.0, a=0.5: plain(*picked(s, t, y), T, a)
    ),
    ("divided by all positions, ignored ones included" + SOFT, "NaN or infinite"): filled_with_nan,
    ("labels shifted but the mask is not", ROLLED + HARD): rolled_labels,
    ("backward() is called on the same graph twice, or too early by the function itself",): backward_inside,
    ("an exception: RuntimeError",): lambda s, t, y, T=3.0, a=0.5: plain(s, t, y, T, a),
    ("-100 is taken for a class: ignored labels are not left out",): lambda s, t, y, T=3.0, a=0.5: F.cross_entropy(
        s[:, :-1].transpose(1, 2), y[:, 1:], ignore_index=-1
    ),
    ("the arguments are not the task's",): lambda s, t, y: plain(*picked(s, t, y), 3.0, 0.5),
    ("soft and hard part are added without alpha", "symmetric KL (mean of both directions) instead of KL"): sum_of_both,
}
