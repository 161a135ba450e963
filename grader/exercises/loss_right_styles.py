"""More right distillation losses, for habits of code rather than of mathematics: how positions are picked and summed.

The mistake this prevents is a check that knows one way to select, and takes another one for a mistake.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F


def _of_rows(student, teacher, wanted, temperature, alpha):
    """The blend, of tables with one row a valid position."""
    soft = F.kl_div(
        F.log_softmax(student / temperature, -1), F.softmax(teacher / temperature, -1), reduction="batchmean"
    )
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student, wanted)


def configurable(
    student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5, *, ignore_index=-100, verbose=False
):
    keep = labels[:, 1:] != ignore_index
    teacher = teacher_logits[:, :-1][keep].detach()
    return _of_rows(student_logits[:, :-1][keep], teacher, labels[:, 1:][keep], temperature, alpha)


def rolled_and_ignored(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    moved = labels.roll(-1, dims=1)
    moved[:, -1] = -100
    keep = moved != -100
    return _of_rows(student_logits[keep], teacher_logits[keep].detach(), moved[keep], temperature, alpha)


def flattened_after_the_shift(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    size = student_logits.size(-1)
    wanted = labels[..., 1:].reshape(-1)
    chosen = torch.nonzero(wanted != -100).squeeze(1)
    student, teacher = (
        x[..., :-1, :].reshape(-1, size).index_select(0, chosen) for x in (student_logits, teacher_logits)
    )
    return _of_rows(student, teacher.data, wanted[chosen], temperature, alpha)


def listed_positions(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    batch, length, _ = student_logits.size()
    places = [(b, t) for b, t in itertools.product(range(batch), range(length - 1)) if labels[b, t + 1].item() != -100]
    row, place = torch.tensor(places).T
    teacher = teacher_logits[row, place].detach()
    return _of_rows(student_logits[row, place], teacher, labels[row, place + 1], temperature, alpha)


def without_defaults(student_logits, teacher_logits, labels, temperature, alpha):
    return listed_positions(student_logits, teacher_logits, labels, temperature, alpha)


def other_defaults(student_logits, teacher_logits, labels, temperature=2.0, alpha=0.9):
    return listed_positions(student_logits, teacher_logits, labels, temperature, alpha)


def selected(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    keep = labels[:, 1:].ge(0).unsqueeze(-1)
    student, teacher = (
        torch.masked_select(x[:, :-1], keep).view(-1, x.shape[-1]) for x in (student_logits, teacher_logits.detach())
    )
    return _of_rows(student, teacher, labels[:, 1:].masked_select(keep.squeeze(-1)), temperature, alpha)


def one_row_after_another(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    """A mean of rows that is weighed by their tokens, brought up to date row by row."""
    mean, count = 0.0, 0
    for student, teacher, wanted in zip(student_logits, teacher_logits, labels, strict=True):
        keep = wanted[1:] != -100
        tokens = int(keep.sum())
        if not tokens:
            continue
        loss = _of_rows(student[:-1][keep], teacher[:-1][keep].detach(), wanted[1:][keep], temperature, alpha)
        count += tokens
        mean = mean + (loss - mean) * tokens / count
    return mean


def weighted_costs(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    valid = labels[:, 1:] != -100
    weights = valid.float() / valid.sum()
    student, teacher = student_logits[:, :-1], teacher_logits[:, :-1].detach()
    kl = F.kl_div(F.log_softmax(student / temperature, -1), F.softmax(teacher / temperature, -1), reduction="none")
    ce = F.cross_entropy(student.permute(0, 2, 1), labels[:, 1:], reduction="none", ignore_index=-100)
    return (weights * (alpha * temperature**2 * kl.sum(2) + (1 - alpha) * ce)).sum()


def ends_of_the_blend(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    """Nothing is computed that alpha leaves out."""
    keep = labels[:, 1:] != -100
    student, teacher, wanted = student_logits[:, :-1][keep], teacher_logits[:, :-1][keep].detach(), labels[:, 1:][keep]
    if alpha == 0:
        return F.cross_entropy(student, wanted)
    log_q, log_p = (student / temperature).log_softmax(-1), (teacher / temperature).log_softmax(-1)
    soft = temperature**2 * F.kl_div(log_q, log_p, reduction="sum", log_target=True) / len(wanted)
    return (
        soft if alpha == 1 else torch.stack([soft, F.cross_entropy(student, wanted)]) @ torch.tensor([alpha, 1 - alpha])
    )


class _Whole(torch.autograd.Function):
    """The blend with its whole gradient by hand."""

    @staticmethod
    def forward(ctx, student, teacher, wanted, temperature, alpha):
        log_q, log_p = (student / temperature).log_softmax(-1), (teacher / temperature).log_softmax(-1)
        logs, hot = student.log_softmax(-1), F.one_hot(wanted, student.shape[-1]).to(student.dtype)
        soft_gradient = alpha * temperature * (log_q.exp() - log_p.exp())
        ctx.save_for_backward((soft_gradient + (1 - alpha) * (logs.exp() - hot)) / len(wanted))
        soft = temperature**2 * (log_p.exp() * (log_p - log_q)).sum(-1).mean()
        return alpha * soft - (1 - alpha) * (hot * logs).sum(-1).mean()

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.saved_tensors[0], None, None, None, None


def whole_gradient_by_hand(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    keep = labels[:, 1:] != -100
    teacher = teacher_logits[:, :-1][keep].detach()
    return _Whole.apply(student_logits[:, :-1][keep], teacher, labels[:, 1:][keep], temperature, alpha)


STYLES: dict[str, Callable] = {
    function.__name__: function
    for function in (
        configurable, rolled_and_ignored, flattened_after_the_shift, listed_positions, without_defaults,
        other_defaults, selected, one_row_after_another, weighted_costs, ends_of_the_blend, whole_gradient_by_hand,
    )
} | {"partial": partial(configurable, verbose=False)}  # fmt: skip
