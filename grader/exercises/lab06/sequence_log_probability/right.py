"""Right ways to write ``sequence_log_probability``, in styles that people have."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from grader.exercises.lab06.sequence_log_probability.wrong import catalogue, tokens_of

right = catalogue.right


@right
def by_cross_entropy(logits, input_ids, completion_mask):
    targets = input_ids[:, 1:].masked_fill(~completion_mask[:, 1:], -100)
    return -F.cross_entropy(logits[:, :-1].transpose(1, 2), targets, reduction="none").sum(1)


@right
def in_loops(logits, input_ids, completion_mask):
    totals = []
    for row in range(len(input_ids)):
        total = logits.new_zeros(())
        for place in range(1, input_ids.shape[1]):
            if completion_mask[row, place]:
                total = total + F.log_softmax(logits[row, place - 1], dim=0)[input_ids[row, place]]
        totals.append(total)
    return torch.stack(totals)


@right
def logit_less_normaliser(logits, input_ids, completion_mask):
    before, after = logits[:, :-1], input_ids[:, 1:].unsqueeze(-1)
    chosen = torch.take_along_dim(before, after, dim=-1).squeeze(-1)
    return ((chosen - before.logsumexp(-1)) * completion_mask[:, 1:].to(logits.dtype)).sum(dim=-1)


@right
def by_row_indices(logits, input_ids, completion_mask):
    rows, places = completion_mask[:, 1:].nonzero(as_tuple=True)
    found = logits[rows, places].log_softmax(-1)[torch.arange(len(rows)), input_ids[rows, places + 1]]
    return torch.zeros(len(input_ids), dtype=logits.dtype).index_add(0, rows, found)


@right
def by_one_hot(logits, input_ids, completion_mask):
    chosen = F.one_hot(input_ids, logits.shape[-1]).to(logits.dtype) * completion_mask[..., None]
    return torch.einsum("bsv,bsv->b", logits.log_softmax(-1)[:, :-1], chosen[:, 1:])


@right
def in_double(logits, input_ids, completion_mask):
    scores = torch.log_softmax(logits.double(), dim=-1)
    scores = torch.gather(scores[:, :-1, :], 2, input_ids[:, 1:].unsqueeze(2)).squeeze(2)
    return scores.masked_fill(completion_mask[:, 1:].logical_not(), 0).sum(-1)


@right
def padded_in_front(logits, input_ids, completion_mask):
    scores = F.pad(tokens_of(logits, input_ids), (1, 0))
    return torch.where(completion_mask, scores, torch.zeros_like(scores)).sum(1)


@right
def row_by_row(logits, input_ids, completion_mask):
    return torch.stack(
        [
            tokens_of(one[None], ids[None])[0][mask[1:]].sum()
            for one, ids, mask in zip(logits, input_ids, completion_mask, strict=True)
        ]
    )


@right
def by_categorical(logits, input_ids, completion_mask):
    found = torch.distributions.Categorical(logits=logits[:, :-1], validate_args=False).log_prob(input_ids[:, 1:])
    return (found * completion_mask[:, 1:]).sum(1)


@right
def by_nll_loss(logits, input_ids, completion_mask):
    scores = F.log_softmax(logits[:, :-1], -1).reshape(-1, logits.shape[-1])
    found = -F.nll_loss(scores, input_ids[:, 1:].reshape(-1), reduction="none").view(len(input_ids), -1)
    return found.mul(completion_mask[:, 1:]).sum(1)
