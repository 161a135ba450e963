"""Right distillation losses in other words: every one must pass.

Most are put together from ways to pick the valid positions, to write the divergence and to write the cross-entropy.
The others differ in their whole structure: loops, chunks, gradients by hand, objects instead of functions.
"""

from __future__ import annotations

import itertools
import sys
import warnings
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F

IGNORED = -100


def _by_mask(x, y):
    return x[:, :-1][y[:, 1:] != IGNORED]


def _flat(x, y):
    chosen = torch.nonzero(y[..., 1:].reshape(-1) != IGNORED).squeeze(1)
    return x[..., :-1, :].reshape(-1, x.shape[-1]).index_select(0, chosen)


def _rolled(x, y):
    moved = y.roll(-1, dims=1)
    moved[:, -1] = IGNORED
    return x[moved != IGNORED]


def log(logits):
    return F.log_softmax(logits, -1)


PICKS = (_by_mask, _flat, _rolled)
# mean divergence of (student, teacher), both (N, V) and divided by T
DIVERGENCES: dict[str, Callable] = {
    "batchmean": lambda s, t: F.kl_div(log(s), t.softmax(-1), reduction="batchmean"),
    "log target": lambda s, t: F.kl_div(log(s), log(t), reduction="sum", log_target=True) / len(s),
    "by hand": lambda s, t: (t.softmax(-1) * (log(t) - log(s))).sum(-1).mean(),
    "minus entropy": lambda s, t: F.cross_entropy(s, t.softmax(-1)) - torch.special.entr(t.softmax(-1)).sum(-1).mean(),
    "log space": lambda s, t: ((t.softmax(-1) * (t - s)).sum(-1) + s.logsumexp(-1) - t.logsumexp(-1)).mean(),
    "vecdot": lambda s, t: torch.linalg.vecdot(t.softmax(-1), log(t) - log(s)).mean(),
}
# mean cross-entropy of (student (N, V), labels (N,))
ENTROPIES: dict[str, Callable] = {
    "cross_entropy": F.cross_entropy,
    "nll_loss": lambda s, y: F.nll_loss(s.log_softmax(-1), y),
    "gathered": lambda s, y: (s.logsumexp(-1) - s.gather(-1, y.unsqueeze(-1)).squeeze(-1)).mean(),
    "one-hot": lambda s, y: -(F.one_hot(y, s.shape[-1]) * s.log_softmax(-1)).sum() / len(y),
    "applied again": lambda s, y: F.cross_entropy(s.log_softmax(-1), y),
}
BLENDS: dict[str, Callable] = {
    "sum": lambda soft, hard, a: a * soft + (1 - a) * hard,
    "lerp": lambda soft, hard, a: torch.lerp(hard, soft, a),
    "from hard": lambda soft, hard, a: hard + a * (soft - hard),
    "dot": lambda soft, hard, a: torch.stack([soft, hard]) @ torch.tensor([a, 1 - a]),
}


def composed(pick: Callable, divergence: Callable, entropy: Callable, blend: Callable) -> Callable:
    """The loss that is written in these words."""

    def loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
        s, t = pick(student_logits, labels), pick(teacher_logits, labels).detach()
        hard = entropy(s, labels[:, 1:][labels[:, 1:] != IGNORED])
        return blend(temperature**2 * divergence(s / temperature, t / temperature), hard, alpha)

    return loss


textbook = composed(_by_mask, DIVERGENCES["batchmean"], F.cross_entropy, BLENDS["sum"])


def in_pieces(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5, size=3):
    total, count = 0.0, 0
    flat = (
        student_logits[:, :-1].flatten(0, 1),
        teacher_logits[:, :-1].detach().flatten(0, 1),
        labels[:, 1:].flatten(),
    )
    for student, teacher, wanted in zip(*(x.split(size) for x in flat), strict=True):
        log_q, p = (student / temperature).log_softmax(-1), (teacher / temperature).softmax(-1)
        kl = F.kl_div(log_q, p, reduction="none").sum(-1)
        ce = F.cross_entropy(student, wanted, reduction="none", ignore_index=IGNORED)
        mask = wanted != IGNORED
        total = total + torch.where(mask, alpha * temperature**2 * kl + (1 - alpha) * ce, 0.0).sum()
        count = count + mask.sum()
    return total / count


def vmapped(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    def one(student, teacher, label):
        log_q, log_p = (student / temperature).log_softmax(-1), (teacher / temperature).log_softmax(-1)
        ce = -(F.one_hot(label.clamp(min=0), student.shape[-1]) * student.log_softmax(-1)).sum()
        return alpha * temperature**2 * (log_p.exp() * (log_p - log_q)).sum() + (1 - alpha) * ce

    costs = torch.vmap(torch.vmap(one))(student_logits[:, :-1], teacher_logits[:, :-1].detach(), labels[:, 1:])
    return costs[labels[:, 1:] != IGNORED].mean()


class _Whole(torch.autograd.Function):
    """The blend with its gradient by hand."""

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


def gradient_by_hand(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    s, t = _by_mask(student_logits, labels), _by_mask(teacher_logits, labels).detach()
    return _Whole.apply(s, t, labels[:, 1:][labels[:, 1:] != IGNORED], temperature, alpha)


class ModuleLoss(torch.nn.Module):
    """A loss as a module with a forward."""

    forward = staticmethod(textbook)


def in_double(student_logits, teacher_logits, *others):
    return textbook(student_logits.double(), teacher_logits.double(), *others).float()


def noisy(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    print("loss called", file=sys.stderr)
    warnings.warn("just a warning", UserWarning, stacklevel=2)
    return textbook(student_logits, teacher_logits, labels, temperature, alpha)


def other_defaults(s, t, y, T=2.0, a=0.9, *, verbose=False):
    return textbook(s, t, y, T, a)


def in_place_on_copies(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    p, wanted = teacher_logits.detach().clone().div_(temperature), labels.clone()
    mask = wanted[:, 1:] != IGNORED
    wanted[wanted == IGNORED] = 0
    p = p.sub_(p.amax(-1, keepdim=True)).exp_()
    p.div_(p.sum(-1, keepdim=True))
    kl = (torch.xlogy(p, p) - p * (student_logits / temperature).log_softmax(-1)).sum(-1)[:, :-1]
    ce = -student_logits.log_softmax(-1)[:, :-1].gather(-1, wanted[:, 1:, None])[..., 0]
    return ((alpha * temperature**2 * kl + (1 - alpha) * ce) * mask).sum() / mask.sum()


def inference_mode_for_the_teacher(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    with torch.inference_mode():
        log_p = (teacher_logits / temperature).log_softmax(-1)
    return textbook(student_logits, log_p.clone() * temperature, labels, temperature, alpha)


def _composed() -> dict[str, Callable]:
    """Every word at least once: the lists have different lengths, so going round them mixes all."""
    lists = ({pick.__name__: pick for pick in PICKS}, DIVERGENCES, ENTROPIES, BLENDS)
    turns = [itertools.cycle(words.items()) for words in lists]
    rounds = [[next(turn) for turn in turns] for _ in range(30)]
    return {", ".join(name for name, _ in words): composed(*(word for _, word in words)) for words in rounds}


RIGHT: dict[str, Callable] = _composed() | {
    "in pieces": in_pieces,
    "position by position": partial(in_pieces, size=1),
    "vmapped": vmapped,
    "gradient by hand": gradient_by_hand,
    "module": ModuleLoss(),
    "in double precision": in_double,
    "noisy": noisy,
    "other names and defaults": other_defaults,
    "in place on copies": in_place_on_copies,
    "inference mode": inference_mode_for_the_teacher,
}
