"""The soft loss from the k most likely tokens of the teacher and the mass of all the others.

Plain top-k drops the others and scales the k up to 1, which tells the student that everything else is impossible.  Here
the others are one bin with their exact mass, at the temperature that is asked for.  What is lost is the order inside
the bin: by the data-processing inequality the loss can only be smaller than the exact one, and `truncation_bias`
measures by how much (Lab 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from utils.data.batches import IGNORE, Batch, model_inputs, to_device
from utils.losses.core import TokenSum, at_least_float32, shifted, soft_loss


@dataclass(frozen=True)
class TopAnswers:
    """The teacher's k most likely tokens at every position, and the others as one bin, at one temperature.

    ids (B, S, k) int64; log_probabilities (B, S, k + 1), the last one the others'; each sums to 1 in probability.
    """

    ids: Tensor
    log_probabilities: Tensor
    temperature: float


def top_answers(logits: Tensor, k: int, temperature: float) -> TopAnswers:
    """The top k of whole logits (B, S, V): what a cache would hold of them, without its rounding."""
    scaled = at_least_float32(logits.detach()) / temperature
    ids = scaled.topk(min(k, scaled.shape[-1]), dim=-1).indices
    return TopAnswers(ids, _binned(scaled, ids), temperature)


def topk_soft_loss(student_logits: Tensor, teacher: TopAnswers, labels: Tensor) -> TokenSum:
    """T^2 KL(teacher || student) over k + 1 bins, summed over valid positions (nats).

    student_logits (B, S, V), labels (B, S), both before the shift.  Never above utils.losses.core.soft_loss, and
    equal to it for k = V.
    """
    student, targets = shifted(student_logits, labels)
    valid = labels[:, 1:] != IGNORE
    ids, log_p = (x[:, :-1][valid] for x in (teacher.ids, teacher.log_probabilities))
    log_q = _binned(at_least_float32(student) / teacher.temperature, ids)
    p = log_p.exp()
    # An empty bin: 0 log 0 = 0, in value and in gradient, where the product alone would be NaN.
    terms = p * (log_p - torch.where(p > 0, log_q, 0.0)).masked_fill(p == 0, 0.0)
    return TokenSum(teacher.temperature**2 * terms.sum(), targets.numel())


@dataclass(frozen=True)
class TruncationBias:
    """The soft loss on the same batches, in nats per token: exact; top-k plus tail bin; top-k renormalised."""

    k: int
    temperature: float
    whole: float
    with_tail: float
    without_tail: float
    tail_mass: float


@torch.no_grad()
def truncation_bias(
    student: nn.Module, teacher: nn.Module, batches: list[Batch], k: int, temperature: float = 1.0
) -> TruncationBias:
    """What k tokens lose of the soft loss; both models are put into eval mode."""
    student.eval()
    teacher.eval()
    totals, count = torch.zeros(4, dtype=torch.float64), 0
    for batch in batches:
        batch = to_device(batch, next(student.parameters()).device)
        labels = batch["labels"]
        ours, theirs = (model(**model_inputs(batch)).logits for model in (student, teacher))
        answers = top_answers(theirs, k, temperature)
        scaled_up = TopAnswers(answers.ids, _without_tail(answers.log_probabilities), temperature)
        whole = soft_loss(ours, theirs, labels, temperature)
        parts = [topk_soft_loss(ours, kind, labels).total for kind in (answers, scaled_up)]
        tail = answers.log_probabilities[:, :-1, -1].exp()[labels[:, 1:] != IGNORE].sum()
        totals += torch.stack([whole.total, *parts, tail]).cpu().double()
        count += whole.count
    return TruncationBias(k, temperature, *(totals / count).tolist())


def _binned(scaled: Tensor, ids: Tensor) -> Tensor:
    """log probabilities of the tokens `ids` and, last, of all others together: (..., V), (..., k) -> (..., k + 1)."""
    top = scaled.gather(-1, ids)
    rest = scaled.scatter(-1, ids, -torch.inf)
    # Where no other token is left the sum's gradient would be NaN.
    empty = torch.isinf(rest).all(dim=-1, keepdim=True)
    others = torch.logsumexp(rest.masked_fill(empty, 0.0), dim=-1, keepdim=True).masked_fill(empty, -torch.inf)
    return torch.log_softmax(torch.cat([top, others], dim=-1), dim=-1)


def _without_tail(log_probabilities: Tensor) -> Tensor:
    """The last bin emptied and the k others scaled up to 1: plain top-k."""
    others = torch.full_like(log_probabilities[..., -1:], -torch.inf)
    return torch.cat([torch.log_softmax(log_probabilities[..., :-1], dim=-1), others], dim=-1)
