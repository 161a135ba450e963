"""Right distillation losses in other words: other formulas, loops, dtypes and habits. Every one must pass.

The mistake this prevents is a check for one's own style. Some print, warn, or take more arguments than asked for.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable

import torch
import torch.nn.functional as F

from grader.exercises.loss_right_styles import STYLES


def textbook(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    student, teacher, targets = student_logits[:, :-1], teacher_logits[:, :-1].detach(), labels[:, 1:]
    mask = targets != -100
    kl = F.kl_div(
        F.log_softmax(student / temperature, dim=-1), F.softmax(teacher / temperature, dim=-1), reduction="none"
    ).sum(-1)
    soft = temperature**2 * (kl * mask).sum() / mask.sum()
    hard = F.cross_entropy(student.transpose(1, 2), targets, ignore_index=-100)
    return alpha * soft + (1 - alpha) * hard


def flattened(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    size = student_logits.size(-1)
    student = student_logits[:, :-1].reshape(-1, size)
    teacher = teacher_logits[:, :-1].reshape(-1, size)
    targets = labels[:, 1:].reshape(-1)
    keep = targets != -100
    with torch.no_grad():
        soft_targets = torch.softmax(teacher[keep] / temperature, dim=-1)
    soft = F.kl_div(torch.log_softmax(student[keep] / temperature, -1), soft_targets, reduction="batchmean")
    return alpha * temperature * temperature * soft + (1 - alpha) * F.cross_entropy(student, targets)


def log_target(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    keep = labels[:, 1:].ne(-100)
    student, teacher = student_logits[:, :-1][keep], teacher_logits[:, :-1][keep].detach()
    log_q, log_p = (x.div(temperature).log_softmax(-1) for x in (student, teacher))
    soft = F.kl_div(log_q, log_p, reduction="batchmean", log_target=True) * temperature**2
    hard = F.nll_loss(student.log_softmax(-1), labels[:, 1:][keep])
    return torch.lerp(hard, soft, alpha)


def einsum(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    targets = labels[:, 1:]
    mask = (targets != -100).to(student_logits.dtype)
    log_q = F.log_softmax(student_logits[:, :-1] / temperature, -1)
    log_p = F.log_softmax(teacher_logits.detach()[:, :-1] / temperature, -1)
    soft = torch.einsum("bsv,bsv,bs->", log_p.exp(), log_p - log_q, mask) * temperature**2
    hot = F.one_hot(targets.clamp(min=0), student_logits.shape[-1]).to(log_q.dtype)
    hard = -torch.einsum("bsv,bsv,bs->", hot, F.log_softmax(student_logits[:, :-1], -1), mask)
    return (alpha * soft + (1 - alpha) * hard) / mask.sum()


def gathered(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    targets = labels[..., 1:].contiguous()
    mask = targets >= 0
    logits = student_logits[..., :-1, :]
    chosen = logits.gather(-1, targets.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    nll = torch.logsumexp(logits, -1) - chosen
    p = F.softmax(teacher_logits[..., :-1, :].detach() / temperature, -1)
    cross = -(p * F.log_softmax(logits / temperature, -1)).sum(-1)
    entropy = torch.special.entr(p).sum(-1)
    return (torch.where(mask, alpha * temperature**2 * (cross - entropy) + (1 - alpha) * nll, 0.0)).sum() / mask.sum()


def rows(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    soft = hard = student_logits.new_zeros(())
    count = 0
    for student, teacher, wanted in zip(student_logits, teacher_logits.detach(), labels, strict=True):
        keep = wanted[1:] != -100
        if not keep.any():
            continue
        student, teacher, wanted = student[:-1][keep], teacher[:-1][keep], wanted[1:][keep]
        soft = soft + F.kl_div(
            (student / temperature).log_softmax(-1), (teacher / temperature).softmax(-1), reduction="sum"
        )
        hard = hard + F.cross_entropy(student, wanted, reduction="sum")
        count += int(keep.sum())
    return (alpha * temperature**2 * soft + (1 - alpha) * hard) / count


def tokens(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    terms = []
    for b in range(labels.shape[0]):
        for t in range(labels.shape[1] - 1):
            label = int(labels[b, t + 1])
            if label == -100:
                continue
            log_q = torch.log_softmax(student_logits[b, t] / temperature, 0)
            log_p = torch.log_softmax(teacher_logits[b, t].detach() / temperature, 0)
            kl = torch.dot(log_p.exp(), log_p - log_q)
            ce = -torch.log_softmax(student_logits[b, t], 0)[label]
            terms.append(alpha * temperature**2 * kl + (1 - alpha) * ce)
    return torch.stack(terms).mean()


def chunks(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    size = student_logits.shape[-1]
    pieces = [x[:, :-1].reshape(-1, size).split(3) for x in (student_logits, teacher_logits.detach())]
    total, count = 0.0, 0
    for student, teacher, wanted in zip(*pieces, labels[:, 1:].reshape(-1).split(3), strict=True):
        mask = wanted != -100
        count = count + mask.sum()
        kl = F.kl_div(
            (student / temperature).log_softmax(-1), (teacher / temperature).softmax(-1), reduction="none"
        ).sum(-1)
        ce = F.cross_entropy(student, wanted, reduction="none", ignore_index=-100)
        total = total + (alpha * temperature**2 * kl * mask + (1 - alpha) * ce).sum()
    return total / count


def log_space(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    a = student_logits[:, :-1] / temperature
    b = teacher_logits[:, :-1].detach() / temperature
    log_p = b - b.logsumexp(-1, keepdim=True)
    kl = (log_p.exp() * (b - a)).sum(-1) + a.logsumexp(-1) - b.logsumexp(-1)
    keep = labels[:, 1:] != -100
    hard = F.cross_entropy(student_logits[:, :-1][keep], labels[:, 1:][keep])
    return hard + alpha * (kl[keep].mean() * temperature**2 - hard)


def double(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return textbook(student_logits.double(), teacher_logits.double(), labels, temperature, alpha)


def double_and_back(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return double(student_logits, teacher_logits, labels, temperature, alpha).float()


def vmapped(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    def one(student, teacher, label):
        log_q, log_p = (student / temperature).log_softmax(-1), (teacher / temperature).log_softmax(-1)
        kl = (log_p.exp() * (log_p - log_q)).sum()
        ce = -(F.one_hot(label.clamp(min=0), student.shape[-1]) * student.log_softmax(-1)).sum()
        return alpha * temperature**2 * kl + (1 - alpha) * ce

    costs = torch.vmap(torch.vmap(one))(student_logits[:, :-1], teacher_logits[:, :-1].detach(), labels[:, 1:])
    mask = labels[:, 1:] != -100
    return costs[mask].mean()


class _SoftPart(torch.autograd.Function):
    """KL with its gradient by hand: (q - p) / T."""

    @staticmethod
    def forward(ctx, student, teacher, temperature):
        log_q, log_p = (student / temperature).log_softmax(-1), (teacher / temperature).log_softmax(-1)
        ctx.save_for_backward(log_q.exp() - log_p.exp())
        ctx.temperature = temperature
        return (log_p.exp() * (log_p - log_q)).sum(-1)

    @staticmethod
    def backward(ctx, grad):
        (difference,) = ctx.saved_tensors
        return grad.unsqueeze(-1) * difference / ctx.temperature, None, None


def own_gradient(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    keep = labels[:, 1:] != -100
    student = student_logits[:, :-1][keep]
    soft = _SoftPart.apply(student, teacher_logits[:, :-1][keep].detach(), temperature).mean()
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student, labels[:, 1:][keep])


class CallableLoss:
    """A loss as an object."""

    def __init__(self):
        self.cross_entropy = torch.nn.CrossEntropyLoss(ignore_index=-100)
        self.kl = torch.nn.KLDivLoss(reduction="sum")

    def __call__(self, student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
        keep = labels[:, 1:] != -100
        student, teacher = student_logits[:, :-1][keep], teacher_logits[:, :-1][keep].detach()
        soft = self.kl(F.log_softmax(student / temperature, 1), F.softmax(teacher / temperature, 1)) / keep.sum()
        return alpha * soft * temperature**2 + (1 - alpha) * self.cross_entropy(student, labels[:, 1:][keep])


class ModuleLoss(torch.nn.Module):
    """A loss as a module with a forward."""

    def forward(self, student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
        return flattened(student_logits, teacher_logits, labels, temperature, alpha)


def noisy(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    print("loss called", file=sys.stderr)
    warnings.warn("just a warning", UserWarning, stacklevel=2)
    return textbook(student_logits, teacher_logits, labels, temperature, alpha)


def more_arguments(
    student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5, ignore_index=-100, verbose=False
):
    return textbook(student_logits, teacher_logits, labels, temperature, alpha)


def other_names(s, t, y, T=3.0, a=0.5):
    return log_target(s, t, y, T, a)


def starred(*args):
    return textbook(*args)


def in_place_on_copies(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    teacher = teacher_logits.detach().clone().div_(temperature)
    wanted = labels.clone()
    mask = wanted[:, 1:] != -100
    wanted[wanted == -100] = 0
    p = teacher.sub_(teacher.amax(-1, keepdim=True)).exp_()
    p.div_(p.sum(-1, keepdim=True))
    log_q = (student_logits / temperature).log_softmax(-1)
    kl = (torch.xlogy(p, p) - p * log_q).sum(-1)[:, :-1]
    ce = -student_logits.log_softmax(-1)[:, :-1].gather(-1, wanted[:, 1:, None])[..., 0]
    return ((alpha * temperature**2 * kl + (1 - alpha) * ce) * mask).sum() / mask.sum()


def without_grad_for_teacher(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    with torch.inference_mode():
        p = (teacher_logits / temperature).softmax(-1)
    return _with_targets(student_logits, p.clone(), labels, temperature, alpha)


def _with_targets(student_logits, p, labels, temperature, alpha):
    keep = labels[:, 1:] != -100
    p, student = p[:, :-1][keep], student_logits[:, :-1][keep]
    soft = F.cross_entropy(student / temperature, p) - torch.special.entr(p).sum(-1).mean()
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student, labels[:, 1:][keep])


def padded_labels(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    """The whole window, with the labels moved and the last one ignored."""
    moved = F.pad(labels[:, 1:], (0, 1), value=-100)
    mask = moved.ne(-100).float()
    log_q = F.log_softmax(student_logits / temperature, -1)
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    kl = F.kl_div(log_q, p, reduction="none").sum(-1)
    soft = (kl * mask).sum() / mask.sum() * temperature**2
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits.permute(0, 2, 1), moved)


def indexed(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    row, place = torch.nonzero(labels[:, 1:] != -100, as_tuple=True)
    student, teacher = student_logits[row, place], teacher_logits[row, place].detach()
    logs = student.log_softmax(-1)
    hard = -logs[torch.arange(len(row)), labels[row, place + 1]].mean()
    log_q, log_p = (student / temperature).log_softmax(-1), (teacher / temperature).log_softmax(-1)
    soft = torch.linalg.vecdot(log_p.exp(), log_p - log_q).mean()
    return alpha * soft * temperature**2 + (1 - alpha) * hard


def helper_functions(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    def mean(costs):
        return torch.masked_select(costs, labels[:, 1:] != -100).mean()

    def soften(logits):
        return (logits[:, :-1] / temperature).log_softmax(-1)

    log_p, log_q = soften(teacher_logits).detach(), soften(student_logits)
    nll = F.cross_entropy(student_logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), reduction="none")
    return alpha * temperature**2 * mean((log_p.exp() * (log_p - log_q)).sum(-1)) + (1 - alpha) * mean(
        nll.view_as(labels[:, 1:])
    )


def renormalised_twice(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    """cross_entropy of log-probabilities is right: log_softmax changes nothing when applied again."""
    keep = labels[:, 1:] != -100
    logs = student_logits[:, :-1].log_softmax(-1)[keep]
    log_q = (logs / temperature).log_softmax(-1)
    p = (teacher_logits[:, :-1].detach().log_softmax(-1)[keep] / temperature).softmax(-1)
    return alpha * temperature**2 * F.kl_div(log_q, p, reduction="batchmean") + (1 - alpha) * F.cross_entropy(
        logs, labels[:, 1:][keep]
    )


def numpy_counts(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    count = int((labels[:, 1:].numpy() != -100).sum())
    mask = torch.from_numpy(labels[:, 1:].numpy() != -100)
    kl = F.kl_div(
        F.log_softmax(student_logits[:, :-1] / temperature, -1),
        F.softmax(teacher_logits[:, :-1].detach() / temperature, -1),
        reduction="none",
    )
    soft = kl[mask].sum() / count * math.pow(temperature, 2)
    hard = F.cross_entropy(student_logits[:, :-1][mask], labels[:, 1:][mask], reduction="sum") / count
    return soft * alpha + hard * (1.0 - alpha)


def teacher_gradient_stopped_at_the_end(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    p = F.softmax(teacher_logits / temperature, dim=-1).detach()
    return _with_targets(student_logits, p, labels, temperature, alpha)


def clamped_count(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    mask = (labels[:, 1:] != -100).float()
    count = mask.sum().clamp(min=1.0)
    log_q = F.log_softmax(student_logits[:, :-1].float() / temperature, -1)
    log_p = F.log_softmax(teacher_logits[:, :-1].detach().float() / temperature, -1)
    kl = F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(-1)
    ce = F.cross_entropy(student_logits[:, :-1].mT, labels[:, 1:], reduction="none")
    return alpha * temperature**2 * (kl * mask).sum() / count + (1 - alpha) * ce.sum() / count


RIGHT: dict[str, Callable] = {
    function.__name__: function
    for function in (
        textbook, flattened, log_target, einsum, gathered, rows, tokens, chunks, log_space, double, double_and_back,
        vmapped, own_gradient, noisy, more_arguments, other_names, starred, in_place_on_copies,
        without_grad_for_teacher, padded_labels, indexed, helper_functions, renormalised_twice, numpy_counts,
        teacher_gradient_stopped_at_the_end, clamped_count,
    )
} | {"callable object": CallableLoss(), "module": ModuleLoss()} | STYLES  # fmt: skip
