"""draft_loss(draft_logits, target_logits, mask): the mean total variation, with its gradient to the draft alone."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from grader.exercises.lab04 import logits
from grader.exercises.ordinary import Catalogue, exercise

catalogue = Catalogue()
wrong, right = catalogue.wrong, catalogue.right


def _both(draft_logits, target_logits):
    """q and p; only q carries a gradient."""
    return draft_logits.softmax(-1), target_logits.detach().softmax(-1)


def draft_loss(draft_logits, target_logits, mask):
    q, p = _both(draft_logits, target_logits)
    return 0.5 * (p - q).abs().sum(-1)[mask].mean()


@wrong(
    "total variation without the half",
    "Averages the whole sum of |p - q|; the loss can reach 2.",
    "What is the loss of a draft that shares no token with its target?",
)
def without_the_half(draft_logits, target_logits, mask):
    return 2 * draft_loss(draft_logits, target_logits, mask)


@wrong(
    "the gradient flows into the target",
    "Nothing keeps the target's logits out of the graph.",
    "Which of the two models should move?",
)
def target_learns(draft_logits, target_logits, mask):
    q, p = draft_logits.softmax(-1), target_logits.softmax(-1)
    return 0.5 * (p - q).abs().sum(-1)[mask].mean()


@wrong(
    "the draft is detached instead of the target",
    "The gradient goes to the wrong model.",
    "Which of the two models should move?",
)
def draft_detached(draft_logits, target_logits, mask):
    q, p = draft_logits.detach().softmax(-1), target_logits.softmax(-1)
    return 0.5 * (p - q).abs().sum(-1)[mask].mean()


@wrong(
    "the acceptance is returned as a loss: its descent lowers the acceptance",
    "Minimises 1 - TV.",
    "An optimizer makes the loss small. What becomes of the draft then?",
)
def acceptance(draft_logits, target_logits, mask):
    q, p = _both(draft_logits, target_logits)
    return torch.minimum(p, q).sum(-1)[mask].mean()


@wrong(
    "the sign is turned round: minus the total variation",
    "Descending it drives the draft away from the target.",
    "An optimizer makes the loss small. What becomes of the draft then?",
)
def negative(draft_logits, target_logits, mask):
    return -draft_loss(draft_logits, target_logits, mask)


@wrong(
    "minus the acceptance: the right gradient, and a value that is 1 too small",
    "Returns TV - 1.",
    "Which value should the loss have where draft and target agree?",
)
def minus_acceptance(draft_logits, target_logits, mask):
    return draft_loss(draft_logits, target_logits, mask) - 1


@wrong(
    "padding counts: the mask is not used",
    "Averages over all positions.",
    "Does a position that does not count get a gradient?",
)
def no_mask(draft_logits, target_logits, mask):
    q, p = _both(draft_logits, target_logits)
    return 0.5 * (p - q).abs().sum(-1).mean()


@wrong(
    "divided by all positions instead of those that count",
    "Sets the others to 0 and takes the mean over B x S.",
    "How many numbers does your mean divide by?",
)
def divided_by_all(draft_logits, target_logits, mask):
    q, p = _both(draft_logits, target_logits)
    return 0.5 * ((p - q).abs().sum(-1) * mask).mean()


@wrong(
    "a mean of the rows' means instead of one mean over positions",
    "A row of two tokens weighs as much as one of five.",
    "Should a token of a short row weigh more than one of a long row?",
)
def mean_of_means(draft_logits, target_logits, mask):
    q, p = _both(draft_logits, target_logits)
    distance, used = 0.5 * (p - q).abs().sum(-1), mask.any(1)
    return ((distance * mask).sum(1)[used] / mask.sum(1)[used]).mean()


@wrong(
    "summed over the positions instead of averaged",
    "A longer batch gives a larger loss.",
    "Repeat every row: should the loss double?",
)
def summed(draft_logits, target_logits, mask):
    q, p = _both(draft_logits, target_logits)
    return 0.5 * (p - q).abs().sum(-1)[mask].sum()


@wrong(
    "squared differences instead of absolute ones",
    "Large differences count too much: this is no bound on rejections.",
    "How is the total variation defined, and what does a square change?",
)
def squared(draft_logits, target_logits, mask):
    q, p = _both(draft_logits, target_logits)
    return 0.5 * (p - q).square().sum(-1)[mask].mean()


@wrong(
    "the largest difference instead of their sum",
    "Only one token of each position gets a gradient.",
    "Which tokens can be rejected: one, or many?",
)
def largest(draft_logits, target_logits, mask):
    q, p = _both(draft_logits, target_logits)
    return (p - q).abs().amax(-1)[mask].mean()


@wrong(
    "KL(target || draft) instead of the total variation",
    "The usual loss of distillation; it bounds rejections and does not count them.",
    "Your loss is a good one. Is it the one that equals 1 minus the acceptance?",
)
def forward_kl(draft_logits, target_logits, mask):
    terms = F.kl_div(draft_logits.log_softmax(-1), target_logits.detach().softmax(-1), reduction="none")
    return terms.sum(-1)[mask].mean()


@wrong(
    "KL(draft || target) instead of the total variation",
    "Reverse KL: it bounds rejections and does not count them.",
    "Your loss is a good one. Is it the one that equals 1 minus the acceptance?",
)
def reverse_kl(draft_logits, target_logits, mask):
    q, p = draft_logits.log_softmax(-1), target_logits.detach().log_softmax(-1)
    return (q.exp() * (q - p)).sum(-1)[mask].mean()


@wrong(
    "logits are compared instead of probabilities",
    "Forgets the softmax: adding 3 to all logits of a model changes the loss.",
    "Add a constant to every logit: should the loss change?",
)
def no_softmax(draft_logits, target_logits, mask):
    return 0.5 * (target_logits.detach() - draft_logits).abs().sum(-1)[mask].mean()


@wrong(
    "log-probabilities are compared instead of probabilities",
    "The many unlikely tokens decide.",
    "What does a token weigh that is drafted once in a million?",
)
def log_probabilities(draft_logits, target_logits, mask):
    difference = target_logits.detach().log_softmax(-1) - draft_logits.log_softmax(-1)
    return 0.5 * difference.abs().sum(-1)[mask].mean()


@wrong(
    "averaged over the vocabulary instead of summed over it",
    "Divides by the size of the vocabulary.",
    "What is the loss of a draft that shares no token with its target?",
)
def averaged_over_vocabulary(draft_logits, target_logits, mask):
    q, p = _both(draft_logits, target_logits)
    return 0.5 * (p - q).abs()[mask].mean()


@wrong(
    "p - q is added up without its absolute value",
    "The sum is 0 for any two distributions.",
    "What do all entries of p - q add up to?",
)
def no_absolute_value(draft_logits, target_logits, mask):
    q, p = _both(draft_logits, target_logits)
    return 0.5 * (p - q).sum(-1)[mask].mean()


@wrong(
    "1 - sum p q instead of the total variation",
    "The rejections of the rule 'draw from both, keep if equal'.",
    "Which loss should a draft have that equals its target?",
)
def products(draft_logits, target_logits, mask):
    q, p = _both(draft_logits, target_logits)
    return 1 - (p * q).sum(-1)[mask].mean()


@wrong(
    "shifted by one once more: mask and logits are already aligned",
    "Compares the logits of a position with the mask of the next.",
    "Read again what mask says: does it mark logits or labels?",
)
def shifted(draft_logits, target_logits, mask):
    q, p = _both(draft_logits, target_logits)
    return 0.5 * (p - q).abs().sum(-1)[:, :-1][mask[:, 1:]].mean()


@right
def one_minus_overlap(draft_logits, target_logits, mask):
    q = F.softmax(draft_logits, dim=-1)
    with torch.no_grad():
        p = F.softmax(target_logits, dim=-1)
    return 1 - torch.minimum(p, q).sum(dim=-1)[mask].mean()


@right
def excess_of_the_draft(draft_logits, target_logits, mask):
    q, p = _both(draft_logits, target_logits)
    return F.relu(q - p).sum(-1).masked_select(mask).mean()


@right
def excess_of_the_target(draft_logits, target_logits, mask):
    q, p = _both(draft_logits, target_logits)
    return (p - q).clamp(min=0).sum(-1)[mask].mean()


@right
def weighted(draft_logits, target_logits, mask):
    q, p = _both(draft_logits, target_logits)
    weight = mask.to(q.dtype)
    return 0.5 * torch.einsum("bsv,bs->", (p - q).abs(), weight) / weight.sum()


@right
def from_log_softmax(draft_logits, target_logits, mask):
    q, p = draft_logits[mask].log_softmax(-1).exp(), target_logits[mask].log_softmax(-1).exp().detach()
    return torch.norm(q - p, p=1, dim=-1).mean() / 2


@right
def with_l1_loss(draft_logits, target_logits, mask):
    q, p = (each.softmax(-1)[mask] for each in (draft_logits, target_logits.detach()))
    return F.l1_loss(q, p, reduction="sum") / (2 * mask.sum())


@right
def with_loops(draft_logits, target_logits, mask):
    found = [
        0.5 * (draft_logits[row, place].softmax(0) - target_logits[row, place].detach().softmax(0)).abs().sum()
        for row, place in mask.nonzero().tolist()
    ]
    return sum(found) / len(found)


@right
def in_double(draft_logits, target_logits, mask):
    q, p = _both(draft_logits.double(), target_logits.double())
    return torch.where(q > p, q - p, torch.zeros_like(q)).sum(-1)[mask].mean()


@right
def where_zero(draft_logits, target_logits, mask):
    q, p = _both(draft_logits, target_logits)
    distance = torch.where(mask, 0.5 * (p - q).abs().sum(-1), 0.0)
    return distance.sum() / mask.sum()


BOTH = ("draft_logits", "target_logits")
PARTS = (
    (
        "the total variation and its gradient",
        3.0,
        (logits.GAPS, logits.LARGE),
        (
            "total variation without the half",
            "the gradient flows into the target",
            "squared differences",
            "minus the acceptance: the right",
            "averaged over the vocabulary",
        ),
    ),
    (
        "only positions that count",
        2.0,
        (logits.PADDED, logits.ROW),
        (
            "padding counts",
            "divided by all",
            "a mean of the rows'",
            "summed over the positions",
            "shifted by one once more",
        ),
    ),
)
EXERCISE = exercise(
    "draft_loss", "04", draft_loss, lambda random: logits.draw(random, *BOTH, gradients=BOTH), PARTS, catalogue
)
