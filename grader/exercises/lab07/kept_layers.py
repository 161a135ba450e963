"""kept_layers(influence, keep): the places of the `keep` most influential blocks, ascending, as a list of ints."""

from __future__ import annotations

import heapq

import numpy as np
import torch

from grader.exercises.ordinary import Catalogue, exercise
from utils.checks.records import Probe

catalogue = Catalogue()
wrong, right = catalogue.wrong, catalogue.right
FLOATS = "the places are floats, not whole numbers"
WORDS = dict.fromkeys(
    (
        "numbers instead of whole numbers",
        "a tensor instead of a list of whole numbers",
        "a numpy array instead of a list of whole numbers",
        "part 1 is a tensor instead of a whole number",
    ),
    FLOATS,
)
FALLING, MIXED = ("later ones matter less", "the same, one more"), ("in no order", "in no order, deeper")


def kept_layers(influence, keep):
    return sorted(influence.argsort(descending=True)[:keep].tolist())


def draw(random):
    """No two are alike.  Where the kept ones fall from first to last, a list that is not sorted is right by chance."""
    falling = np.sort(random.uniform(0.1, 0.9, 7))[::-1].copy()
    falling[[1, 3, 5]] = random.permutation([0.01, 0.03, 0.05])  # so that the kept ones are not simply the first
    yield Probe(FALLING[0], {"influence": falling, "keep": 3})
    yield Probe(FALLING[1], {"influence": falling + 0.2, "keep": 4})
    for name, depth, keep in ((MIXED[0], 6, 3), (MIXED[1], 9, 5)):
        yield Probe(name, {"influence": _mixed(random, depth, keep), "keep": keep})


def _mixed(random, depth, keep):
    """Influences of which the largest are neither in order, nor the first, the last, or those behind a threshold."""
    steps = np.linspace(0.05, 0.9, depth) ** 2
    while True:
        found = random.permutation(steps)
        best = np.argsort(-found)[:keep]
        plain = (sorted(best), list(range(keep)), list(range(depth - keep, depth)))
        apart = all(sorted(best) != other for other in plain[1:]) and 0 not in best and depth - 1 not in best
        if apart and list(best) != sorted(best) and list(best) != sorted(best, reverse=True):
            return found


@wrong(
    "the least influential are kept",
    "Takes the lowest values.",
    "A block with an influence near 0 changes hardly anything. Do you want to keep that one?",
)
def lowest(influence, keep):
    return sorted(influence.argsort()[:keep].tolist())


@wrong(
    "in the order of their influence instead of their places",
    "Does not sort the places.",
    "In which order did the model learn to use its blocks?",
)
def unsorted(influence, keep):
    return influence.argsort(descending=True)[:keep].tolist()


@wrong(
    "from the weakest kept one to the strongest, not by place",
    "Takes the end of an ascending order.",
    "In which order did the model learn to use its blocks?",
)
def ascending_influence(influence, keep):
    return influence.argsort()[-keep:].tolist()


@wrong("last to first", "Sorts the places the wrong way round.", "Which block has to come first in the small model?")
def descending(influence, keep):
    return kept_layers(influence, keep)[::-1]


@wrong(
    "the removed ones are returned",
    "Returns the places that go, not those that stay.",
    "How long should the answer be, and which places should be in it?",
)
def removed(influence, keep):
    return sorted(influence.argsort(descending=True)[keep:].tolist())


@wrong(
    "keep is taken as the number to remove",
    "Removes the `keep` least influential.",
    "How many blocks should the answer have?",
)
def removes(influence, keep):
    return sorted(influence.argsort()[keep:].tolist())


@wrong("counted from 1", "Adds 1 to every place.", "What is the place of the first block in Python?")
def from_one(influence, keep):
    return [place + 1 for place in kept_layers(influence, keep)]


@wrong(
    "the influences instead of the places",
    "Returns values.",
    "What will prune need: how large they are, or where they are?",
)
def values(influence, keep):
    return influence.sort(descending=True).values[:keep].tolist()


