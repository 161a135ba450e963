"""Right ways to write ``divergence``, in styles that people have."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from grader.exercises.lab06.divergence.gaps import divergence, gap, kl, mean_over, mixed
from grader.exercises.lab06.divergence.reductions import catalogue

right = catalogue.right


@right
def as_trl(student_logits, teacher_logits, mask, beta):
    student, teacher = (F.log_softmax(each, dim=-1) for each in (student_logits, teacher_logits.detach()))
    if beta == 0:
        found = F.kl_div(student, teacher, reduction="none", log_target=True)
    elif beta == 1:
        found = F.kl_div(teacher, student, reduction="none", log_target=True)
    else:
        beta = torch.tensor(beta, dtype=student.dtype)
        mixture = torch.logsumexp(torch.stack([student + torch.log1p(-beta), teacher + torch.log(beta)]), dim=0)
        found = beta * F.kl_div(mixture, teacher, reduction="none", log_target=True)
        found = found + (1 - beta) * F.kl_div(mixture, student, reduction="none", log_target=True)
    return found[mask].sum() / mask.sum()


@right
def picked_first(student_logits, teacher_logits, mask, beta):
    with torch.no_grad():
        p = teacher_logits[mask].log_softmax(-1)
    q = student_logits[mask].log_softmax(-1)
    return gap(q, p, beta).mean()


@right
def weighted(student_logits, teacher_logits, mask, beta):
    q, p = student_logits.log_softmax(-1), teacher_logits.log_softmax(-1).detach()
    weight = mask.to(q.dtype)
    return torch.einsum("bs,bs->", gap(q, p, beta), weight) / weight.sum()


@right
def in_loops(student_logits, teacher_logits, mask, beta):
    q, p = student_logits.log_softmax(-1), teacher_logits.detach().log_softmax(-1)
    found = [gap(q[row, place], p[row, place], beta) for row, place in mask.nonzero().tolist()]
    return sum(found) / len(found)


@right
def by_entropies(student_logits, teacher_logits, mask, beta):
    q, p = student_logits[mask].log_softmax(-1), teacher_logits[mask].detach().log_softmax(-1)
    entropies = [-(one.exp() * one).sum(-1) for one in (q, p)]
    if beta in (0, 1):
        first, second, own = (p, q, entropies[1]) if beta == 0 else (q, p, entropies[0])
        return (-(first.exp() * second).sum(-1) - own).mean()
    mixture = mixed(q, p, beta)
    whole = -(mixture.exp() * mixture).sum(-1)
    return (whole - beta * entropies[1] - (1 - beta) * entropies[0]).mean()


@right
def in_double(student_logits, teacher_logits, mask, beta):
    return divergence(student_logits.double(), teacher_logits.double(), mask, beta)


@right
def with_where(student_logits, teacher_logits, mask, beta):
    """All three at once; the mixture of a beta that is no weight is thrown away."""
    q, p = student_logits[mask].log_softmax(-1), teacher_logits[mask].detach().log_softmax(-1)
    inner = min(max(beta, 1e-3), 1 - 1e-3)
    mixture = torch.stack((p + math.log(inner), q + math.log1p(-inner))).logsumexp(0)
    middle = inner * kl(p, mixture) + (1 - inner) * kl(q, mixture)
    which = torch.tensor(beta)
    return torch.where(which == 0, kl(p, q), torch.where(which == 1, kl(q, p), middle)).mean()


@right
def set_to_zero(student_logits, teacher_logits, mask, beta):
    q, p = F.log_softmax(student_logits, -1), F.log_softmax(teacher_logits.detach(), -1)
    found = gap(q, p, beta).masked_fill(~mask, 0.0)
    return found.sum() / torch.count_nonzero(mask)


@right
def a_dictionary_of_cases(student_logits, teacher_logits, mask, beta):
    q, p = student_logits.log_softmax(2), teacher_logits.data.log_softmax(2)
    cases = {0: lambda: kl(p, q), 1: lambda: kl(q, p)}
    return torch.masked_select(cases.get(beta, lambda: gap(q, p, beta))(), mask).mean()


@right
@mean_over
def a_mixture_without_gradient(q, p, beta):
    """The mixture is the nearest point to both, so a small step of it changes nothing."""
    return gap(q, p, beta, mixed(q, p, beta).detach() if 0 < beta < 1 else None)
