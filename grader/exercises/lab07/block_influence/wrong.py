"""Wrong ways to write block_influence."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F

from grader.exercises.lab07.block_influence.rule import block_cosines, block_influence
from grader.exercises.ordinary import Catalogue

catalogue = Catalogue()
wrong = catalogue.wrong


# What is compared with what


@wrong(
    "the cosine instead of 1 minus it",
    "Returns how little a block changes.",
    "A block that changes nothing: which influence should it have, and which does it get?",
)
def cosine(hidden_states, mask):
    return 1 - block_influence(hidden_states, mask)


@wrong(
    "the sign is turned round: cosine minus 1",
    "Returns negative influences.",
    "Should a block that turns a state round have a large influence or a small one?",
)
def negative(hidden_states, mask):
    return -block_influence(hidden_states, mask)


@wrong(
    "each state is compared with the last one, not with what its own block reads",
    "Measures how far a block's output is from the end.",
    "What does this block read, and what does it write? The end of the model is neither.",
)
def to_the_end(hidden_states, mask):
    last = hidden_states[-1]
    found = [(1 - F.cosine_similarity(state, last, dim=-1))[mask].mean() for state in hidden_states[1:]]
    return torch.stack(found)


@wrong(
    "what a block reads is compared with the last state",
    "Measures how far a block's input is from the end.",
    "What does this block itself write?",
)
def input_to_the_end(hidden_states, mask):
    last = hidden_states[-1]
    found = [(1 - F.cosine_similarity(state, last, dim=-1))[mask].mean() for state in hidden_states[:-1]]
    return torch.stack(found)


@wrong(
    "each state is compared with the embedding, not with what its own block reads",
    "Adds up what all blocks before have done.",
    "What does block 3 read: the embedding, or what block 2 wrote?",
)
def from_the_beginning(hidden_states, mask):
    first = hidden_states[0]
    found = [(1 - F.cosine_similarity(first, state, dim=-1))[mask].mean() for state in hidden_states[1:]]
    return torch.stack(found)


@wrong(
    "off by one: the first block is left out",
    "Begins with the states after the first block.",
    "hidden_states[0] is before the first block. What does that block write?",
)
def first_left_out(hidden_states, mask):
    return block_influence(hidden_states[1:], mask)


@wrong(
    "off by one: the last block is left out",
    "Ends one state early.",
    "There is one state more than there are blocks. How many pairs is that?",
)
def last_left_out(hidden_states, mask):
    return block_influence(hidden_states[:-1], mask)


@wrong(
    "one entry too many: the state before the first block gets an influence too",
    "Returns L + 1 numbers.",
    "How many blocks are there if there are L + 1 states?",
)
def one_too_many(hidden_states, mask):
    return torch.cat([torch.zeros(1, dtype=hidden_states[0].dtype), block_influence(hidden_states, mask)])


@wrong(
    "input and output of different blocks: two blocks are skipped at a time",
    "Compares a state with the one after the next.",
    "Which state does block i write if it reads hidden_states[i]?",
)
def two_apart(hidden_states, mask):
    pairs = zip(hidden_states[:-1], [*hidden_states[2:], hidden_states[-1]], strict=True)
    return torch.stack([(1 - F.cosine_similarity(a, b, dim=-1))[mask].mean() for a, b in pairs])


# How two states are compared


@wrong(
    "the cosine over the positions instead of the features",
    "Compares columns.",
    "Along which axis do the numbers of one position's state lie?",
)
def over_positions(hidden_states, mask):
    weight = mask[..., None].to(hidden_states[0].dtype)
    pairs = itertools.pairwise(hidden_states)
    return torch.stack([(1 - F.cosine_similarity(a * weight, b * weight, dim=1)).mean() for a, b in pairs])


@wrong(
    "one cosine of all positions in a row, instead of one for each position",
    "Flattens the states; positions with large states decide.",
    "Should a position with a large state count more than others?",
)
def flattened(hidden_states, mask):
    pairs = itertools.pairwise(hidden_states)
    return torch.stack([1 - F.cosine_similarity(a[mask].flatten(), b[mask].flatten(), dim=0) for a, b in pairs])


@wrong(
    "states are averaged before they are compared",
    "Takes the cosine of two mean states.",
    "Changes in opposite directions cancel in a mean state. Where must the cosine be taken?",
)
def averaged_first(hidden_states, mask):
    pairs = itertools.pairwise(hidden_states)
    return torch.stack([1 - F.cosine_similarity(a[mask].mean(0), b[mask].mean(0), dim=0) for a, b in pairs])


@wrong(
    "the plain product of both states: it is not divided by their lengths",
    "Takes 1 minus the dot product.",
    "Double both states: should the influence change?",
)
def not_normalised(hidden_states, mask):
    pairs = itertools.pairwise(hidden_states)
    return torch.stack([(1 - (a * b).sum(-1))[mask].mean() for a, b in pairs])


@wrong(
    "the length of the change instead of its angle",
    "Returns the norm of output minus input.",
    "A block that only makes every state twice as long: which influence has it by the formula?",
)
def distance(hidden_states, mask):
    pairs = itertools.pairwise(hidden_states)
    return torch.stack([(b - a).norm(dim=-1)[mask].mean() for a, b in pairs])


@wrong(
    "the change relative to the input instead of the angle",
    "Divides the norm of the change by that of the input.",
    "A block that only makes every state twice as long: which influence has it by the formula?",
)
def relative_distance(hidden_states, mask):
    pairs = itertools.pairwise(hidden_states)
    return torch.stack([((b - a).norm(dim=-1) / a.norm(dim=-1))[mask].mean() for a, b in pairs])


@wrong(
    "the mean squared difference instead of the angle",
    "Takes the mean of squares of output minus input.",
    "A block that only makes every state twice as long: which influence has it by the formula?",
)
def mean_square(hidden_states, mask):
    return torch.stack([F.mse_loss(a[mask], b[mask]) for a, b in itertools.pairwise(hidden_states)])


@wrong(
    "the absolute value of the cosine: a block that turns states round looks idle",
    "Takes 1 - |cosine|.",
    "A block that writes the negative of what it reads: has it changed much?",
)
def absolute(hidden_states, mask):
    return (1 - block_cosines(hidden_states).abs()[:, mask]).mean(-1)


@wrong(
    "the cosine is squared",
    "Takes 1 - cosine^2.",
    "A block that writes the negative of what it reads: has it changed much?",
)
def squared(hidden_states, mask):
    return (1 - block_cosines(hidden_states)[:, mask] ** 2).mean(-1)


@wrong(
    "the angle itself instead of 1 minus its cosine",
    "Takes the arc cosine.",
    "Which is asked: an angle or 1 minus its cosine?",
)
def angle(hidden_states, mask):
    return block_cosines(hidden_states)[:, mask].clamp(-1, 1).arccos().mean(-1)


# Over which positions


@wrong(
    "padding counts: the mask is not used",
    "Averages over all positions.",
    "Change the states at a padded position: does your answer change?",
)
def no_mask(hidden_states, mask):
    return (1 - block_cosines(hidden_states)).mean((1, 2))


@wrong(
    "divided by all positions instead of the valid ones",
    "Sets padding to 0 and takes the mean over B x S.",
    "How many numbers does your mean divide by?",
)
def divided_by_all(hidden_states, mask):
    return ((1 - block_cosines(hidden_states)) * mask).mean((1, 2))


@wrong(
    "states are set to 0 at padding, and padding is averaged",
    "A cosine of two zero vectors is 0, so padding has an influence of 1.",
    "What is the cosine of two vectors of zeros, and should it count?",
)
def zeroed_states(hidden_states, mask):
    return no_mask([state * mask[..., None] for state in hidden_states], mask)


@wrong(
    "the mask is applied to the cosine before it is taken from 1, so padding adds 1 each",
    "Sums 1 - cosine * mask.",
    "What does a padded position add to your sum?",
)
def masked_too_early(hidden_states, mask):
    return (1 - block_cosines(hidden_states) * mask).sum((1, 2)) / mask.sum()


@wrong(
    "one number for the whole model: the blocks are averaged",
    "Takes the mean over the blocks too.",
    "How will you choose among blocks that share one number?",
)
def over_blocks(hidden_states, mask):
    return block_influence(hidden_states, mask).mean()


@wrong(
    "a mean of the rows' means instead of one mean over positions",
    "A row of two tokens weighs as much as one of five.",
    "Should a token of a short row weigh more than one of a long row?",
)
def mean_of_means(hidden_states, mask):
    changed = (1 - block_cosines(hidden_states)) * mask
    return (changed.sum(-1) / mask.sum(-1)).mean(-1)


@wrong(
    "the mask is turned round: padding is averaged",
    "Averages where mask is False.",
    "What does True in the mask stand for?",
)
def inverted(hidden_states, mask):
    return (1 - block_cosines(hidden_states)[:, ~mask]).mean(-1)


@wrong(
    "only the last position of each row counts",
    "Looks at one token for each text.",
    "Which positions does the mask mark?",
)
def last_position(hidden_states, mask):
    return (1 - block_cosines(hidden_states)[:, :, -1]).mean(-1)


@wrong(
    "summed over the positions instead of averaged",
    "Grows with the length of the text.",
    "Should a longer text make every block more influential?",
)
def summed(hidden_states, mask):
    return (1 - block_cosines(hidden_states)[:, mask]).sum(-1)
