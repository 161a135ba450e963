"""parameter_count(config): how many parameters a Llama of this configuration has."""

from __future__ import annotations

from grader.exercises.lab07.parameter_count.probes import draw
from grader.exercises.lab07.parameter_count.right import catalogue
from grader.exercises.lab07.parameter_count.rule import parameter_count
from grader.exercises.ordinary import exercise

PARTS = (
    (
        "matrices, norms and tables",
        2.0,
        ("plain", "plain too"),
        (
            "no embedding is counted",
            "a table of positions",
            "the matrix behind the heads",
            "the values are forgotten",
            "the feed-forward part has two",
            "all norms",
            "the final norm",
            "the norms in the blocks",
            "one norm a block",
            "norms have a bias",
        ),
    ),
    ("a tied output layer", 1.0, ("tied", "plain"), ("the output layer is never", "tie_word_embeddings")),
    (
        "grouped key-value heads",
        1.0,
        ("grouped", "plain"),
        ("the size of a group", "attention as four square", "the query heads are taken"),
    ),
    ("heads of a size of their own", 1.0, ("wide heads", "plain"), ("a head is taken as width over heads",)),
    (
        "biases",
        1.0,
        ("with biases", "with biases, grouped and wide", "plain"),
        ("biases are counted although", "the output layer has a bias"),
    ),
)
EXERCISE = exercise("parameter_count", "07", parameter_count, draw, PARTS, catalogue)
