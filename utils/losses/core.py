"""The losses of distillation, and the one reduction under all of them.

The easy mistake is the wrong denominator.  `KLDivLoss(reduction="batchmean")` on (B, S, V) divides by B and makes the
soft part S times too large; a mean over all positions counts padding; a mean of batch means weighs short batches too
much.  So every loss here is a `TokenSum`, a sum over valid positions with its count, and is divided once, at the end.

Logits are (B, S, V) before the shift, labels (B, S) int64 as Hugging Face uses them: a copy of the input ids with -100
where a position must not count.  Position t predicts token t + 1.  Everything is computed in float32 or better.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from utils.data.batches import IGNORE
from utils.errors import CourseError


@dataclass(frozen=True)
class TokenSum:
    """A sum over valid positions (nats, differentiable) and how many there were.  Add them up; divide at the end."""

    total: Tensor
    count: int

    def __add__(self, other: TokenSum) -> TokenSum:
        return TokenSum(self.total + other.total, self.count + other.count)

    def mean(self) -> Tensor:
        """Nats per valid token.  Raises CourseError where there is none: 0 / 0 would be NaN and spread silently."""
        if self.count == 0:
            raise CourseError(
                f"No label is valid: after the shift every one is {IGNORE}. Give rows of at least two real tokens."
            )
        return self.total / self.count


def soft_targets(logits: Tensor, temperature: float) -> Tensor:
    """softmax(logits / T) over the last axis: (..., V) -> (..., V), summing to 1 (Hinton et al., 2015, eq. 1)."""
    require_temperature(temperature)
    return torch.softmax(at_least_float32(logits) / temperature, dim=-1)


def entropy(probabilities: Tensor) -> Tensor:
    """-sum p log p in nats over the last axis: (..., V) -> (...), with 0 log 0 = 0."""
    return torch.special.entr(at_least_float32(probabilities)).sum(dim=-1)


def kl_divergence(p_logits: Tensor, q_logits: Tensor) -> Tensor:
    """KL(p || q) in nats over the last axis, p first: (..., V), (..., V) -> (...).  0 where p = q; 0 log 0 = 0."""
    p_log = torch.log_softmax(at_least_float32(p_logits), dim=-1)
    q_log = torch.log_softmax(at_least_float32(q_logits), dim=-1)
    # Where p is 0 (a logit of -inf: a token ruled out) the product would be 0 * inf = NaN.
    return (p_log.exp() * (p_log - q_log).masked_fill(p_log == -torch.inf, 0.0)).sum(dim=-1)


def shifted(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The logits that count and the tokens they predict: (B, S, V), (B, S) -> (N, V), (N,), shifted and masked.

    The same as logits[:, :-1][valid] and labels[:, 1:][valid], whose backward pass takes eight times as long on a CPU.
    Raises CourseError where logits and labels are not of the same batch and length.
    """
    if logits.dim() != 3 or logits.shape[:2] != labels.shape:
        raise CourseError(
            f"Logits are (batch, sequence, vocabulary), labels (batch, sequence); these are {tuple(logits.shape)} and "
            f"{tuple(labels.shape)}. Pass both before the shift, of the same rows."
        )
    targets = F.pad(labels[:, 1:], (0, 1), value=IGNORE).flatten()  # the last position predicts nothing
    valid = (targets != IGNORE).nonzero()[:, 0]
    return logits.flatten(0, 1).index_select(0, valid), targets[valid]


def hard_loss(student_logits: Tensor, labels: Tensor) -> TokenSum:
    """Cross-entropy of the student against the labels, summed over valid positions (nats)."""
    predicted, targets = shifted(student_logits, labels)
    return TokenSum(F.cross_entropy(at_least_float32(predicted), targets, reduction="sum"), targets.numel())


def soft_loss(student_logits: Tensor, teacher_logits: Tensor, labels: Tensor, temperature: float) -> TokenSum:
    """T^2 KL(softmax(teacher / T) || softmax(student / T)), summed over valid positions (nats).

    T^2 keeps the gradient's scale: without it, it shrinks as 1 / T^2 (Hinton et al., 2015, section 2.1).
    """
    require_temperature(temperature)
    student, targets = shifted(student_logits, labels)
    teacher, _ = shifted(teacher_logits.detach(), labels)
    divergence = kl_divergence(at_least_float32(teacher) / temperature, at_least_float32(student) / temperature)
    return TokenSum(temperature**2 * divergence.sum(), targets.numel())


def distillation_loss(
    student_logits: Tensor, teacher_logits: Tensor, labels: Tensor, temperature: float = 3.0, alpha: float = 0.5
) -> Tensor:
    """alpha * soft + (1 - alpha) * hard, in nats per valid token; a scalar with gradient to the student only.

    student_logits, teacher_logits: (B, S, V); labels: (B, S), -100 ignored.  Raises CourseError for shapes that do
    not fit, T <= 0, alpha outside [0, 1], no valid label, or a result that is not finite.
    """
    require_matching(student_logits, teacher_logits, labels)
    require_alpha(alpha)
    soft = soft_loss(student_logits, teacher_logits, labels, temperature).mean()
    hard = hard_loss(student_logits, labels).mean()
    loss = alpha * soft + (1 - alpha) * hard
    if not torch.isfinite(loss):
        raise CourseError(f"The loss is {loss.item()}: {_what_is_not_finite(student_logits, teacher_logits)}.")
    return loss


def require_matching(student_logits: Tensor, teacher_logits: Tensor, labels: Tensor) -> None:
    """Raise CourseError, naming the shapes seen, unless logits are (B, S, V) both and labels (B, S)."""
    student, teacher, targets = tuple(student_logits.shape), tuple(teacher_logits.shape), tuple(labels.shape)
    if len(student) != 3 or len(teacher) != 3:
        raise CourseError(
            f"Logits must be (batch, sequence, vocabulary); the student's are {student}, the teacher's {teacher}. "
            "Pass the models' logits as they are, before the shift."
        )
    if student[2] != teacher[2]:
        raise CourseError(
            f"The vocabularies differ: the student's has {student[2]} tokens, the teacher's {teacher[2]}. "
            "Distilling logits needs one tokenizer; choose a pair that shares it."
        )
    if student != teacher or student[:2] != targets:
        raise CourseError(
            f"Shapes do not fit: student logits {student}, teacher logits {teacher}, labels {targets}. "
            "All three must come from the same batch, of one length."
        )


def require_temperature(temperature: float) -> None:
    """Raise CourseError for a temperature that cannot divide."""
    if not 0 < temperature < float("inf"):
        raise CourseError(
            f"The temperature is {temperature}; it divides the logits and must be a finite number above 0."
        )


def require_alpha(alpha: float) -> None:
    """Raise CourseError for an alpha that cannot weigh two parts."""
    if not 0 <= alpha <= 1:
        raise CourseError(f"alpha is {alpha}; it weighs two parts and must lie between 0 and 1.")


def at_least_float32(x: Tensor) -> Tensor:
    """float64 as it is, everything else as float32."""
    return x if x.dtype == torch.float64 else x.float()


def _what_is_not_finite(student_logits: Tensor, teacher_logits: Tensor) -> str:
    if not torch.isfinite(student_logits).all():
        return "the student's logits hold NaN or infinity. Lower the learning rate or look at the step before"
    if not torch.isfinite(teacher_logits).all():
        return "the teacher's logits hold NaN or infinity. Look at its weights, its number type and its attention mask"
    return "the sum left the range of its number type. Look at the size of the logits and at the temperature"
