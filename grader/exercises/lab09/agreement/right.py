"""Right ways to write agreement, in other styles."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from grader.exercises.lab09.agreement.rule import kl
from grader.exercises.lab09.agreement.wrong import catalogue

right = catalogue.right


@right
def with_kl_div(student_logits, teacher_logits, mask):
    student, teacher = student_logits[mask], teacher_logits[mask]
    nats = F.kl_div(student.log_softmax(-1), teacher.log_softmax(-1), reduction="batchmean", log_target=True)
    return (student.argmax(-1) == teacher.argmax(-1)).double().mean().item(), nats.item()


@right
def with_cross_entropy(student_logits, teacher_logits, mask):
    student, p = student_logits[mask], teacher_logits[mask].softmax(-1)
    crossed, own = F.cross_entropy(student, p), F.cross_entropy(teacher_logits[mask], p)
    return float((student.max(-1).indices == p.max(-1).indices).float().mean()), float(crossed - own)


@right
def weighed_by_the_mask(student_logits, teacher_logits, mask):
    weight = mask.to(student_logits.dtype) / mask.sum()
    same = student_logits.argmax(-1).eq(teacher_logits.argmax(-1))
    return (same * weight).sum().item(), (kl(teacher_logits, student_logits) * weight).sum().item()


@right
def with_distributions(student_logits, teacher_logits, mask):
    from torch.distributions import Categorical, kl_divergence

    teacher, student = Categorical(logits=teacher_logits), Categorical(logits=student_logits)
    hits = torch.masked_select(teacher.probs.argmax(-1) == student.probs.argmax(-1), mask)
    return hits.sum().item() / hits.numel(), torch.masked_select(kl_divergence(teacher, student), mask).mean().item()


@right
def position_by_position(student_logits, teacher_logits, mask):
    same, nats, count = 0, 0.0, 0
    for row, position in mask.nonzero().tolist():
        p, q = teacher_logits[row, position].softmax(0), student_logits[row, position].softmax(0)
        same += int(p.argmax() == q.argmax())
        nats += (p * (p / q).log()).sum().item()
        count += 1
    return same / count, nats / count


@right
def by_numpy(student_logits, teacher_logits, mask):
    s, t, m = (tensor.numpy() for tensor in (student_logits, teacher_logits, mask))
    s, t = (x - np.log(np.exp(x).sum(-1, keepdims=True)) for x in (s[m], t[m]))
    return float(np.mean(s.argmax(-1) == t.argmax(-1))), float((np.exp(t) * (t - s)).sum(-1).mean())


@right
def as_a_list(student_logits, teacher_logits, mask):
    teacher, student = (torch.softmax(logits[mask].double(), dim=1) for logits in (teacher_logits, student_logits))
    nats = torch.xlogy(teacher, teacher) - torch.xlogy(teacher, student)
    return [(teacher.argmax(1) == student.argmax(1)).double().mean().item(), nats.sum().item() / len(teacher)]


@right
def by_where(student_logits, teacher_logits, mask):
    nats = torch.where(mask, kl(teacher_logits, student_logits), 0.0).sum() / mask.sum()
    both = (student_logits.argmax(2) == teacher_logits.argmax(2)) & mask
    return (both.sum() / mask.sum()).item(), nats.item()


@right
def by_one_hot(student_logits, teacher_logits, mask):
    size = student_logits.shape[-1]
    hits = F.one_hot(student_logits.argmax(-1), size) * F.one_hot(teacher_logits.argmax(-1), size)
    logs = torch.stack([teacher_logits, student_logits]).log_softmax(-1)
    nats = torch.einsum("bsv,bsv->bs", logs[0].exp(), logs[0] - logs[1])
    return hits.sum(-1)[mask].double().mean().item(), nats[mask].mean().item()
