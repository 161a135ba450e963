"""What one position costs: divergences from the teacher (soft part) and costs of a label (hard part), right and wrong.

Each entry is the whole definition of a mistake: its name, the computation, and a price. Of several explanations that
fit a submission the cheapest is named, so a likelier mistake has a lower price. The empty name is the right one.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

RARE = 1.6  # mistakes from this price on are tried with little beside them
NORMALISER = "the value is right, the gradient is not: softmax's normaliser is detached{}"
AFTER = "temperature applied after the softmax instead of before"
TOP_K = "only the teacher's top tokens (top-k) instead of the whole vocabulary"
STANDARDISED = "logits are standardised (mean 0, deviation 1) before they are divided by T"
TWICE = "softmax taken twice on "
LOG_TARGET = " where {} belong (log_target)"
SMOOTHINGS = (0.1, 0.01, 0.05, 0.15, 0.2, 0.3)


def total(terms: Tensor) -> Tensor:
    return terms.sum(-1)


def log(logits: Tensor) -> Tensor:
    return logits.log_softmax(-1)


def soft(logits: Tensor) -> Tensor:
    return logits.softmax(-1)


def kl(log_p: Tensor, log_q: Tensor) -> Tensor:
    return total(log_p.exp() * (log_p - log_q))


def kl_div(log_q: Tensor, p: Tensor) -> Tensor:
    """What ``F.kl_div`` computes, whatever it is given."""
    return total(torch.xlogy(p, p) - p * log_q)


def _jensen(student: Tensor, teacher: Tensor, beta: float) -> Tensor:
    log_p, log_q = log(teacher), log(student)
    middle = torch.logaddexp(log_p + math.log(beta), log_q + math.log1p(-beta))
    return beta * kl(log_p, middle) + (1 - beta) * kl(log_q, middle)


def _skewed(student: Tensor, teacher: Tensor, share: float) -> Tensor:
    log_p, log_q = log(teacher), log(student)
    return kl(log_p, torch.logaddexp(log_p + math.log(share), log_q + math.log1p(-share)))


def _terms(student: Tensor, teacher: Tensor) -> Tensor:
    return soft(teacher) * (log(teacher) - log(student))


def _at(terms: Tensor, logits: Tensor) -> Tensor:
    """The entry at the favourite of ``logits``."""
    return terms.gather(-1, logits.argmax(-1, keepdim=True)).squeeze(-1)


def _unnormalised(logits: Tensor) -> Tensor:
    """log softmax whose normaliser hands on no gradient."""
    return logits - logits.logsumexp(-1, keepdim=True).detach()


Divergence = Callable[[Tensor, Tensor], Tensor]
# name -> (divergence of (student, teacher), both divided by T; price)
DIVERGENCES: dict[str, tuple[Divergence, float]] = {
    "": (lambda s, t: kl(log(t), log(s)), 0),
    "KL the wrong way round (student || teacher)": (lambda s, t: kl(log(s), log(t)), 1),
    "soft cross-entropy instead of KL (the teacher's entropy is not subtracted)": (
        lambda s, t: -total(soft(t) * log(s)),
        1,
    ),
    "soft cross-entropy of the student against the teacher": (lambda s, t: -total(soft(s) * log(t)), 1.2),
    "Jensen-Shannon divergence instead of KL": (lambda s, t: _jensen(s, t, 0.5), 1),
    "symmetric KL (both directions added) instead of KL": (lambda s, t: kl(log(t), log(s)) + kl(log(s), log(t)), 1),
    "mean squared error of logits instead of KL": (lambda s, t: total((s - t) ** 2), 1),
    "mean squared error of probabilities instead of KL": (lambda s, t: total((soft(s) - soft(t)) ** 2), 1),
    "mean squared error of log-probabilities instead of KL": (lambda s, t: total((log(s) - log(t)) ** 2), 1),
    "absolute difference of probabilities instead of KL": (lambda s, t: total((soft(s) - soft(t)).abs()), 1),
    "absolute difference of logits instead of KL": (lambda s, t: total((s - t).abs()), 1),
    "Hellinger distance instead of KL": (lambda s, t: total((soft(s).sqrt() - soft(t).sqrt()) ** 2), 1.5),
    "Huber loss of logits instead of KL": (lambda s, t: total(F.smooth_l1_loss(s, t, reduction="none")), 1.2),
    "square root of KL instead of KL": (lambda s, t: kl(log(t), log(s)).clamp(min=1e-30).sqrt(), 1.5),
    "cosine distance instead of KL": (lambda s, t: 1 - F.cosine_similarity(s, t, dim=-1), 1.5),
    "student probabilities where log-probabilities belong (log forgotten)": (lambda s, t: kl_div(soft(s), soft(t)), 1),
    "log forgotten on both distributions": (lambda s, t: total(soft(t) * (soft(t) - soft(s))), 1.2),
    "softmax of the student forgotten (raw logits)": (lambda s, t: kl_div(s, soft(t)), 1),
    "softmax of the teacher forgotten (raw logits as target)": (lambda s, t: kl_div(log(s), t), 1),
    "softmax of the teacher forgotten (logits as log-target)": (lambda s, t: total(t.exp() * (t - log(s))), 1.2),
    "teacher log-probabilities" + LOG_TARGET.format("probabilities"): (lambda s, t: kl_div(log(s), log(t)), 1),
    "teacher probabilities" + LOG_TARGET.format("log-probabilities"): (
        lambda s, t: total(soft(t).exp() * (soft(t) - log(s))),
        1,
    ),
    "kl_div's arguments swapped, log forgotten": (lambda s, t: kl_div(soft(t), soft(s)), 1.2),
    TWICE + "the student": (lambda s, t: kl(log(t), log(soft(s))), 1),
    TWICE + "the teacher": (lambda s, t: kl(log(soft(t)), log(s)), 1),
    TWICE + "student and teacher": (lambda s, t: kl(log(soft(t)), log(soft(s))), 1),
    "the teacher's top token as a hard label instead of its distribution": (lambda s, t: -_at(log(s), t), 1),
    "maximum over the vocabulary instead of the sum": (lambda s, t: _terms(s, t).amax(-1), 1.2),
    "only the teacher's top token of the sum over the vocabulary": (lambda s, t: _at(_terms(s, t), t), 1.3),
    "the teacher's weights missing from the KL sum": (lambda s, t: total(log(t) - log(s)), 1.3),
    "negative terms of the KL sum are cut off at 0": (lambda s, t: total(_terms(s, t).clamp(min=0)), 1.2),
    "absolute values of the KL's terms are summed": (lambda s, t: total(_terms(s, t).abs()), 1.2),
    "skewed KL (a tenth of the teacher mixed into the student) instead of KL": (lambda s, t: _skewed(s, t, 0.1), RARE),
    "skewed KL (half of the teacher mixed into the student) instead of KL": (lambda s, t: _skewed(s, t, 0.5), RARE),
    NORMALISER: (lambda s, t: kl(log(t), _unnormalised(s)), RARE),
}


def _standard(logits: Tensor, unbiased: bool) -> Tensor:
    return (logits - logits.mean(-1, keepdim=True)) / logits.std(-1, keepdim=True, unbiased=unbiased)


def _top_of_both(s: Tensor, t: Tensor, T: float, k: int) -> Tensor:
    """Both distributions over the teacher's top tokens, as if there were no others."""
    top, places = t.topk(min(k, t.shape[-1]), dim=-1)
    return kl_div(log(s.gather(-1, places) / T), soft(top / T))


