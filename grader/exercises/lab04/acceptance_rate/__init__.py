"""acceptance_rate(target_logits, draft_logits, mask): the mean of sum min(p, q) over the positions that count."""

from __future__ import annotations

from grader.exercises.lab04 import logits
from grader.exercises.lab04.acceptance_rate.right import catalogue
from grader.exercises.lab04.acceptance_rate.rule import acceptance_rate
from grader.exercises.ordinary import exercise

PARTS = (
    (
        "the overlap of two distributions",
        2.0,
        (logits.GAPS, logits.LARGE),
        (
            "p/q is averaged without",
            "the ratio is q/p",
            "total variation without the half",
            "the distance instead of the overlap",
            "the larger of p and q",
            "min(1, p/q) is weighted by p",
        ),
    ),
    (
        "only positions that count",
        2.0,
        (logits.PADDED, logits.ROW),
        (
            "padding counts",
            "divided by all",
            "a mean of the rows'",
            "the mask is turned round",
            "shifted by one once more",
            "summed over the positions",
        ),
    ),
)
EXERCISE = exercise(
    "acceptance_rate",
    "04",
    acceptance_rate,
    lambda random: logits.draw(random, "target_logits", "draft_logits"),
    PARTS,
    catalogue,
)
