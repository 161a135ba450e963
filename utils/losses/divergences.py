"""Other ways to be far apart: reverse KL and the generalised Jensen-Shannon divergence.

KL(teacher || student) makes a student cover all that the teacher holds for likely; the reverse makes it choose.  Names
like `kl(p, q)` and TRL's `beta` have been read both ways.  Here the teacher is P, the student is Q, and

    JSD_beta = beta KL(P || M) + (1 - beta) KL(Q || M),   M = beta P + (1 - beta) Q    (Agarwal et al., 2024, GKD)

At beta = 0 and 1 this is 0, so there, as in TRL, it means the limits of JSD / beta and JSD / (1 - beta): KL(P || Q) and
KL(Q || P).  Shapes, the shift, the mask and the factor T^2 are those of utils.losses.core.

Between the ends beta moves the strength of the gradient more than its direction: near 0 the divergence is beta times
forward KL, and near 1 it is 1 - beta times reverse KL.  A learning rate that suits one beta does not suit another.

The drafts of Lab 4 are compared with the reverse (benchmarks/speculation_drafts.py); Lab 6 trains with all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from utils.errors import CourseError
from utils.losses.core import TokenSum, at_least_float32, kl_divergence, require_temperature, shifted

LOWEST = -1e30


def reverse_kl_loss(student_logits: Tensor, teacher_logits: Tensor, labels: Tensor, temperature: float) -> TokenSum:
    """T^2 KL(softmax(student / T) || softmax(teacher / T)), summed over valid positions (nats)."""
    return _summed(lambda p, q: kl_divergence(q, p), student_logits, teacher_logits, labels, temperature)


def jsd_loss(
    student_logits: Tensor, teacher_logits: Tensor, labels: Tensor, temperature: float, beta: float = 0.5
) -> TokenSum:
    """T^2 JSD_beta(softmax(teacher / T), softmax(student / T)), summed over valid positions (nats)."""
    return _summed(lambda p, q: jsd(p, q, beta), student_logits, teacher_logits, labels, temperature)


def jsd(p_logits: Tensor, q_logits: Tensor, beta: float = 0.5) -> Tensor:
    """JSD_beta(p, q) in nats over the last axis, p the teacher: (..., V), (..., V) -> (...).

    beta = 0 gives KL(p || q), beta = 1 gives KL(q || p).  Raises CourseError for a beta outside [0, 1].
    """
    if not 0 <= beta <= 1:
        raise CourseError(f"beta is {beta}; it weighs the teacher in the mixture and must lie between 0 and 1.")
    if beta == 0:
        return kl_divergence(p_logits, q_logits)
    if beta == 1:
        return kl_divergence(q_logits, p_logits)
    # A token that both rule out has the logarithm -inf, and logaddexp of two of them no gradient.
    p_log, q_log = (
        torch.log_softmax(at_least_float32(logits), dim=-1).clamp(min=LOWEST) for logits in (p_logits, q_logits)
    )
    mixture = torch.logaddexp(p_log + math.log(beta), q_log + math.log1p(-beta))
    # Already normalised, so the mixture's log-probabilities serve as its logits.
    return beta * kl_divergence(p_log, mixture) + (1 - beta) * kl_divergence(q_log, mixture)


def _summed(
    divergence: Callable[[Tensor, Tensor], Tensor],
    student_logits: Tensor,
    teacher_logits: Tensor,
    labels: Tensor,
    temperature: float,
) -> TokenSum:
    require_temperature(temperature)
    student, targets = shifted(student_logits, labels)
    teacher, _ = shifted(teacher_logits.detach(), labels)
    values = divergence(at_least_float32(teacher) / temperature, at_least_float32(student) / temperature)
    return TokenSum(temperature**2 * values.sum(), targets.numel())