@wrong(
    FLOATS,
    "Returns 2.0 where 2 is asked.",
    "Which number can index a list, 2 or 2.0? Turn each place into an int at the end.",
)
def as_floats(influence, keep):
    return [float(place) for place in kept_layers(influence, keep)]


@wrong("always the first ones", "Ignores the influence.", "What does your answer do with the influences?")
def first(influence, keep):
    return list(range(keep))


@wrong("always the last ones", "Ignores the influence.", "What does your answer do with the influences?")
def last(influence, keep):
    return list(range(len(influence) - keep, len(influence)))


@wrong("one too few", "Keeps keep - 1.", "How long should the answer be?")
def one_too_few(influence, keep):
    return sorted(influence.argsort(descending=True)[: keep - 1].tolist())


@wrong("one too many", "Keeps keep + 1.", "How long should the answer be?")
def one_too_many(influence, keep):
    return sorted(influence.argsort(descending=True)[: keep + 1].tolist())


@wrong(
    "those above the mean, however many they are",
    "Does not look at keep.",
    "How many blocks should the answer have?",
)
def above_the_mean(influence, keep):
    return (influence > influence.mean()).nonzero()[:, 0].tolist()


@wrong(
    "the ranks of the first blocks, not the places of the best",
    "Sorts twice: says which rank each block has.",
    "Print argsort for three numbers. Does it tell which rank each has, or who is at each rank?",
)
def ranks(influence, keep):
    return sorted(influence.argsort(descending=True).argsort()[:keep].tolist())


@wrong(
    "first and last block are always kept",
    "Fills the middle by influence.",
    "Which rule is asked here: the influence alone, or one of your own?",
)
def with_both_ends(influence, keep):
    middle = influence[1:-1].argsort(descending=True)[: keep - 2] + 1
    return sorted([0, *middle.tolist(), len(influence) - 1])


@wrong(
    "evenly spaced, whatever the influence",
    "Ignores the influence.",
    "What does your answer do with the influences?",
)
def evenly(influence, keep):
    return [place * len(influence) // keep for place in range(keep)]


@right
def with_topk(influence, keep):
    return sorted(influence.topk(keep).indices.tolist())


@right
def with_sorted(influence, keep):
    best = sorted(range(len(influence)), key=lambda place: influence[place], reverse=True)[:keep]
    return sorted(best)


@right
def with_numpy(influence, keep):
    return np.sort(np.argsort(-influence.numpy())[:keep]).tolist()


@right
def by_threshold(influence, keep):
    least = influence.sort(descending=True).values[keep - 1]
    return [place for place, value in enumerate(influence.tolist()) if value >= least]


@right
def with_a_heap(influence, keep):
    return sorted(place for _, place in heapq.nlargest(keep, ((v, i) for i, v in enumerate(influence.tolist()))))


@right
def removing_one_by_one(influence, keep):
    left = dict(enumerate(influence.tolist()))
    while len(left) > keep:
        del left[min(left, key=left.get)]
    return list(left)


@right
def with_a_mask(influence, keep):
    chosen = torch.zeros(len(influence), dtype=torch.bool)
    chosen[torch.topk(influence, keep).indices] = True
    return torch.where(chosen)[0].tolist()


@right
def by_counting_larger_ones(influence, keep):
    found = []
    for place in range(len(influence)):
        larger = sum(1 for other in influence if other > influence[place])
        if larger < keep:
            found.append(place)
    return found


@right
def taking_the_largest(influence, keep):
    values, found = influence.clone(), []
    for _ in range(keep):
        found.append(int(values.argmax()))
        values[found[-1]] = -float("inf")
    return sorted(found)


PARTS = (("the most influential", 1.0, FALLING), ("in the order of the model", 1.0, MIXED))
EXERCISE = exercise("kept_layers", "07", kept_layers, draw, PARTS, catalogue, words=WORDS)
