"""expected_tokens(acceptance, gamma): how many tokens a round adds on average, also where everything is kept."""

from __future__ import annotations

import math

import numpy as np

from grader.exercises.lab04 import speeds
from grader.exercises.ordinary import Catalogue, exercise

catalogue = Catalogue()
wrong, right = catalogue.wrong, catalogue.right


def expected_tokens(acceptance, gamma):
    return float(sum(acceptance**i for i in range(gamma + 1)))


@wrong(
    "the series ends one term early: the token that follows gamma accepted ones is forgotten",
    "Computes (1 - a^gamma) / (1 - a).",
    "Every drafted token is kept: how many tokens does the round add?",
)
def one_term_less(acceptance, gamma):
    return float(sum(acceptance**i for i in range(gamma)))


@wrong(
    "the target's own token is forgotten: only accepted ones count",
    "Computes a + ... + a^gamma.",
    "Nothing is kept: how many tokens does the round add?",
)
def only_accepted(acceptance, gamma):
    return float(sum(acceptance**i for i in range(1, gamma + 1)))


@wrong(
    "division by zero where everything is kept",
    "The closed form is 0 / 0 at acceptance 1.",
    "Put in acceptance = 1. What is the limit?",
)
def zero_by_zero(acceptance, gamma):
    return (1 - acceptance ** (gamma + 1)) / (1 - acceptance)


@wrong(
    "at acceptance 1 the limit is gamma + 1, not gamma",
    "The special case forgets the target's own token.",
    "Every drafted token is kept: how many tokens does the round add?",
)
def limit_of_gamma(acceptance, gamma):
    return float(gamma) if acceptance == 1 else expected_tokens(acceptance, gamma)


@wrong(
    "gamma a + 1: tokens behind a rejection count too",
    "Takes each drafted token to be kept or not, whatever came before.",
    "What happens to the third token where the second is rejected?",
)
def independent(acceptance, gamma):
    return gamma * acceptance + 1.0


@wrong(
    "gamma a: tokens behind a rejection count, and the target's own does not",
    "Multiplies the drafted tokens by the acceptance.",
    "Nothing is kept: how many tokens does the round add?",
)
def share_of_drafted(acceptance, gamma):
    return float(gamma * acceptance)


@wrong(
    "1 / (1 - a): the round never ends by its length",
    "Takes gamma to be endless.",
    "Can a round add more than gamma + 1 tokens?",
)
def endless(acceptance, gamma):
    return 1 / (1 - acceptance) if acceptance < 1 else gamma + 1.0


@wrong(
    "only rounds in which everything is kept count",
    "Computes a^gamma (gamma + 1).",
    "What does a round add that breaks off in the middle?",
)
def all_or_nothing(acceptance, gamma):
    return float(acceptance**gamma * (gamma + 1))


@wrong(
    "everything or nothing: (gamma + 1) where all is kept, else 1",
    "A round that breaks off in the middle is counted as one token.",
    "What does a round add that breaks off in the middle?",
)
def all_or_one(acceptance, gamma):
    return float(acceptance**gamma * (gamma + 1) + (1 - acceptance**gamma))


@wrong(
    "the series has one term too many",
    "Computes (1 - a^(gamma + 2)) / (1 - a).",
    "Every drafted token is kept: how many tokens does the round add?",
)
def one_term_more(acceptance, gamma):
    return float(sum(acceptance**i for i in range(gamma + 2)))


@wrong(
    "the series is not divided by 1 - a",
    "Returns 1 - a^(gamma + 1), a chance and not a number of tokens.",
    "Can a round add less than one token?",
)
def not_divided(acceptance, gamma):
    return 1 - acceptance ** (gamma + 1) if acceptance < 1 else gamma + 1.0


@wrong(
    "rounded down to whole tokens",
    "An average need not be a whole number.",
    "Two rounds add 1 and 2 tokens. What is their mean?",
)
def whole(acceptance, gamma):
    return float(math.floor(expected_tokens(acceptance, gamma)))


@right
def closed_form(acceptance, gamma):
    if acceptance == 1:
        return gamma + 1.0
    return (1 - acceptance ** (gamma + 1)) / (1 - acceptance)


@right
def near_one(acceptance, gamma):
    if math.isclose(acceptance, 1.0):
        return float(gamma + 1)
    return (acceptance ** (gamma + 1) - 1) / (acceptance - 1)


@right
def by_where_it_ends(acceptance, gamma):
    ends = [acceptance**kept * (1 - acceptance) for kept in range(gamma)] + [acceptance**gamma]
    return float(sum((kept + 1) * chance for kept, chance in enumerate(ends)))


@right
def horner(acceptance, gamma):
    total = 1.0
    for _ in range(gamma):
        total = 1.0 + acceptance * total
    return total


@right
def recursive(acceptance, gamma):
    return 1.0 if gamma == 0 else 1.0 + acceptance * recursive(acceptance, gamma - 1)


@right
def with_numpy(acceptance, gamma):
    return float(np.power(float(acceptance), np.arange(gamma + 1)).sum())


@right
def as_a_polynomial(acceptance, gamma):
    return float(np.polyval(np.ones(gamma + 1), acceptance))


@right
def running_product(acceptance, gamma):
    total, chance = 0.0, 1.0
    for _ in range(gamma + 1):
        total += chance
        chance *= acceptance
    return total


@right
def own_token_and_the_rest(acceptance, gamma):
    return 1 + math.fsum(acceptance**place for place in range(1, gamma + 1))


PARTS = (
    (
        "the sum",
        1.5,
        (*speeds.USUAL, *speeds.ONE),
        ("the series ends one term early", "the series has one term too many"),
    ),
    ("its limits", 0.5, speeds.LIMITS),
)
EXERCISE = exercise("expected_tokens", "04", expected_tokens, speeds.draw, PARTS, catalogue)
