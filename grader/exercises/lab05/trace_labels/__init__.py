"""trace_labels(prompt_ids, trace_ids, length, pad_id): on which tokens of question, trace and padding is trained."""

from __future__ import annotations

from grader.exercises.lab05.trace_labels.probes import draw
from grader.exercises.lab05.trace_labels.right import catalogue
from grader.exercises.lab05.trace_labels.rule import trace_labels
from grader.exercises.ordinary import exercise

PARTS = [
    (
        "question and trace",
        2,
        ("just fits", "just fits, other ids"),
        (
            "the question is trained on",
            "the end of text is masked",
            "pad_id in place of -100",
            "labels shifted",
            "labels moved to the right",
            "the trace's first id",
            "the question's last id",
            "ids of the trace that the question",
            "a second end of text",
        ),
    ),
    (
        "padding",
        1,
        ("padding", "padding, other ids", "one to pad"),
        (
            "the padding is trained on",
            "the first padding is trained on",
            "padding on the left",
            "no padding",
            "the padding of the input ids",
        ),
    ),
    (
        "one id for padding and end of text",
        1,
        ("just fits, one id for both", "padding is the end of text", "padding is another end of text"),
    ),
    (
        "what does not fit",
        1,
        ("just fits", "one too long", "far too long", "too long, one id for both"),
        ("exactly the length",),
    ),
]
EXERCISE = exercise("trace_labels", "05", trace_labels, draw, PARTS, catalogue)
