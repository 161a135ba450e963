"""The distillation loss from hidden states, without ever holding all logits.

The question: why does a loss need more memory than the model?  Logits are (N, V); for GPT-2's vocabulary one row is
50,257 numbers where a hidden state is 768.  The dense loss holds several such tables for every position.  Here both
output layers and the divergence are computed chunk by chunk over the valid positions, and the gradient of a chunk is
taken at once, so that nothing of a chunk outlives it.  Value and gradients are those of utils.losses, for every chunk
size.  (The same idea: Liger Kernel's fused losses, and TRL #6526, #6530, where both heads are inside the chunk.)
"""

from __future__ import annotations

import torch
from torch import Tensor

from utils.errors import CourseError
from utils.losses import kl_divergence

CHUNK = 256


def chunked_distillation_loss(
    student_hidden: Tensor,
    student_head: Tensor,
    teacher_hidden: Tensor,
    teacher_head: Tensor,
    targets: Tensor,
    temperature: float = 3.0,
    alpha: float = 0.5,
    chunk: int = CHUNK,
) -> Tensor:
    """alpha * soft + (1 - alpha) * hard in nats per token, from valid positions only.

    student_hidden (N, D_s), teacher_hidden (N, D_t): last hidden states at the valid positions (`valid_positions`).
    student_head (V, D_s), teacher_head (V, D_t): output layers.  targets (N,): the tokens that came.
    Gradient flows to student_hidden and student_head.  Raises CourseError where N is 0 or chunk is below 1.
    """
    if chunk < 1:
        raise CourseError(f"The chunk is {chunk} positions; it must be at least 1.")
    if not len(targets):
        raise CourseError("No position is valid: there is nothing to average over.")
    return _ChunkedLoss.apply(
        student_hidden, student_head, teacher_hidden.detach(), teacher_head.detach(), targets, temperature, alpha, chunk
    )


def valid_positions(hidden: Tensor, labels: Tensor, ignore: int = -100) -> tuple[Tensor, Tensor]:
    """The hidden states that predict a valid label, and those labels: (B, S, D), (B, S) -> (N, D), (N,)."""
    targets = labels[:, 1:]
    valid = targets != ignore
    return hidden[:, :-1][valid], targets[valid]


class _ChunkedLoss(torch.autograd.Function):
    """Forward takes the gradient of every chunk while its logits are there; backward only scales it."""

    @staticmethod
    def forward(ctx, student_hidden, student_head, teacher_hidden, teacher_head, targets, temperature, alpha, chunk):
        total = torch.zeros((), dtype=_wide(student_hidden), device=student_hidden.device)
        grad_hidden = torch.zeros_like(student_hidden)
        grad_head = torch.zeros_like(student_head)
        for start in range(0, len(targets), chunk):
            place = slice(start, start + chunk)
            with torch.no_grad():
                teacher_logits = teacher_hidden[place] @ teacher_head.T
                student_logits = student_hidden[place] @ student_head.T
            with torch.enable_grad():
                leaf = student_logits.detach().to(total.dtype).requires_grad_()
                loss = _sum(leaf, teacher_logits.to(total.dtype), targets[place], temperature, alpha)
                (grad_logits,) = torch.autograd.grad(loss, leaf)
            total += loss.detach()
            grad_logits = grad_logits.to(student_hidden.dtype)
            grad_hidden[place] = grad_logits @ student_head
            grad_head.addmm_(grad_logits.T, student_hidden[place])
        ctx.save_for_backward(grad_hidden, grad_head)
        ctx.count = len(targets)
        return total / len(targets)

    @staticmethod
    def backward(ctx, grad_output):
        grad_hidden, grad_head = ctx.saved_tensors
        scale = grad_output / ctx.count
        return (grad_hidden * scale).to(grad_hidden.dtype), (grad_head * scale).to(grad_head.dtype), *[None] * 6


def _sum(student_logits: Tensor, teacher_logits: Tensor, targets: Tensor, temperature: float, alpha: float) -> Tensor:
    """The blend summed over the positions of one chunk."""
    soft = kl_divergence(teacher_logits / temperature, student_logits / temperature).sum()
    hard = torch.nn.functional.cross_entropy(student_logits, targets, reduction="sum")
    return alpha * temperature**2 * soft + (1 - alpha) * hard


def _wide(x: Tensor) -> torch.dtype:
    return torch.float64 if x.dtype == torch.float64 else torch.float32
