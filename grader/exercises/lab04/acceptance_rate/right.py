"""Right ways to write acceptance_rate, in other styles."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from grader.exercises.lab04.acceptance_rate.rule import both
from grader.exercises.lab04.acceptance_rate.wrong import catalogue

right = catalogue.right


@right
def one_minus_distance(target_logits, draft_logits, mask):
    p, q = F.softmax(target_logits, dim=-1), F.softmax(draft_logits, dim=-1)
    return 1 - ((p - q).abs().sum(dim=2) / 2)[mask].mean()


@right
def excess_taken_off(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    return 1 - F.relu(q - p).sum(-1).masked_select(mask).mean()


@right
def expected_under_the_draft(target_logits, draft_logits, mask):
    p, q = target_logits.log_softmax(-1), draft_logits.log_softmax(-1)
    kept = (p - q).clamp(max=0).exp()
    return torch.einsum("nv,nv->n", q.exp()[mask], kept[mask]).mean()


@right
def in_logarithms(target_logits, draft_logits, mask):
    p, q = (torch.log_softmax(each[mask], dim=-1) for each in (target_logits, draft_logits))
    return torch.logsumexp(torch.minimum(p, q), dim=-1).exp().mean()


@right
def with_loops(target_logits, draft_logits, mask):
    total, count = torch.tensor(0.0), 0
    for row in range(mask.shape[0]):
        for place in range(mask.shape[1]):
            if mask[row, place]:
                p, q = target_logits[row, place].softmax(0), draft_logits[row, place].softmax(0)
                total += min_sum(p, q)
                count += 1
    return total / count


def min_sum(p, q):
    return sum(min(a, b) for a, b in zip(p.tolist(), q.tolist(), strict=True))


@right
def weighted(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    weight = mask.to(p.dtype)
    return (torch.where(p < q, p, q).sum(-1) * weight).sum() / weight.sum()


@right
def flattened(target_logits, draft_logits, mask):
    keep = mask.reshape(-1).nonzero()[:, 0]
    p, q = (each.reshape(-1, each.shape[-1]).index_select(0, keep).softmax(1) for each in (target_logits, draft_logits))
    return torch.stack((p, q)).amin(0).sum() / len(keep)


@right
def in_double(target_logits, draft_logits, mask):
    p, q = both(target_logits.double(), draft_logits.double())
    return torch.min(p, q).sum(-1)[mask].mean()


@right
def half_of_a_sum(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    return (0.5 * (p + q - (p - q).abs())).sum(-1)[mask].mean()
