"""Wrong ways to write agreement."""

from __future__ import annotations

import math

import torch

from grader.exercises.lab09.agreement.rule import agreement, kl, mean, same_choice
from grader.exercises.ordinary import Catalogue

catalogue = Catalogue()
wrong = catalogue.wrong


PADDING = "The mask is 0 at a position. Should what both say there count?"


@wrong("padding counts", "The mask is not used.", PADDING)
def with_padding(student_logits, teacher_logits, mask):
    return agreement(student_logits, teacher_logits, torch.ones_like(mask))


@wrong(
    "divided by all positions, padding among them",
    "Sums what counts, and divides by the size of the mask.",
    "What should equal models get, however much padding there is?",
)
def divided_by_all(student_logits, teacher_logits, mask):
    same, nats = same_choice(student_logits, teacher_logits), kl(teacher_logits, student_logits)
    return (same * mask).mean().item(), (nats * mask).mean().item()


@wrong("only padding counts", "The mask is the wrong way round.", PADDING)
def inverted(student_logits, teacher_logits, mask):
    return agreement(student_logits, teacher_logits, ~mask)


@wrong(
    "a mean of the rows' means",
    "A short row weighs as much as a long one.",
    "One row has 2 tokens, another 200. Should a token of the first weigh a hundred times as much?",
)
def mean_of_means(student_logits, teacher_logits, mask):
    same, nats = same_choice(student_logits, teacher_logits), kl(teacher_logits, student_logits)
    return tuple((((values * mask).sum(1) / mask.sum(1)).mean()).item() for values in (same, nats))


@wrong(
    "KL with the student first",
    "KL(student || teacher) is another number.",
    "Whose probabilities weigh the logarithms in KL(teacher || student)?",
)
def reversed_kl(student_logits, teacher_logits, mask):
    return mean(same_choice(student_logits, teacher_logits), mask), mean(kl(student_logits, teacher_logits), mask)


@wrong("KL in bits instead of nats", "The logarithm is to base 2.", "Which logarithm gives nats?")
def bits(student_logits, teacher_logits, mask):
    same, nats = agreement(student_logits, teacher_logits, mask)
    return same, nats / math.log(2)


@wrong(
    "KL divided by the vocabulary",
    "Averages over tokens of the vocabulary, as reduction='mean' does.",
    "What does F.kl_div's reduction 'mean' divide by?",
)
def over_the_vocabulary(student_logits, teacher_logits, mask):
    same, nats = agreement(student_logits, teacher_logits, mask)
    return same, nats / student_logits.shape[-1]


@wrong(
    "KL added up, not averaged over positions",
    "The sum grows with the text.",
    "Should a longer text make the same student differ more?",
)
def summed(student_logits, teacher_logits, mask):
    same, nats = agreement(student_logits, teacher_logits, mask)
    return same, nats * mask.sum().item()


@wrong(
    "KL divided by the rows instead of the positions",
    "reduction='batchmean' divides by the first axis alone.",
    "What is the first axis of (B, S, V), and how many positions has a row?",
)
def batch_mean(student_logits, teacher_logits, mask):
    same, nats = agreement(student_logits, teacher_logits, mask)
    return same, nats * mask.sum().item() / len(mask)


@wrong(
    "logits where F.kl_div wants log-probabilities",
    "The student's logits are not normalised.",
    "What does F.kl_div expect as its first argument?",
)
def raw_logits(student_logits, teacher_logits, mask):
    p = teacher_logits.softmax(-1)
    return mean(same_choice(student_logits, teacher_logits), mask), mean((p * (p.log() - student_logits)).sum(-1), mask)


@wrong(
    "the softmax runs over positions instead of the vocabulary",
    "dim=1 is the sequence.",
    "Along which axis do a position's probabilities add up to 1?",
)
def wrong_axis(student_logits, teacher_logits, mask):
    p, q = teacher_logits.log_softmax(1), student_logits.log_softmax(1)
    return mean(same_choice(student_logits, teacher_logits), mask), mean((p.exp() * (p - q)).sum(-1), mask)


@wrong(
    "cross-entropy instead of KL: the teacher's own entropy is in it",
    "-sum p log q is not 0 for equal models.",
    "What should the second number be for equal models?",
)
def cross_entropy(student_logits, teacher_logits, mask):
    p, q = teacher_logits.softmax(-1), student_logits.log_softmax(-1)
    return mean(same_choice(student_logits, teacher_logits), mask), mean(-(p * q).sum(-1), mask)