def _top_of_teacher(s: Tensor, t: Tensor, T: float, k: int, scaled: bool) -> Tensor:
    """The teacher's probabilities without those of other tokens, scaled up to 1 or not."""
    p = soft(t / T)
    p = torch.where(t >= t.topk(min(k, t.shape[-1]), dim=-1).values[..., -1:], p, 0.0)
    return kl_div(log(s / T), p / total(p).unsqueeze(-1) if scaled else p)


Placed = tuple[str, Callable[[Tensor, Tensor, float], Tensor], float]
# name, divergence of (student, teacher, T), price: these say themselves where T enters
PLACED: tuple[Placed, ...] = (
    (AFTER, lambda s, t, T: kl_div(log(s) / T, soft(t) / T), 1.0),
    (f"{AFTER} on the student", lambda s, t, T: kl_div(log(s) / T, soft(t / T)), 1.1),
    (f"{AFTER} on the teacher", lambda s, t, T: kl_div(log(s / T), soft(t) / T), 1.1),
    (TWICE + "the student", lambda s, t, T: kl_div(log(soft(s) / T), soft(t / T)), 1.1),
    (TWICE + "the teacher", lambda s, t, T: kl_div(log(s / T), soft(soft(t) / T)), 1.1),
    (TWICE + "student and teacher", lambda s, t, T: kl_div(log(soft(s) / T), soft(soft(t) / T)), 1.1),
    *((STANDARDISED, lambda s, t, T, u=u: kl_div(log(_standard(s, u) / T), soft(_standard(t, u) / T)), 1.3)
      for u in (True, False)),
    *((TOP_K, lambda s, t, T, k=k: _top_of_both(s, t, T, k), 1.2) for k in (2, 3, 5)),
    *((TOP_K, lambda s, t, T, k=k, scaled=scaled: _top_of_teacher(s, t, T, k, scaled), 1.2)
      for k in (2, 3, 5) for scaled in (True, False)),
)  # fmt: skip

