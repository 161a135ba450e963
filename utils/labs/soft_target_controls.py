"""What is it in soft targets that helps: which tokens the teacher finds alike, or merely that it is not certain?

Soft targets also smooth the labels, and smoothing alone can help.  So the teacher's answer is taken apart: with its
order shuffled beyond the first token it is as uncertain as before, position by position, but no longer knows which
tokens are alike.  Plain label smoothing is the second control.  Every arm sees the labels as well; they differ only in
what is added to them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from utils.losses.core import kl_divergence, shifted
from utils.training.loop import LossFunction

Divergence = Callable[[Tensor, Tensor], Tensor]
SMOOTHING = 0.1
HARD, SOFT, SHUFFLED, SMOOTHED = "hard labels", "soft targets", "shuffled soft targets", "label smoothing"


def arms(temperature: float, alpha: float, divergence: Divergence = kl_divergence) -> dict[str, LossFunction]:
    """The losses to compare, by name, each called as loss(student_logits, teacher_logits, labels).

    divergence: KL(p || q) from logits over the last axis, p first, such as the one that you wrote.
    """
    return {
        HARD: label_smoothing_loss(0.0),
        SOFT: soft_target_loss(temperature, alpha, divergence),
        SHUFFLED: soft_target_loss(temperature, alpha, divergence, shuffled_beyond_top),
        SMOOTHED: label_smoothing_loss(SMOOTHING),
    }


def soft_target_loss(
    temperature: float,
    alpha: float,
    divergence: Divergence = kl_divergence,
    changed: Callable[[Tensor], Tensor] = lambda logits: logits,
) -> LossFunction:
    """alpha * T^2 KL(changed(teacher) || student) + (1 - alpha) * cross-entropy, in nats per valid token.

    changed: what is done to the teacher's logits, (N, V) -> (N, V), after the shift and the mask.
    """

    def loss(student_logits: Tensor, teacher_logits: Tensor, labels: Tensor) -> Tensor:
        student, targets = shifted(student_logits, labels)
        teacher = changed(shifted(teacher_logits.detach(), labels)[0])
        soft = temperature**2 * divergence(teacher / temperature, student / temperature).mean()
        return alpha * soft + (1 - alpha) * F.cross_entropy(student, targets)

    return loss


def label_smoothing_loss(smoothing: float) -> LossFunction:
    """Cross-entropy against (1 - smoothing) * label + smoothing * uniform, nats per valid token; 0 is plain labels."""

    def loss(student_logits: Tensor, teacher_logits: Tensor, labels: Tensor) -> Tensor:
        student, targets = shifted(student_logits, labels)
        return F.cross_entropy(student, targets, label_smoothing=smoothing)

    return loss


def shuffled_beyond_top(logits: Tensor) -> Tensor:
    """Each row's values in another order, its largest left in its place: (N, V) -> (N, V).

    The entropy of each row stays, at every temperature; which tokens are alike is gone.  Every row is shuffled in its
    own way: one permutation of the vocabulary, begun at a random place.  Draws from torch's generator.
    """
    rows, size = logits.shape
    order = torch.randperm(size, device=logits.device)
    starts = torch.randint(size, (rows, 1), device=logits.device)
    shuffled = logits.gather(1, order[(torch.arange(size, device=logits.device) + starts) % size])
    top = logits.argmax(dim=1, keepdim=True)
    landed = shuffled.argmax(dim=1, keepdim=True)
    displaced = shuffled.gather(1, top)
    return shuffled.scatter(1, landed, displaced).scatter(1, top, logits.gather(1, top))
