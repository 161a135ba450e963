"""Lab 1's functions in several right ways, and wrong ones that are not plain choices of a variant."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F

from grader.exercise import Misconception


def softmax_method(logits, temperature):
    return (logits / temperature).softmax(dim=-1)


def softmax_function(logits, temperature):
    return F.softmax(logits.double() / temperature, -1)


def by_hand(logits, temperature):
    scaled = logits / temperature
    weights = torch.exp(scaled - scaled.max(dim=-1, keepdim=True).values)
    return weights / weights.sum(dim=-1, keepdim=True)


def through_logs(x, T):
    return torch.exp(torch.log_softmax(x.div(T), dim=x.ndim - 1))


def without_gradient(logits, temperature):
    with torch.no_grad():
        return torch.softmax(logits * (1.0 / temperature), -1)


def one_row_at_a_time(logits, temperature, dim=-1):
    rows = logits.reshape(-1, logits.shape[-1])
    return torch.stack([torch.softmax(row / temperature, 0) for row in rows]).view(logits.shape)


def softmin_of_the_negative(logits, temperature):
    return F.softmin(-logits / temperature, dim=-1)


class SoftTargets(torch.nn.Softmax):
    """A module whose call divides first."""

    def __call__(self, logits, temperature):
        return super().__call__(logits / temperature)


def entropy_where(probabilities):
    logs = torch.where(probabilities > 0, probabilities, 1.0).log()
    return -(probabilities * logs).sum(-1)


def entropy_xlogy(probabilities):
    return -torch.xlogy(probabilities, probabilities).sum(dim=-1)


def entropy_entr(probabilities):
    return torch.special.entr(probabilities).sum(-1)


def entropy_clamped(probabilities):
    return -(probabilities * probabilities.clamp(min=1e-12).log()).sum(-1)


def entropy_nan_to_num(probabilities):
    return -torch.nan_to_num(probabilities * torch.log(probabilities)).sum(-1)


def entropy_bits_back(probabilities):
    return -(probabilities * torch.log2(probabilities + (probabilities == 0))).sum(-1) * torch.log(torch.tensor(2.0))


def entropy_nansum(probabilities):
    return -(probabilities * probabilities.log()).nansum(-1)


def entropy_of_positive_ones(probabilities):
    terms, positive = torch.zeros_like(probabilities), probabilities > 0
    terms[positive] = -probabilities[positive] * probabilities[positive].log()
    return terms.sum(-1)


def kl_logs(p_logits, q_logits):
    log_p, log_q = p_logits.log_softmax(-1), q_logits.log_softmax(-1)
    return (log_p.exp() * (log_p - log_q)).sum(-1)


def kl_library(p_logits, q_logits):
    return F.kl_div(F.log_softmax(q_logits, -1), F.softmax(p_logits, -1), reduction="none").sum(-1)


def kl_log_target(p_logits, q_logits):
    log_q, log_p = q_logits.log_softmax(-1), p_logits.log_softmax(-1)
    return F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(dim=-1)


def kl_cross_minus_entropy(p_logits, q_logits):
    p = p_logits.double().softmax(-1)
    return -(p * q_logits.double().log_softmax(-1)).sum(-1) - torch.special.entr(p).sum(-1)


def kl_einsum(p_logits, q_logits):
    log_p, log_q = torch.log_softmax(p_logits, -1), torch.log_softmax(q_logits, -1)
    return torch.einsum("...v,...v->...", log_p.exp(), log_p - log_q)


def kl_of_logits(p_logits, q_logits):
    """The expected difference of the logits, and of their normalisers."""
    expected = (p_logits.softmax(-1) * (p_logits - q_logits)).sum(-1)
    return expected - p_logits.logsumexp(-1) + q_logits.logsumexp(-1)


def kl_one_row_at_a_time(p_logits, q_logits):
    size = p_logits.shape[-1]
    pairs = zip(p_logits.reshape(-1, size), q_logits.reshape(-1, size), strict=True)
    rows = [F.kl_div(q.log_softmax(0), p.softmax(0), reduction="sum") for p, q in pairs]
    return torch.stack(rows).reshape(p_logits.shape[:-1])


RIGHT: dict[str, dict[str, Callable]] = {
    "soft_targets": {
        f.__name__: f
        for f in (
            softmax_method, softmax_function, by_hand, through_logs, without_gradient, one_row_at_a_time,
            softmin_of_the_negative,
        )
    } | {"module": SoftTargets(dim=-1)},
    "entropy": {
        f.__name__: f
        for f in (
            entropy_where, entropy_xlogy, entropy_entr, entropy_clamped, entropy_nan_to_num, entropy_bits_back,
            entropy_nansum, entropy_of_positive_ones,
        )
    },
    "kl_divergence": {
        f.__name__: f
        for f in (
            kl_logs, kl_library, kl_log_target, kl_cross_minus_entropy, kl_einsum, kl_of_logits, kl_one_row_at_a_time,
        )
    },
}  # fmt: skip


def soft_targets_overflowing(logits, temperature):
    weights = torch.exp(logits / temperature)
    return weights / weights.sum(-1, keepdim=True)


def soft_targets_in_place(logits, temperature):
    return logits.div_(temperature).softmax(-1)


def entropy_of_zero(probabilities):
    return -(probabilities * probabilities.log()).sum(-1)


def kl_of_probabilities(p_logits, q_logits):
    p, q = p_logits.softmax(-1), q_logits.softmax(-1)
    return (p * (p / q).log()).sum(-1)


def scaled(right: Callable) -> tuple[Misconception, ...]:
    """A right function whose numbers are multiplied with something."""
    factors: tuple[tuple[str, str, Callable], ...] = (
        ("bits instead of nats (base 2)", "log2.", lambda inputs: 1 / math.log(2)),
        ("base-10 logarithm instead of nats", "log10.", lambda inputs: 1 / math.log(10)),
        ("sign flipped", "The minus is missing, or one too many.", lambda inputs: -1.0),
        ("halved", "A factor 1/2.", lambda inputs: 0.5),
        (
            "divided by the log of the number of classes (normalised)",
            "Between 0 and 1.",
            lambda inputs: 1 / math.log(inputs[0].shape[-1]),
        ),
    )
    return tuple(Misconception(name, sentence, _times(right, factor)) for name, sentence, factor in factors)


def _times(right: Callable, factor: Callable) -> Callable:
    return lambda *inputs: right(*inputs) * factor(inputs)
