"""may_train(record, policy): yes, no or ask for a trace, from the terms of every model that had a part in it."""

from __future__ import annotations

from grader.exercises.lab09.may_train.probes import draw
from grader.exercises.lab09.may_train.right import catalogue
from grader.exercises.lab09.may_train.rule import may_train
from grader.exercises.lab09.may_train.wrong import BEFORE, DATA, MISTAKES, USERS, VERSION, WRITER
from grader.exercises.ordinary import exercise

PROBES = {
    WRITER: (
        "free weights",
        "not for trade, for a product",
        "not for trade, for research",
        "a provider that forbids rivals, for research",
        "a provider that forbids rivals, for a rival",
        "a provider that forbids rivals, for a product",
        "terms that the policy lacks",
        "no terms known",
        "a purpose that the terms do not name",
        "free weights from a provider that forbids rivals, for a rival",
        "weights not for trade from a provider that allows it",
        "free weights from a provider that the policy lacks",
        "free weights from a provider that allows it",
    ),
    DATA: (
        "a free data set of a model not for trade",
        "a free data set of a model without known terms",
        "a data set not for trade of a free model",
        "a data set of unread terms of a free model",
        "a free data set of a free model",
    ),
    BEFORE: (
        "a free base",
        "a base not for trade",
        "a base without known terms",
        "tuned on free text",
        "tuned on a rival's text",
        "the rival is first of three",
        "the rival is second of three",
        "the rival is last of three",
        "the unknown before the rival",
        "the unknown behind the rival",
        "one unknown among three",
    ),
    USERS: (
        "fewer users than the limit",
        "as many users as the limit",
        "more users than the limit, fewer today",
        "more users than the limit today",
        "more users than the limit today, all of the product",
        "unknown users",
        "a base with a limit",
        "more users than the limit, and a question",
        "fewer users than the limit, and a question",
        "unknown users, and a refusal",
    ),
    VERSION: (
        "the version that was read",
        "an older version",
        "a newer version",
        "an unknown version",
        "another version of terms that forbid it",
        "an older version in the chain",
        "the version that was read, in the chain",
        "free weights from a provider that allows it",
    ),
}
POINTS = {WRITER: 2, DATA: 1, BEFORE: 2, USERS: 2, VERSION: 1}
PARTS = [(part, POINTS[part], probes, tuple(MISTAKES[part])) for part, probes in PROBES.items()]
EXERCISE = exercise("may_train", "09", may_train, draw, PARTS, catalogue, spoken=("reason",))
