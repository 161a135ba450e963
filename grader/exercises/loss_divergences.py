"""What divergence stands between teacher and student at one token, rightly or wrongly: the catalogue.

The plain ones compare two logits that T has already divided; others say themselves where T enters (after the softmax,
between two of them, on some tokens only). The mistake this prevents is a name for a whole loss that fits one T only.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Divergence = Callable[[Tensor, Tensor], Tensor]
LabelCost = Callable[[Tensor, Tensor, Tensor], Tensor]
Distributions = Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]]

NORMALISER = "the value is right, the gradient is not: softmax's normaliser is detached{}"


def total(terms: Tensor) -> Tensor:
    return terms.sum(-1)


def kl(log_p: Tensor, log_q: Tensor) -> Tensor:
    return total(log_p.exp() * (log_p - log_q))


def _jensen(student: Tensor, teacher: Tensor, beta: float) -> Tensor:
    log_p, log_q = teacher.log_softmax(-1), student.log_softmax(-1)
    middle = torch.logaddexp(log_p + math.log(beta), log_q + math.log1p(-beta))
    return beta * kl(log_p, middle) + (1 - beta) * kl(log_q, middle)


def _mixed_logs(student: Tensor, teacher: Tensor) -> Tensor:
    log_p, log_q = teacher.log_softmax(-1), student.log_softmax(-1)
    middle = (log_p + log_q) / 2
    return (kl(log_p, middle) + kl(log_q, middle)) / 2


def log(logits: Tensor) -> Tensor:
    return logits.log_softmax(-1)


def soft(logits: Tensor) -> Tensor:
    return logits.softmax(-1)


def _against_mixture(student: Tensor, teacher: Tensor, share: float) -> Tensor:
    """KL(p || share p + (1 - share) q), which DistiLLM calls skewed."""
    log_p, log_q = log(teacher), log(student)
    return kl(log_p, torch.logaddexp(log_p + math.log(share), log_q + math.log1p(-share)))


def _towards_uniform(student: Tensor, teacher: Tensor, amount: float) -> Tensor:
    return kl(((1 - amount) * soft(teacher) + amount / teacher.shape[-1]).log(), log(student))


def unnormalised(logits: Tensor) -> Tensor:
    """log softmax whose normaliser hands on no gradient."""
    return logits - logits.logsumexp(-1, keepdim=True).detach()


# name -> divergence of (student, teacher), both already divided by T
DIVERGENCES: dict[str, tuple[Divergence, float]] = {
    "": (lambda s, t: kl(log(t), log(s)), 0),
    "KL the wrong way round (student || teacher)": (lambda s, t: kl(log(s), log(t)), 1),
    "soft cross-entropy instead of KL (the teacher's entropy is not subtracted)": (
        lambda s, t: -total(soft(t) * log(s)),
        1,
    ),
    "soft cross-entropy of the student against the teacher": (lambda s, t: -total(soft(s) * log(t)), 1.2),
    "Jensen-Shannon divergence instead of KL": (lambda s, t: _jensen(s, t, 0.5), 1),
    "generalized Jensen-Shannon divergence (beta 0.1) instead of KL": (lambda s, t: _jensen(s, t, 0.1), 1.5),
    "generalized Jensen-Shannon divergence (beta 0.9) instead of KL": (lambda s, t: _jensen(s, t, 0.9), 1.5),
    "Jensen-Shannon with log-probabilities mixed instead of probabilities": (_mixed_logs, 1.5),
    "symmetric KL (both directions added) instead of KL": (
        lambda s, t: kl(log(t), log(s)) + kl(log(s), log(t)),
        1,
    ),
    "mean squared error of logits instead of KL": (lambda s, t: total((s - t) ** 2), 1),
    "mean squared error of probabilities instead of KL": (lambda s, t: total((soft(s) - soft(t)) ** 2), 1),
    "mean squared error of log-probabilities instead of KL": (lambda s, t: total((log(s) - log(t)) ** 2), 1),
    "absolute difference of probabilities instead of KL": (lambda s, t: total((soft(s) - soft(t)).abs()), 1),
    "absolute difference of logits instead of KL": (lambda s, t: total((s - t).abs()), 1),
    "Hellinger distance instead of KL": (
        lambda s, t: total((soft(s).sqrt() - soft(t).sqrt()) ** 2),
        1.5,
    ),
    "Huber loss of logits instead of KL": (lambda s, t: total(F.smooth_l1_loss(s, t, reduction="none")), 1.2),
    "square root of KL instead of KL": (lambda s, t: kl(log(t), log(s)).clamp(min=1e-30).sqrt(), 1.5),
    "cosine distance instead of KL": (lambda s, t: 1 - F.cosine_similarity(s, t, dim=-1), 1.5),
    "cosine distance of probabilities instead of KL": (
        lambda s, t: 1 - F.cosine_similarity(soft(s), soft(t), dim=-1),
        1.5,
    ),
    "student probabilities where log-probabilities belong (log forgotten)": (
        lambda s, t: total(soft(t) * (log(t) - soft(s))),
        1,
    ),
    "log forgotten on both distributions": (lambda s, t: total(soft(t) * (soft(t) - soft(s))), 1.2),
    "softmax of the student forgotten (raw logits)": (lambda s, t: total(soft(t) * (log(t) - s)), 1),
    "softmax of the teacher forgotten (raw logits as target)": (lambda s, t: total(torch.xlogy(t, t) - t * log(s)), 1),
    "softmax of the teacher forgotten (logits as log-target)": (lambda s, t: total(t.exp() * (t - log(s))), 1.2),
    "teacher log-probabilities where probabilities belong (log_target)": (
        lambda s, t: total(torch.xlogy(log(t), log(t)) - log(t) * log(s)),
        1,
    ),
    "teacher probabilities where log-probabilities belong (log_target)": (
        lambda s, t: total(soft(t).exp() * (soft(t) - log(s))),
        1,
    ),
    "kl_div's arguments swapped": (lambda s, t: total(torch.xlogy(log(s), log(s)) - log(s) * soft(t)), 1),
    "kl_div's arguments swapped, log forgotten": (
        lambda s, t: total(soft(s) * (log(s) - soft(t))),
        1.2,
    ),
    "softmax taken twice on the student": (lambda s, t: kl(log(t), log(soft(s))), 1),
    "softmax taken twice on the teacher": (lambda s, t: kl(log(soft(t)), log(s)), 1),
    "softmax taken twice on student and teacher": (lambda s, t: kl(log(soft(t)), log(soft(s))), 1),
    "the teacher's top token as a hard label instead of its distribution": (
        lambda s, t: -log(s).gather(-1, t.argmax(-1, keepdim=True)).squeeze(-1),
        1,
    ),
    "maximum over the vocabulary instead of the sum": (lambda s, t: (soft(t) * (log(t) - log(s))).amax(-1), 1.2),
    "only the teacher's top token of the sum over the vocabulary": (
        lambda s, t: (soft(t) * (log(t) - log(s))).gather(-1, t.argmax(-1, keepdim=True)).squeeze(-1),
        1.3,
    ),
    "the teacher's weights missing from the KL sum": (lambda s, t: total(log(t) - log(s)), 1.3),
    "negative terms of the KL sum are cut off at 0": (
        lambda s, t: total((soft(t) * (log(t) - log(s))).clamp(min=0)),
        1.2,
    ),
    "absolute values of the KL's terms are summed": (lambda s, t: total((soft(t) * (log(t) - log(s))).abs()), 1.2),
}
RARE = 1.6  # costs from this one on are tried with little beside them
DIVERGENCES |= {
    "skewed KL (a tenth of the teacher mixed into the student) instead of KL": (
        lambda s, t: _against_mixture(s, t, 0.1),
        RARE,
    ),
    "skewed KL (half of the teacher mixed into the student) instead of KL": (
        lambda s, t: _against_mixture(s, t, 0.5),
        RARE,
    ),
    "KL's terms weighed by the mean of both distributions instead of the teacher's": (
        lambda s, t: total((soft(s) + soft(t)) / 2 * (log(t) - log(s))),
        RARE,
    ),
    "binary cross-entropy instead of KL": (
        lambda s, t: total(F.binary_cross_entropy_with_logits(s, t.sigmoid(), reduction="none")),
        RARE,
    ),
    "the student's entropy subtracted instead of the teacher's": (
        lambda s, t: total((soft(s) - soft(t)) * log(s)),
        RARE,
    ),
    "KL squared instead of KL": (lambda s, t: kl(log(t), log(s)) ** 2, RARE),
    "the teacher's distribution smoothed towards the uniform one (0.1)": (
        lambda s, t: _towards_uniform(s, t, 0.1),
        RARE,
    ),
    NORMALISER: (lambda s, t: kl(log(t), unnormalised(s)), RARE),
}
AFTER = "temperature applied after the softmax instead of before"
SELECTED = "only the teacher's top tokens (top-k) instead of the whole vocabulary"
STANDARDISED = "logits are standardised (mean 0, deviation 1) before they are divided by T"
TOP = (2, 3, 5)


def _standard(logits: Tensor, unbiased: bool) -> Tensor:
    return (logits - logits.mean(-1, keepdim=True)) / logits.std(-1, keepdim=True, unbiased=unbiased)


def _top_of_both(s: Tensor, t: Tensor, T: float, k: int) -> tuple[Tensor, Tensor]:
    """Both distributions over the teacher's top tokens, as if there were no others."""
    top, places = t.topk(k, dim=-1)
    return log(s.gather(-1, places) / T), soft(top / T)


