"""speedup(acceptance, gamma, cost_ratio): tokens per second with a draft over tokens per second without."""

from __future__ import annotations

from functools import partial

import numpy as np

from grader.exercises.lab04 import speeds
from grader.exercises.ordinary import Catalogue, exercise

catalogue = Catalogue()
wrong, right = catalogue.wrong, catalogue.right


def _tokens(acceptance, gamma):
    return float(sum(acceptance**i for i in range(gamma + 1)))


def speedup(acceptance, gamma, cost_ratio):
    return _tokens(acceptance, gamma) / (gamma * cost_ratio + 1)


@wrong(
    "the draft costs nothing",
    "Returns the tokens of a round and leaves gamma c out.",
    "How long does it take to draft gamma tokens?",
)
def free_draft(acceptance, gamma, cost_ratio):
    return _tokens(acceptance, gamma)


@wrong(
    "the target's pass costs nothing",
    "Divides by gamma c alone.",
    "Who reads the drafted tokens, and how long does that take?",
)
def free_target(acceptance, gamma, cost_ratio):
    return _tokens(acceptance, gamma) / (gamma * cost_ratio)


@wrong(
    "the target reads the drafted tokens one by one",
    "Charges gamma + 1 calls of the target.",
    "How many calls of the target does a round need?",
)
def one_by_one(acceptance, gamma, cost_ratio):
    return _tokens(acceptance, gamma) / (gamma * cost_ratio + gamma + 1)


@wrong(
    "gamma + 1 draft calls are charged instead of gamma",
    "The token that the target adds is not drafted.",
    "Who writes the last token of a round?",
)
def one_draft_more(acceptance, gamma, cost_ratio):
    return _tokens(acceptance, gamma) / ((gamma + 1) * cost_ratio + 1)


@wrong(
    "the draft is charged once a round instead of once a token",
    "Divides by c + 1.",
    "Can the draft write its second token before its first?",
)
def one_draft(acceptance, gamma, cost_ratio):
    return _tokens(acceptance, gamma) / (cost_ratio + 1)


@wrong(
    "the ratio is turned round: below 1 where it is faster",
    "Returns seconds over seconds, not speed over speed.",
    "If a draft is free and always right, do you get gamma + 1?",
)
def inverted(acceptance, gamma, cost_ratio):
    return (gamma * cost_ratio + 1) / _tokens(acceptance, gamma)


@wrong(
    "divided by the cost ratio: c is the draft's cost over the target's",
    "Takes c for how many times cheaper the draft is.",
    "Is c above or below 1 for a draft that is cheap?",
)
def inverted_cost(acceptance, gamma, cost_ratio):
    return _tokens(acceptance, gamma) / (gamma / cost_ratio + 1)


@wrong(
    "the series ends one term early",
    "Forgets the token that follows gamma accepted ones.",
    "Every drafted token is kept: how many tokens does the round add?",
)
def one_term_less(acceptance, gamma, cost_ratio):
    return _tokens(acceptance, gamma - 1) / (gamma * cost_ratio + 1)


@wrong(
    "the target's own token is forgotten",
    "Counts accepted tokens only.",
    "Nothing is kept: how many tokens does the round add?",
)
def only_accepted(acceptance, gamma, cost_ratio):
    return (_tokens(acceptance, gamma) - 1) / (gamma * cost_ratio + 1)


@wrong(
    "gamma a + 1 tokens a round: those behind a rejection count too",
    "Takes each drafted token to be kept or not, whatever came before.",
    "What happens to the third token where the second is rejected?",
)
def independent(acceptance, gamma, cost_ratio):
    return (gamma * acceptance + 1) / (gamma * cost_ratio + 1)


@wrong(
    "division by zero where everything is kept",
    "The closed form is 0 / 0 at acceptance 1.",
    "Put in acceptance = 1. What is the limit?",
)
def zero_by_zero(acceptance, gamma, cost_ratio):
    return (1 - acceptance ** (gamma + 1)) / (1 - acceptance) / (gamma * cost_ratio + 1)


@wrong(
    "the gain is returned: the speedup minus 1",
    "0 stands for equally fast.",
    "Which number stands for 'as fast as without a draft'?",
)
def gain(acceptance, gamma, cost_ratio):
    return speedup(acceptance, gamma, cost_ratio) - 1


@wrong(
    "never below 1: a draft that slows down is hidden",
    "Takes the larger of the speedup and 1.",
    "What if nothing is kept and the draft costs half as much as the target?",
)
def never_below_one(acceptance, gamma, cost_ratio):
    return max(1.0, speedup(acceptance, gamma, cost_ratio))


@right
def closed_form(acceptance, gamma, cost_ratio):
    tokens = gamma + 1 if acceptance == 1 else (1 - acceptance ** (gamma + 1)) / (1 - acceptance)
    return tokens / (1 + gamma * cost_ratio)


@right
def seconds(acceptance, gamma, cost_ratio):
    target, draft = 0.01, 0.01 * cost_ratio
    with_draft = (gamma * draft + target) / _tokens(acceptance, gamma)
    return target / with_draft


@right
def with_numpy(acceptance, gamma, cost_ratio):
    return float(np.cumprod([1.0, *[acceptance] * gamma]).sum() / np.dot([gamma, 1], [cost_ratio, 1.0]))


@right
def by_where_it_ends(acceptance, gamma, cost_ratio):
    chances = [acceptance**kept * (1 - acceptance) for kept in range(gamma)] + [acceptance**gamma]
    return sum((kept + 1) * chance for kept, chance in enumerate(chances)) / (gamma * cost_ratio + 1)


@right
def horner(acceptance, gamma, cost_ratio):
    total = 1.0
    for _ in range(gamma):
        total = 1.0 + acceptance * total
    return total / (gamma * cost_ratio + 1.0)


@right
def added_up(acceptance, gamma, cost_ratio):
    cost = 1.0
    for _ in range(gamma):
        cost += cost_ratio
    return _tokens(acceptance, gamma) / cost


@right
def as_a_product(acceptance, gamma, cost_ratio):
    return _tokens(acceptance, gamma) * (gamma * cost_ratio + 1) ** -1


@right
def with_a_helper(acceptance, gamma, cost_ratio):
    def after(drafted):
        return 1.0 if drafted == 0 else 1.0 + acceptance * after(drafted - 1)

    return after(gamma) / (1 + cost_ratio * gamma)


PARTS = (
    (
        "the model",
        1.5,
        (*speeds.USUAL, *speeds.ONE),
        (
            "gamma + 1 draft calls",
            "the series ends one term early",
            "the target's own token is forgotten",
            "the draft is charged once a round",
        ),
    ),
    ("its limits", 0.5, speeds.LIMITS),
)
EXERCISE = exercise("speedup", "04", speedup, partial(speeds.draw, costs=True), PARTS, catalogue)
