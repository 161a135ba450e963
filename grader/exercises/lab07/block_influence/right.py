"""Right ways to write block_influence, in other styles."""

from __future__ import annotations

import itertools

import numpy as np
import torch
import torch.nn.functional as F

from grader.exercises.lab07.block_influence.unmasked import catalogue

right = catalogue.right


@right
def with_loops(hidden_states, mask):
    found = []
    for layer in range(len(hidden_states) - 1):
        total, count = 0.0, 0
        for row in range(mask.shape[0]):
            for place in range(mask.shape[1]):
                if mask[row, place]:
                    a, b = hidden_states[layer][row, place], hidden_states[layer + 1][row, place]
                    total += 1 - (a @ b / (a.norm() * b.norm())).item()
                    count += 1
        found.append(total / count)
    return torch.tensor(found)


@right
def normalised_first(hidden_states, mask):
    units = [F.normalize(state, dim=-1) for state in hidden_states]
    return torch.stack([1 - (a * b).sum(-1)[mask].mean() for a, b in itertools.pairwise(units)])


@right
def stacked(hidden_states, mask):
    states = torch.stack(list(hidden_states))[:, mask]
    return 1 - torch.cosine_similarity(states[:-1], states[1:], dim=-1).mean(dim=1)


@right
def weighted(hidden_states, mask):
    weight = mask.to(hidden_states[0].dtype)
    changed = [
        ((1 - F.cosine_similarity(hidden_states[i], hidden_states[i + 1], dim=2)) * weight).sum() / weight.sum()
        for i in range(len(hidden_states) - 1)
    ]
    return torch.stack(changed)


@right
def with_einsum(hidden_states, mask):
    found = []
    for a, b in itertools.pairwise(hidden_states):
        a, b = a[mask], b[mask]
        products = torch.einsum("nd,nd->n", a, b)
        lengths = torch.einsum("nd,nd->n", a, a).sqrt() * torch.einsum("nd,nd->n", b, b).sqrt()
        found.append((1 - products / lengths).mean())
    return torch.stack(found)


@right
def half_of_a_squared_distance(hidden_states, mask):
    units = [state / state.norm(dim=-1, keepdim=True) for state in hidden_states]
    halves = [((a - b).square().sum(-1) / 2)[mask] for a, b in itertools.pairwise(units)]
    return torch.stack([half.mean() for half in halves])


@right
def in_double(hidden_states, mask):
    kept = [state.double()[mask] for state in hidden_states]
    similar = torch.nn.CosineSimilarity(dim=1)
    return torch.stack([(1 - similar(kept[i], kept[i + 1])).mean() for i in range(len(kept) - 1)]).float()


@right
def in_numpy(hidden_states, mask):
    keep = mask.numpy()
    states = [state.numpy()[keep] for state in hidden_states]
    found = []
    for i in range(1, len(states)):
        a, b = states[i - 1], states[i]
        found.append(1 - ((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).mean())
    return torch.tensor(np.array(found))


@right
def with_nan(hidden_states, mask):
    changed = [1 - F.cosine_similarity(a, b, dim=-1) for a, b in itertools.pairwise(hidden_states)]
    return torch.stack([one.masked_fill(~mask, float("nan")).nanmean() for one in changed])
