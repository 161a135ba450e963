"""Right ways to write the rule, in other styles."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from grader.exercises.lab04.verify.rule import following, leading, passing
from grader.exercises.lab04.verify.wrong import catalogue

right = catalogue.right


@right
def with_a_loop(target_probabilities, draft_probabilities, drafted, uniforms):
    for place, token in enumerate(drafted.tolist()):
        p, q = target_probabilities[place], draft_probabilities[place]
        if uniforms[place] >= p[token] / q[token]:
            left = torch.clamp(p - q, min=0)
            return place, left / left.sum()
    return len(drafted), target_probabilities[-1]


@right
def multiplied_out(target_probabilities, draft_probabilities, drafted, uniforms):
    kept = 0
    while kept < len(drafted):
        token = drafted[kept]
        if uniforms[kept] * draft_probabilities[kept, token] > target_probabilities[kept, token]:
            break
        kept += 1
    if kept == len(drafted):
        return kept, target_probabilities[kept]
    return kept, F.normalize(F.relu(target_probabilities[kept] - draft_probabilities[kept]), p=1, dim=0)


@right
def with_gather(target_probabilities, draft_probabilities, drafted, uniforms):
    gamma = drafted.shape[0]
    p = target_probabilities[:gamma].gather(1, drafted[:, None])[:, 0]
    q = draft_probabilities.gather(1, drafted[:, None])[:, 0]
    rejections = (uniforms > torch.clamp(p / q, max=1)).nonzero()[:, 0]
    if len(rejections) == 0:
        return gamma, target_probabilities[gamma]
    first = rejections[0].item()
    left = (target_probabilities[first] - draft_probabilities[first]).clamp(min=0)
    return first, left / left.sum()


@right
def in_logarithms(target_probabilities, draft_probabilities, drafted, uniforms):
    place = torch.arange(len(drafted))
    log_ratio = target_probabilities[place, drafted].log() - draft_probabilities[place, drafted].log()
    kept = int((uniforms.log() < log_ratio).int().cumprod(0).sum())
    if kept == len(drafted):
        return kept, target_probabilities[kept]
    left = torch.maximum(target_probabilities[kept] - draft_probabilities[kept], torch.tensor(0.0))
    return kept, left / left.sum()


@right
def draft_padded_with_zeros(target_probabilities, draft_probabilities, drafted, uniforms):
    q = torch.cat([draft_probabilities, torch.zeros_like(target_probabilities[:1])])
    kept = leading(passing(target_probabilities, draft_probabilities, drafted, uniforms))
    left = (target_probabilities[kept] - q[kept]).relu()
    return kept, left / left.sum()


@right
def minimum_taken_off(target_probabilities, draft_probabilities, drafted, uniforms):
    kept = leading(passing(target_probabilities, draft_probabilities, drafted, uniforms))
    if kept == len(drafted):
        return kept, target_probabilities[kept]
    p, q = target_probabilities[kept], draft_probabilities[kept]
    return kept, (p - torch.min(p, q)) / (1 - torch.min(p, q).sum())


@right
def with_where(target_probabilities, draft_probabilities, drafted, uniforms):
    rows = zip(target_probabilities, draft_probabilities, drafted, uniforms, strict=False)
    passed = [bool(u <= p[token] / q[token]) for p, q, token, u in rows]
    kept = passed.index(False) if False in passed else len(passed)
    if kept == len(passed):
        return kept, target_probabilities[-1].clone()
    p, q = target_probabilities[kept], draft_probabilities[kept]
    excess = torch.where(p > q, p - q, torch.zeros_like(p))
    return kept, excess.div(excess.sum())


@right
def in_double(target_probabilities, draft_probabilities, drafted, uniforms):
    p, q = target_probabilities.double(), draft_probabilities.double()
    kept = leading(passing(p, q, drafted, uniforms.double()))
    return kept, following(p, q, kept)


@right
def with_argmin(target_probabilities, draft_probabilities, drafted, uniforms):
    passed = passing(target_probabilities, draft_probabilities, drafted, uniforms)
    kept = torch.cat([passed, torch.tensor([False])]).int().argmin().item()
    return kept, following(target_probabilities, draft_probabilities, kept)
