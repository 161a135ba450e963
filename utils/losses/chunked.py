"""The distillation loss from hidden states, without ever holding all logits.  (utils.training.chunked_step trains with
it.)

Logits are (N, V); for GPT-2's vocabulary one row is 50,257 numbers where a hidden state is 768, and the dense loss
holds several such tables for every position.  Here both output layers and the divergence are computed chunk by chunk
over the valid positions, and the gradient of a chunk is taken at once, so that nothing of a chunk outlives it.  Value
and gradients are those of utils.losses.core, for every chunk size.  (The same idea: Liger Kernel's fused losses, and
TRL #6526, #6530, where both heads are inside the chunk.)
"""

from __future__ import annotations

import torch
from torch import Tensor

from utils.errors import CourseError

CHUNK = 160
ROWS = 8  # of a chunk, that a processor works through at a time


def chunked_distillation_loss(
    student_hidden: Tensor,
    student_head: Tensor,
    teacher_hidden: Tensor,
    teacher_head: Tensor,
    targets: Tensor,
    temperature: float = 3.0,
    alpha: float = 0.5,
    chunk: int = CHUNK,
    products: torch.dtype | None = None,
) -> Tensor:
    """alpha * soft + (1 - alpha) * hard in nats per token, from valid positions only.

    student_hidden (N, D_s), teacher_hidden (N, D_t): last hidden states at the valid positions, as
    `utils.losses.core.shifted` picks them.
    student_head (V, D_s), teacher_head (V, D_t): output layers.  targets (N,): the tokens that came.
    products: the number type of the matrix products, such as bfloat16 where that is faster; the loss and the sum of
    the output layer's gradient over chunks stay in float32.
    Gradient flows to student_hidden and student_head.  Raises CourseError where N is 0 or chunk is below 1.
    """
    if chunk < 1:
        raise CourseError(f"The chunk is {chunk} positions; it must be at least 1.")
    if not len(targets):
        raise CourseError("No position is valid: there is nothing to average over.")
    return _ChunkedLoss.apply(
        student_hidden,
        student_head,
        teacher_hidden.detach(),
        teacher_head.detach(),
        targets,
        temperature,
        alpha,
        chunk,
        products or student_hidden.dtype,
    )


class _ChunkedLoss(torch.autograd.Function):
    """Forward takes the gradient of every chunk while its logits are there; backward only scales it."""

    @staticmethod
    def forward(
        ctx, student_hidden, student_head, teacher_hidden, teacher_head, targets, temperature, alpha, chunk, products
    ):
        ours, our_head = student_hidden.to(products), student_head.to(products)
        theirs, their_head = teacher_hidden.to(products), teacher_head.to(products)
        total = torch.zeros((), dtype=_wide(student_hidden), device=student_hidden.device)
        grad_hidden = torch.zeros_like(student_hidden)
        grad_head = torch.zeros_like(student_head)
        space = total.new_empty(2, min(chunk, len(targets)), len(student_head))
        for start in range(0, len(targets), chunk):
            place = slice(start, start + chunk)
            student_logits, teacher_logits = space[:, : len(targets[place])]
            _product(ours[place], our_head, student_logits)
            _product(theirs[place], their_head, teacher_logits)
            total += _loss_to_gradient(student_logits, teacher_logits, targets[place], temperature, alpha)
            grad_logits = student_logits.to(products)
            grad_hidden[place] = (grad_logits @ our_head).to(grad_hidden.dtype)
            if products == grad_head.dtype:
                grad_head.addmm_(grad_logits.T, ours[place])
            else:
                grad_head += grad_logits.T @ ours[place]
        ctx.save_for_backward(grad_hidden.div_(len(targets)), grad_head.div_(len(targets)))
        return total / len(targets)

    @staticmethod
    def backward(ctx, grad_output):
        grad_hidden, grad_head = ctx.saved_tensors
        if grad_output != 1:  # a product would be a second table of the output layer's size
            grad_hidden, grad_head = ((grad * grad_output).to(grad.dtype) for grad in (grad_hidden, grad_head))
        return grad_hidden, grad_head, *[None] * 7


def _product(hidden: Tensor, head: Tensor, logits: Tensor) -> None:
    """Write hidden (n, D) times head (V, D) to logits (n, V)."""
    if hidden.dtype == logits.dtype:
        torch.mm(hidden, head.T, out=logits)
    else:
        logits.copy_(hidden @ head.T)


def _loss_to_gradient(
    student_logits: Tensor, teacher_logits: Tensor, targets: Tensor, temperature: float, alpha: float
) -> Tensor:
    """The blend summed over the positions of one chunk; its gradient takes the place of the student's logits (n, V).

    A processor works through few rows at a time, whose tables its caches hold.
    """
    rows = ROWS if student_logits.device.type == "cpu" else len(targets)
    pieces = zip(student_logits.split(rows), teacher_logits.split(rows), targets.split(rows), strict=True)
    total = student_logits.new_zeros(())
    for ours, theirs, came in pieces:
        loss, gradient = _loss_and_gradient(ours, theirs, came, temperature, alpha)
        ours.copy_(gradient)
        total += loss
    return total


def _loss_and_gradient(
    student_logits: Tensor, teacher_logits: Tensor, targets: Tensor, temperature: float, alpha: float
) -> tuple[Tensor, Tensor]:
    """The blend summed over the positions of one chunk, and its gradient on the student's logits (n, V).

    The teacher's logits are written over.
    d soft / dz = T (softmax(z / T) - p) and d hard / dz = softmax(z) - onehot, written in place wherever a table is not
    needed any more: autograd would hold twice as many of them.
    """
    log_p = torch.log_softmax(teacher_logits.div_(temperature), dim=-1)
    log_q = torch.log_softmax(student_logits / temperature, dim=-1)
    p = log_p.exp()
    soft = log_p.sub_(log_q).masked_fill_(p == 0, 0.0).mul_(p).sum()
    gradient = log_q.exp_().sub_(p).mul_(alpha * temperature)
    del log_p, p
    log_q = torch.log_softmax(student_logits, dim=-1)
    places = targets.unsqueeze(-1)
    hard = -log_q.gather(-1, places).sum()
    gradient.add_(log_q.exp_(), alpha=1 - alpha)
    gradient.scatter_add_(-1, places, gradient.new_full(places.shape, alpha - 1))
    return alpha * temperature**2 * soft + (1 - alpha) * hard, gradient


def _wide(x: Tensor) -> torch.dtype:
    return torch.float64 if x.dtype == torch.float64 else torch.float32
