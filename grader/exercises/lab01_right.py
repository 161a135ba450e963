"""Lab 1's functions in several right ways, and wrong ones that are not plain choices of a variant."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F


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


RIGHT: dict[str, dict[str, Callable]] = {
    "soft_targets": {
        f.__name__: f for f in (softmax_method, softmax_function, by_hand, through_logs, without_gradient)
    },
    "entropy": {
        f.__name__: f
        for f in (
            entropy_where, entropy_xlogy, entropy_entr, entropy_clamped, entropy_nan_to_num, entropy_bits_back,
        )
    },
    "kl_divergence": {
        f.__name__: f for f in (kl_logs, kl_library, kl_log_target, kl_cross_minus_entropy, kl_einsum)
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
