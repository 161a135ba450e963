"""``completion_mask(input_ids, prompt_lengths, eos_id, pad_id)``: which tokens a model wrote itself."""

import numpy as np

from grader.exercises.lab06.completion_mask.right import catalogue
from grader.exercises.lab06.completion_mask.wrong import completion_mask
from grader.exercises.ordinary import exercise
from utils.checks.records import Probe

EOS, PAD = 9, 8


def _probe(random, name, rows, pad=PAD):
    """Rows as words: . padding, q a prompt's token, Q its end of text, w a written token, E an end of text.

    No padding stands before a written end of text: there the task is silent.
    """
    first = {"Q": EOS, "E": EOS, ".": pad}
    ids = [[first.get(mark, int(random.integers(0, 7))) for mark in word] for word in rows]
    starts = [max(place for place, mark in enumerate(word) if mark in "qQ") + 1 for word in rows]
    inputs = {"input_ids": np.array(ids), "prompt_lengths": np.array(starts), "eos_id": EOS, "pad_id": pad}
    return Probe(name, inputs)


def draw(random):
    yield _probe(random, "prompts of one length", ("qqwwE", "qqwwE"))
    yield _probe(random, "prompts of another length", ("qqqwwwE", "qqqwwwE"))
    yield _probe(random, "prompts of different lengths", ("qwwwwE", "qqqwwE", "qqwwwE"))
    yield _probe(random, "prompts padded in front", (".qwwE", "qqwwE", "..qwE"))
    yield _probe(random, "text behind the end of text", ("qwEwww", "qwwwEw"))
    yield _probe(random, "two ends of text", ("qwEwEw", "qEwwwE"))
    yield _probe(random, "rows that were cut", ("qwwww", "qwwww", "qwwwE"))
    yield _probe(random, "rows that were cut, padded", ("qww...", "qwwww.", "qwwwE."))
    yield _probe(random, "text after the padding of a row that was cut", ("qqw.w.", "qww.ww", "qqqw.w"))
    yield _probe(random, "padding that is the end of text", ("qqwwE..", "qqwwwE.", "qqwE..."), EOS)
    yield _probe(random, "an end of text in the prompt", ("QqwwE", "QqwwE"))
    yield _probe(random, "an end of text in the prompt, padded with it", (".QqwE.", "QqwwE.", "qQqwwE"), EOS)


PARTS = (
    (
        "the written tokens",
        1.0,
        ("prompts of one length", "prompts of another length"),
        ("one token too early", "one token too late", "one column short", "the columns behind the prompt only"),
    ),
    (
        "where each row begins",
        1.0,
        ("prompts of different lengths", "prompts padded in front"),
        ("prompt tokens are counted too", "the first row's prompt length", "the longest prompt's length"),
    ),
    (
        "nothing behind the end of text",
        1.0,
        ("text behind the end of text", "two ends of text"),
        (
            "the end of text itself",
            "what follows the end of text",
            "tokens between the first",
            "everything but padding",
        ),
    ),
    (
        "rows that were cut",
        1.0,
        ("rows that were cut", "rows that were cut, padded", "text after the padding of a row that was cut"),
        ("text after the first padding",),
    ),
    (
        "an end of text that is padding, or in the prompt",
        1.0,
        (
            "padding that is the end of text",
            "an end of text in the prompt",
            "an end of text in the prompt, padded with it",
        ),
    ),
)
EXERCISE = exercise("completion_mask", "06", completion_mask, draw, PARTS, catalogue)
