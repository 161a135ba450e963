"""Wrong ways to write acceptance_rate."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from grader.exercises.lab04.acceptance_rate.rule import both
from grader.exercises.ordinary import Catalogue

catalogue = Catalogue()
wrong = catalogue.wrong


# Which number of a position is averaged


@wrong(
    "how often both likeliest tokens agree is taken for the acceptance",
    "Compares argmaxes, which is the acceptance at temperature 0 only.",
    "Two models may like the same token best and still differ: how often is a sampled token kept then?",
)
def argmax_agreement(target_logits, draft_logits, mask):
    return (target_logits.argmax(-1) == draft_logits.argmax(-1)).double()[mask].mean()


@wrong(
    "sum p q: the chance that two separate draws are equal",
    "Adds up the products, which is what the rule 'draw from both, keep if equal' keeps.",
    "If p = q, how many drafted tokens should be kept? What does your formula give then?",
)
def products(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    return (p * q).sum(-1)[mask].mean()


@wrong(
    "p/q is averaged without the limit of 1",
    "Averages the ratio over tokens; a ratio of 5 counts as five kept tokens.",
    "With which chance is a token kept whose p is five times its q?",
)
def unclipped(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    return (p / q).mean(-1)[mask].mean()


@wrong(
    "min(1, p/q) is averaged over the vocabulary, not weighted by q",
    "Every token weighs the same, however rarely the draft proposes it.",
    "How often is each token drafted?",
)
def not_weighted(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    return (p / q).clamp(max=1).mean(-1)[mask].mean()


@wrong(
    "min(1, p/q) is weighted by p instead of q",
    "Takes the mean over tokens that the target would draw, but it is the draft that draws.",
    "Who draws the token that is to be kept?",
)
def weighted_by_p(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    return (p * (p / q).clamp(max=1)).sum(-1)[mask].mean()


@wrong(
    "the ratio is q/p instead of p/q",
    "Keeps with the chance min(1, q/p).",
    "A token that the target never says must be rejected: does yours get ratio 0?",
)
def swapped_ratio(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    return (q * (q / p).clamp(max=1)).sum(-1)[mask].mean()


@wrong(
    "total variation without the half",
    "Subtracts the whole sum of |p - q|, which can reach 2.",
    "What is the sum of |p - q| for two distributions that share no token?",
)
def without_the_half(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    return 1 - (p - q).abs().sum(-1)[mask].mean()


@wrong(
    "the distance instead of the overlap: 1 minus the acceptance",
    "Returns the total variation, which is 0 where everything is kept.",
    "Which value should two equal models have?",
)
def distance(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    return 0.5 * (p - q).abs().sum(-1)[mask].mean()


@wrong(
    "the larger of p and q is summed instead of the smaller",
    "Adds up max(p, q), which is never below 1.",
    "Can a share be above 1?",
)
def larger(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    return torch.maximum(p, q).sum(-1)[mask].mean()


@wrong(
    "sum of sqrt(p q) instead of sum of min(p, q)",
    "Measures the Bhattacharyya overlap, which is larger.",
    "It is an overlap, but of which rule is it the share of kept tokens?",
)
def bhattacharyya(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    return (p * q).sqrt().sum(-1)[mask].mean()


@wrong(
    "exp(-KL) instead of the overlap",
    "Turns a divergence into a number between 0 and 1.",
    "KL is in nats. Which share of tokens does it count?",
)
def exp_of_kl(target_logits, draft_logits, mask):
    divergence = F.kl_div(
        draft_logits.log_softmax(-1), target_logits.log_softmax(-1), reduction="none", log_target=True
    )
    return (-divergence.sum(-1)).exp()[mask].mean()


@wrong(
    "p of the draft's likeliest token: the acceptance of a draft that does not sample",
    "Takes it that the draft always proposes its argmax.",
    "This draft draws its token from q. What changes when it always proposes the likeliest?",
)
def greedy_draft(target_logits, draft_logits, mask):
    p, _ = both(target_logits, draft_logits)
    return p.gather(-1, draft_logits.argmax(-1, keepdim=True))[..., 0][mask].mean()


@wrong(
    "logits are compared instead of probabilities",
    "Takes the smaller logit and forgets the softmax.",
    "Logits can be negative and sum to anything. What has to come first?",
)
def no_softmax(target_logits, draft_logits, mask):
    return torch.minimum(target_logits, draft_logits).sum(-1)[mask].mean()


@wrong(
    "softmax over the positions instead of the vocabulary",
    "Normalises along the wrong axis.",
    "Along which axis do the probabilities of one position lie?",
)
def softmax_over_positions(target_logits, draft_logits, mask):
    return torch.minimum(target_logits.softmax(1), draft_logits.softmax(1)).sum(-1)[mask].mean()


# Over which positions


@wrong(
    "padding counts: the mask is not used",
    "Averages over all positions.",
    "Change the logits at a position that does not count: does your answer change?",
)
def no_mask(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    return torch.minimum(p, q).sum(-1).mean()


@wrong(
    "divided by all positions instead of those that count",
    "Sets the others to 0 and takes the mean over B x S.",
    "How many numbers does your mean divide by?",
)
def divided_by_all(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    return (torch.minimum(p, q).sum(-1) * mask).mean()


@wrong(
    "a mean of the rows' means instead of one mean over positions",
    "A row of two tokens weighs as much as one of five.",
    "Should a token of a short row weigh more than one of a long row?",
)
def mean_of_means(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    overlap, used = torch.minimum(p, q).sum(-1), mask.any(1)
    return ((overlap * mask).sum(1)[used] / mask.sum(1)[used]).mean()


@wrong(
    "the mask is turned round: the positions that do not count are averaged",
    "Averages where mask is False.",
    "What does True in the mask stand for?",
)
def inverted(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    return torch.minimum(p, q).sum(-1)[~mask].mean()


@wrong(
    "shifted by one once more: mask and logits are already aligned",
    "Compares the logits of a position with the mask of the next.",
    "Read again what mask says: does it mark logits or labels?",
)
def shifted(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    return torch.minimum(p, q).sum(-1)[:, :-1][mask[:, 1:]].mean()


@wrong(
    "the distributions are averaged before they are compared",
    "Takes the overlap of two mean distributions; differences of single positions cancel.",
    "Two models that disagree everywhere can agree on average. Where must the minimum be taken?",
)
def averaged_first(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    return torch.minimum(p[mask].mean(0), q[mask].mean(0)).sum()


@wrong(
    "summed over the positions instead of averaged",
    "Returns how many tokens would be kept, not which share.",
    "A rate lies between 0 and 1. What is missing?",
)
def summed(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    return torch.minimum(p, q).sum(-1)[mask].sum()


@wrong(
    "averaged over the vocabulary too, not summed over it",
    "Divides by the size of the vocabulary.",
    "Which value should two equal models have, and which do you get?",
)
def averaged_over_vocabulary(target_logits, draft_logits, mask):
    p, q = both(target_logits, draft_logits)
    return torch.minimum(p, q)[mask].mean()