def _top_of_teacher(s: Tensor, t: Tensor, T: float, k: int, scaled: bool) -> tuple[Tensor, Tensor]:
    """The teacher's probabilities without those of other tokens, scaled up to 1 or not."""
    p = soft(t / T)
    p = torch.where(t >= t.topk(k, dim=-1).values[..., -1:], p, 0.0)
    return log(s / T), p / p.sum(-1, keepdim=True) if scaled else p


# name, (log q, p) as kl_div gets them, of (student, teacher, T), how far-fetched
OTHERWISE: tuple[tuple[str, Distributions, float], ...] = (
    (AFTER, lambda s, t, T: (log(s) / T, soft(t) / T), 1.0),
    (f"{AFTER} on the student", lambda s, t, T: (log(s) / T, soft(t / T)), 1.1),
    (f"{AFTER} on the teacher", lambda s, t, T: (log(s / T), soft(t) / T), 1.1),
    ("softmax taken twice on the student", lambda s, t, T: (log(soft(s) / T), soft(t / T)), 1.1),
    ("softmax taken twice on the teacher", lambda s, t, T: (log(s / T), soft(soft(t) / T)), 1.1),
    ("softmax taken twice on student and teacher", lambda s, t, T: (log(soft(s) / T), soft(soft(t) / T)), 1.1),
    *(
        (STANDARDISED, lambda s, t, T, u=unbiased: (log(_standard(s, u) / T), soft(_standard(t, u) / T)), 1.3)
        for unbiased in (True, False)
    ),
    *((SELECTED, lambda s, t, T, k=k: _top_of_both(s, t, T, k), 1.2) for k in TOP),
    *(
        (SELECTED, lambda s, t, T, k=k, scaled=scaled: _top_of_teacher(s, t, T, k, scaled), 1.2)
        for k in TOP
        for scaled in (True, False)
    ),
)
# Where the label has no place: name -> cost of (student, teacher, one-hot label), both logits already divided by T
WITH_LABEL: dict[str, tuple[LabelCost, float]] = {
    "only the label's token of the sum over the vocabulary": (
        lambda s, t, hot: total(hot * soft(t) * (log(t) - log(s))),
        RARE,
    ),
    "the log-ratio at the label instead of the sum over the vocabulary": (
        lambda s, t, hot: total(hot * (log(t) - log(s))),
        RARE,
    ),
    "the label's token is left out of the soft part's softmax": (
        lambda s, t, hot: kl(log(t - 1e4 * hot), log(s - 1e4 * hot)),
        RARE,
    ),
    "the label is mixed into the teacher's distribution (half and half)": (
        lambda s, t, hot: total(torch.xlogy((soft(t) + hot) / 2, (soft(t) + hot) / 2) - (soft(t) + hot) / 2 * log(s)),
        RARE,
    ),
}
