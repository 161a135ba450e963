"""extract_answer(text): the answer that a model wrote, between its question and whatever it wrote after."""

from __future__ import annotations

from grader.exercises.lab05.extract_answer.probes import draw
from grader.exercises.lab05.extract_answer.right import catalogue
from grader.exercises.lab05.extract_answer.rule import extract_answer
from grader.exercises.ordinary import exercise

PARTS = [
    (
        "the answer",
        1,
        ("verbose", "compact", "alone", "question in front", "question in front, compact"),
        ("an answer behind ; is not found", "an answer at the beginning of a line"),
    ),
    (
        "the whole number",
        1,
        ("minus", "minus, compact", "two digits", "two digits, compact", "three digits", "a minus and two digits"),
        ("the answer is a float",),
    ),
    (
        "what stands around it",
        1,
        ("no space", "many spaces", "a full stop", "goes on in the line"),
        ("the whole rest of the line",),
    ),
    (
        "the first mark",
        1,
        (
            "goes on",
            "goes on, compact",
            "the word in the question",
            "the word in the question, compact",
            "a space in front of the word",
            "a space in front of the word, compact",
        ),
        ("the last mark decides", "Answer: behind a space"),
    ),
    (
        "no answer",
        1,
        (
            "none",
            "none, then another",
            "none, then another, compact",
            "cut off",
            "nothing behind the mark",
            "nothing behind the mark, then a question",
            "words, then a number",
            "empty",
            "zero",
        ),
    ),
]
EXERCISE = exercise("extract_answer", "05", extract_answer, draw, PARTS, catalogue)
