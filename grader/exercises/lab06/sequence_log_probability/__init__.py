"""``sequence_log_probability(logits, input_ids, completion_mask)``: how likely a model finds what somebody wrote."""

import numpy as np

from grader.exercises.lab06.sequence_log_probability.right import catalogue
from grader.exercises.lab06.sequence_log_probability.wrong import sequence_log_probability
from grader.exercises.ordinary import exercise
from utils.checks.records import Probe


def _probe(random, name, masks, impossible=False, gradients=()):
    """Rows whose masks are words: p the prompt, c the completion, . padding.

    impossible: the tokens that were written have logits thousands below all others.
    """
    mask = np.array([[mark == "c" for mark in word] for word in masks])
    logits, ids = random.normal(0, 2, (*mask.shape, 7)), random.integers(0, 7, mask.shape)
    if impossible:
        rows, places = np.indices(ids[:, 1:].shape)
        logits[rows, places, ids[:, 1:]] -= random.uniform(2000, 3000, rows.shape)
    inputs = {"logits": logits.astype(np.float32), "input_ids": ids, "completion_mask": mask}
    return Probe(name, inputs, gradients, slope=0.3 if gradients else 0.0)


def draw(random):
    yield _probe(random, "one token behind a prompt of one", ("pc", "pc", "pc", "pc"))
    yield _probe(random, "a token that is all but impossible", ("pc", "pc", "pc"), impossible=True)
    yield _probe(random, "whole rows behind a prompt of one", ("pccccc", "pccccc", "pccccc"))
    yield _probe(random, "a longer one", ("pccccccccc", "pccccccccc"))
    yield _probe(random, "a row that wrote nothing", ("pccc", "pppp", "pccc"))
    yield _probe(random, "one token each, at other places", ("pppc..", "pc....", "pppppc", "ppc..."))
    yield _probe(random, "one token each, in shorter rows", ("ppc", "pc.", "ppc", "pc."))
    yield _probe(random, "prompts of other lengths", ("ppcc..", "pcccc.", "ppppcc", "pccc.."))
    yield _probe(random, "two turns in a row", ("ppcpcc.", "pccppc.", "pppcpcc"))
    yield _probe(random, "the gradient", ("pc", "pc", "pc"), gradients=("logits",))


PARTS = (
    (
        "the log-probability of a token",
        2.0,
        ("one token behind a prompt of one", "a token that is all but impossible"),
        (
            "token t is read at position t",
            "shifted the wrong way round",
            "logits are added up",
            "logarithms to base 2",
            "probabilities are added up",
            "the sign is turned round",
        ),
    ),
    (
        "a sum for each row",
        1.0,
        ("whole rows behind a prompt of one", "a longer one"),
        ("the mean over the completion's tokens", "the mean over the row's length", "log of the mean probability"),
    ),
    (
        "the completion alone",
        1.0,
        ("one token each, at other places", "one token each, in shorter rows"),
        (
            "the mask is not used",
            "prompt tokens are counted too",
            "padding after the completion",
            "the mask is not shifted",
            "the completion's first token",
            "the completion's last token",
            "logits are multiplied by the mask",
        ),
    ),
    ("rows as they come", 1.0, ("prompts of other lengths", "two turns in a row", "a row that wrote nothing")),
    ("the gradient", 1.0, ("the gradient",)),
)
EXERCISE = exercise("sequence_log_probability", "06", sequence_log_probability, draw, PARTS, catalogue)
