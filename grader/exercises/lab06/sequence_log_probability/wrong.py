"""The reference of ``sequence_log_probability``, and wrong ways to write it."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F

from grader.exercises.ordinary import Catalogue

catalogue = Catalogue()
wrong = catalogue.wrong


def tokens_of(logits, input_ids):
    """(B, S - 1): the log-probability of each token but the first."""
    return logits[:, :-1].log_softmax(-1).gather(-1, input_ids[:, 1:, None])[..., 0]


def sequence_log_probability(logits, input_ids, completion_mask):
    return torch.where(completion_mask[:, 1:], tokens_of(logits, input_ids), 0.0).sum(1)


def _summed(of: Callable) -> Callable:
    """A mistake in the log-probabilities (B, S - 1), which are masked and summed as they should be."""

    def variant(logits, input_ids, completion_mask):
        return (of(logits, input_ids) * completion_mask[:, 1:]).sum(1)

    return variant


def _masked(by: Callable) -> Callable:
    """A mistake in the mask (B, S - 1) alone."""

    def variant(logits, input_ids, completion_mask):
        return (tokens_of(logits, input_ids) * by(completion_mask)).sum(1)

    return variant


def _reduced(by: Callable) -> Callable:
    """A mistake in what is made of the log-probabilities (B, S - 1) and the mask (B, S - 1)."""

    def variant(logits, input_ids, completion_mask):
        return by(tokens_of(logits, input_ids), completion_mask[:, 1:])

    return variant


# Which number belongs to a token

wrong(
    "token t is read at position t: a model predicts the next token there",
    "Gathers input_ids from the logits of the same positions.",
    "Which position's logits were computed before token t was seen?",
)(
    lambda logits, input_ids, completion_mask: (
        logits.log_softmax(-1).gather(-1, input_ids[..., None])[..., 0] * completion_mask
    ).sum(1)
)
for mask_place in (slice(None, -1), slice(1, None)):
    wrong(
        "shifted the wrong way round: token t is read at position t + 1",
        "Pairs logits[:, 1:] with input_ids[:, :-1].",
        "Has the model at position t + 1 seen token t already?",
    )(
        lambda logits, input_ids, completion_mask, place=mask_place: (
            logits[:, 1:].log_softmax(-1).gather(-1, input_ids[:, :-1, None])[..., 0] * completion_mask[:, place]
        ).sum(1)
    )
wrong(
    "logits are added up: the softmax is missing",
    "Gathers raw logits.",
    "Add 3 to all logits: does a probability change? Does your answer?",
)(_summed(lambda logits, ids: logits[:, :-1].gather(-1, ids[:, 1:, None])[..., 0]))
for scores in (lambda logits: logits[:, :-1].log_softmax(1), lambda logits: logits.log_softmax(1)[:, :-1]):
    wrong(
        "softmax over the positions instead of the vocabulary",
        "Normalises along the wrong axis.",
        "Along which axis do the probabilities of one position lie?",
    )(_summed(lambda logits, ids, scores=scores: scores(logits).gather(-1, ids[:, 1:, None])[..., 0]))
wrong(
    "probabilities are added up: the logarithm is missing",
    "Sums p instead of log p.",
    "What is done with the probabilities of independent steps, and what with their logarithms?",
)(_summed(lambda logits, ids: tokens_of(logits, ids).exp()))
wrong(
    "the likeliest token's log-probability instead of the written one's",
    "Takes the maximum over the vocabulary.",
    "The text is given in input_ids. Where does your function look at it?",
)(_summed(lambda logits, ids: logits[:, :-1].log_softmax(-1).amax(-1)))
wrong(
    "log(softmax): an unlikely token's probability becomes 0 and its logarithm infinite",
    "Takes the logarithm of a number that has underflowed.",
    "What is exp(-2000) on a computer, and what its logarithm?",
)(_summed(lambda logits, ids: logits[:, :-1].softmax(-1).gather(-1, ids[:, 1:, None])[..., 0].log()))
wrong(
    "logarithms to base 2: bits instead of nats",
    "Divides by log 2.",
    "Which logarithm does log_softmax take?",
)(_summed(lambda logits, ids: tokens_of(logits, ids) / math.log(2)))
wrong(
    "no gradient reaches logits",
    "Computes without gradients or detaches.",
    "A policy gradient needs the gradient of this number. What cuts it off?",
)(_summed(lambda logits, ids: tokens_of(logits.detach(), ids)))

# Which tokens count

wrong(
    "the mask is not used: prompt and padding are counted",
    "Sums over the whole row.",
    "Who wrote the prompt?",
)(_masked(lambda mask: torch.ones_like(mask[:, 1:])))
wrong(
    "prompt tokens are counted too",
    "Counts all tokens from the row's beginning to the completion's end.",
    "Who wrote the prompt?",
)(_masked(lambda mask: mask.flip(1).cummax(1).values.flip(1)[:, 1:]))
wrong(
    "padding after the completion is counted too",
    "Counts all tokens from the completion's beginning to the row's end.",
    "Which tokens follow the end of text, and who wrote them?",
)(_masked(lambda mask: mask.cummax(1).values[:, 1:]))
wrong(
    "the mask is not shifted with the tokens",
    "Uses completion_mask[:, :-1], which lets the first completion token out and takes one more at the end.",
    "Your log-probabilities belong to the tokens 1, 2, 3, ... Which entries of the mask belong to them?",
)(_masked(lambda mask: mask[:, :-1]))
wrong(
    "the completion's first token is left out",
    "Starts where both a token and the one before it belong to the completion.",
    "Which position predicts the first token of the completion? Is it outside of the sum?",
)(_masked(lambda mask: mask[:, 1:] & mask[:, :-1]))
wrong(
    "the completion's last token is left out",
    "Stops one token early: the end of text does not count.",
    "The writer also decided to stop. Which token says so?",
)(_masked(lambda mask: mask[:, 1:] & F.pad(mask[:, 2:], (0, 1))))
wrong(
    "the mask is turned round: everything but the completion is counted",
    "Sums where the mask is False.",
    "What does True in the mask stand for?",
)(_masked(lambda mask: ~mask[:, 1:]))
wrong(
    "logits are multiplied by the mask before the softmax: a masked position counts -log V",
    "A row of zeros is a uniform distribution and no silence.",
    "What is the softmax of a row of zeros?",
)(
    lambda logits, input_ids, completion_mask: (
        (logits[:, :-1] * completion_mask[:, 1:, None])
        .log_softmax(-1)
        .gather(-1, input_ids[:, 1:, None])[..., 0]
        .sum(1)
    )
)

# What is made of them

for fewest in (0, 1):
    wrong(
        "the mean over the completion's tokens instead of their sum",
        "Divides by the completion's length.",
        "Is a text of 20 tokens as likely as its average token?",
    )(_reduced(lambda tokens, mask, fewest=fewest: (tokens * mask).sum(1) / mask.sum(1).clamp(min=fewest)))
wrong(
    "the mean over the row's length instead of a sum",
    "Averages over S - 1 positions, masked ones included.",
    "Pad the row with ten more tokens: should your answer change?",
)(_reduced(lambda tokens, mask: (tokens * mask).mean(1)))
wrong(
    "one number for the whole batch instead of one for each row",
    "Sums over rows too.",
    "Each row is a text of its own. How many answers are asked?",
)(_reduced(lambda tokens, mask: (tokens * mask).sum()))
wrong(
    "one number for each token instead of one for each row",
    "The sum is missing.",
    "A text is one event. What is made of its tokens' log-probabilities?",
)(_reduced(lambda tokens, mask: tokens * mask))
wrong(
    "one mean for the whole batch instead of a sum for each row",
    "Averages over all tokens that count.",
    "Each row is a text of its own. How many answers are asked?",
)(_reduced(lambda tokens, mask: tokens[mask].mean()))
wrong(
    "the sign is turned round: a loss instead of a log-probability",
    "Returns minus the sum.",
    "Which sign has the logarithm of a number below 1?",
)(_reduced(lambda tokens, mask: -(tokens * mask).sum(1)))
wrong(
    "exp of the sum: the probability, which is 0 for any long text",
    "Leaves the logarithm.",
    "What is the probability of a text of a thousand tokens, as a float?",
)(_reduced(lambda tokens, mask: (tokens * mask).sum(1).exp()))
wrong(
    "a perplexity instead of a log-probability",
    "exp(-mean).",
    "The task asks for the logarithm of a probability. What did you do after the sum?",
)(_reduced(lambda tokens, mask: (-(tokens * mask).sum(1) / mask.sum(1)).exp()))
wrong(
    "log of the mean probability instead of the sum of logarithms",
    "Averages probabilities and takes the logarithm at the end.",
    "Is the logarithm of a mean the mean of logarithms?",
)(_reduced(lambda tokens, mask: torch.logsumexp(tokens.masked_fill(~mask, -torch.inf), 1) - mask.sum(1).log()))