@wrong(
    "KL to the teacher's likeliest token alone",
    "Takes -log q of the teacher's choice; the rest of its distribution is lost.",
    "Does your second number change if the teacher's other tokens change places?",
)
def to_the_argmax(student_logits, teacher_logits, mask):
    q = student_logits.log_softmax(-1).gather(-1, teacher_logits.argmax(-1, keepdim=True))[..., 0]
    return mean(same_choice(student_logits, teacher_logits), mask), mean(-q, mask)


@wrong(
    "choices twice: the second number compares argmaxes too",
    "Returns how often the choices differ; the distributions are not asked.",
    "Two models choose the same token, one with 0.9, the other with 0.4. Which of your numbers shows it?",
)
def choices_twice(student_logits, teacher_logits, mask):
    same = mean(same_choice(student_logits, teacher_logits), mask)
    return same, 1 - same


@wrong(
    "KL over the teacher's likeliest tokens alone, renormalised",
    "Compares the top 3.",
    "What happens to probability outside the top k?",
)
def top_k_kl(student_logits, teacher_logits, mask):
    places = teacher_logits.topk(3, dim=-1).indices
    p, q = (logits.gather(-1, places) for logits in (teacher_logits, student_logits))
    return mean(same_choice(student_logits, teacher_logits), mask), mean(kl(p, q), mask)


@wrong(
    "the shared probability instead of KL",
    "Sums min(p, q), which is an acceptance rate.",
    "What should the second number be for equal models?",
)
def shared_mass(student_logits, teacher_logits, mask):
    p, q = teacher_logits.softmax(-1), student_logits.softmax(-1)
    return mean(same_choice(student_logits, teacher_logits), mask), mean(torch.minimum(p, q).sum(-1), mask)


@wrong(
    "the absolute difference of probabilities instead of KL",
    "Half the sum of |p - q| is the total variation.",
    "How large can your second number be for two models that share nothing? And KL?",
)
def total_variation(student_logits, teacher_logits, mask):
    p, q = teacher_logits.softmax(-1), student_logits.softmax(-1)
    return mean(same_choice(student_logits, teacher_logits), mask), mean(0.5 * (p - q).abs().sum(-1), mask)


@wrong(
    "the teacher's choice among the student's three likeliest is enough",
    "Counts top-3 hits.",
    "The student likes another token best. Do both choose the same?",
)
def top_k_choice(student_logits, teacher_logits, mask):
    best = teacher_logits.argmax(-1, keepdim=True)
    hits = (student_logits.topk(3, dim=-1).indices == best).any(-1).to(student_logits.dtype)
    return mean(hits, mask), mean(kl(teacher_logits, student_logits), mask)


@wrong(
    "how often the choices differ instead of agree",
    "Takes != for ==.",
    "What should the first number be for equal models?",
)
def differing(student_logits, teacher_logits, mask):
    same, nats = agreement(student_logits, teacher_logits, mask)
    return 1 - same, nats


@wrong("how many choices agree instead of their share", "Does not divide.", "Can a share be above 1?")
def number(student_logits, teacher_logits, mask):
    same, nats = agreement(student_logits, teacher_logits, mask)
    return same * mask.sum().item(), nats


@wrong(
    "a row agrees only as a whole",
    "Asks whether all of its positions agree.",
    "One of 100 positions differs. How large should the first number be?",
)
def whole_rows(student_logits, teacher_logits, mask):
    same = same_choice(student_logits, teacher_logits).bool() | ~mask
    return same.all(1).to(student_logits.dtype).mean().item(), mean(kl(teacher_logits, student_logits), mask)


@wrong(
    "the choice is where both are surest along the text, not among the tokens",
    "argmax runs over positions.",
    "Along which axis does a model choose its next token?",
)
def argmax_over_positions(student_logits, teacher_logits, mask):
    same = (student_logits.argmax(1) == teacher_logits.argmax(1)).to(student_logits.dtype)
    return same.mean().item(), mean(kl(teacher_logits, student_logits), mask)


@wrong(
    "both numbers change places",
    "KL comes first.",
    "Which of the two is asked for first?",
)
def swapped(student_logits, teacher_logits, mask):
    return agreement(student_logits, teacher_logits, mask)[::-1]


@wrong(
    "the student is compared with what the teacher says one position later",
    "Shifts one of the two.",
    "Both models have read the same tokens. Which of their positions belong together?",
)
def shifted(student_logits, teacher_logits, mask):
    return agreement(student_logits, teacher_logits.roll(-1, dims=1), mask)