LabelCost = Callable[[Tensor, Tensor, Tensor], Tensor]
# name -> (cost of (student, teacher, one-hot label), price): a divergence in which the label has no place
WITH_LABEL: dict[str, tuple[LabelCost, float]] = {
    "only the label's token of the sum over the vocabulary": (lambda s, t, hot: total(hot * _terms(s, t)), RARE),
    "the log-ratio at the label instead of the sum over the vocabulary": (
        lambda s, t, hot: total(hot * (log(t) - log(s))),
        RARE,
    ),
}
# name -> (cost of (student, teacher, one-hot label), price)
LABEL_COSTS: dict[str, tuple[LabelCost, float]] = {
    "": (lambda s, t, hot: -total(hot * log(s)), 0),
    "log forgotten in the hard part (probability instead of log-probability)": (
        lambda s, t, hot: -total(hot * soft(s)),
        1,
    ),
    "one minus the probability instead of its negative log in the hard part": (
        lambda s, t, hot: 1 - total(hot * soft(s)),
        1.1,
    ),
    "softmax missing in the hard part (raw logits)": (lambda s, t, hot: -total(hot * s), 1),
    "softmax taken twice in the hard part": (lambda s, t, hot: -total(hot * log(soft(s))), 1),
    "cross-entropy of the teacher instead of the student": (lambda s, t, hot: -total(hot * log(t)), 1),
    "the teacher's top token as the label in the hard part": (lambda s, t, hot: -_at(log(s), t), 1),
    "the teacher's distribution instead of the label in the hard part": (lambda s, t, hot: kl(log(t), log(s)), 1.1),
    "squared error of probabilities instead of cross-entropy": (lambda s, t, hot: total((soft(s) - hot) ** 2), 1),
    "squared error of logits instead of cross-entropy": (lambda s, t, hot: total((s - hot) ** 2), 1.2),
    "binary cross-entropy instead of cross-entropy": (
        lambda s, t, hot: total(F.binary_cross_entropy_with_logits(s, hot, reduction="none")),
        1,
    ),
    "focal loss instead of cross-entropy": (
        lambda s, t, hot: -((1 - total(hot * soft(s))) ** 2) * total(hot * log(s)),
        1.5,
    ),
    "sum of log-probabilities over the whole vocabulary in the hard part": (lambda s, t, hot: -total(log(s)), 1.5),
    "the label's id is one too low in the hard part": (lambda s, t, hot: -total(hot.roll(-1, -1) * log(s)), RARE),
    "the label's id is one too high in the hard part": (lambda s, t, hot: -total(hot.roll(1, -1) * log(s)), RARE),
    NORMALISER: (lambda s, t, hot: -total(hot * _unnormalised(s)), RARE),
    **{
        f"an epsilon of {size:g} inside the log in the hard part": (
            lambda s, t, hot, e=size: -(total(hot * soft(s)) + e).log(),
            RARE,
        )
        for size in (1e-3, 1e-2)
    },
    **{
        f"label smoothing ({amount:g}) in the hard part": (
            lambda s, t, hot, a=amount: -total(((1 - a) * hot + a / s.shape[-1]) * log(s)),
            1.1,
        )
        for amount in SMOOTHINGS
    },
}
