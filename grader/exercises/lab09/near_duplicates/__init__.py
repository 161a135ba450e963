"""near_duplicates(documents, threshold): the groups of documents that repeat each other, as places in the list."""

from __future__ import annotations

from grader.exercises.lab09.near_duplicates.more import SORTED
from grader.exercises.lab09.near_duplicates.probes import draw
from grader.exercises.lab09.near_duplicates.right import catalogue
from grader.exercises.lab09.near_duplicates.rule import near_duplicates
from grader.exercises.ordinary import exercise
from utils.checks.kinds import ANOTHER_ORDER

ALIKE = (
    "two pairs",
    "a short one inside a long one",
    "a little less alike",
    "no two alike",
    "each goes on in its own way",
    "pairs that share more and more",
)
JUST = ("a phrase that comes again and again", "just as alike as the threshold")
LOOKS = (
    "capitals",
    "commas and points",
    "lines",
    "the same words in another order",
    "words that look alike",
    "other digits",
    "numbers",
)
GROUPS = (
    "a chain, each like the next",
    "a chain that begins in the middle",
    "a chain whose ends come first",
    "two kinds in turn",
)
UNSORTED = {ANOTHER_ORDER: SORTED}
PARTS = (
    ("how alike two documents are", 2, (*ALIKE, *JUST)),
    ("words, whatever they look like", 1, (*LOOKS, "fewer words than a shingle")),
    ("groups", 2, GROUPS),
)
EXERCISE = exercise("near_duplicates", "09", near_duplicates, draw, PARTS, catalogue, words=UNSORTED)
