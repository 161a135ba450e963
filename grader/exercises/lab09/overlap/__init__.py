"""overlap(document, index, n): the share of a document's runs of n words that stand in one of the texts of an index."""

from __future__ import annotations

from grader.exercises.lab09.overlap.probes import draw
from grader.exercises.lab09.overlap.right import catalogue
from grader.exercises.lab09.overlap.rule import overlap
from grader.exercises.ordinary import exercise

PARTS = (
    (
        "the share of a document's runs",
        1,
        ("a part is known", "a run that comes again", "nothing is known", "all is known"),
    ),
    (
        "words, whatever they look like",
        1,
        (
            "capitals",
            "commas and points",
            "lines",
            "the same words in another order",
            "pieces of words",
            "other digits",
            "numbers",
        ),
    ),
    ("text by text", 1, ("the end of one text and the beginning of another", "a piece in each text", "no text at all")),
    (
        "short documents",
        1,
        (
            "fewer words than a run",
            "a short one inside a longer text",
            "a short one that begins another",
            "a short one whose words are scattered",
            "a short one and the end of a text",
        ),
    ),
)
EXERCISE = exercise("overlap", "09", overlap, draw, PARTS, catalogue)
