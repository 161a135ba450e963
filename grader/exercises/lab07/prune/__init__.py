"""prune(model, layers): a copy of a GPT-2 or a Llama that keeps these blocks; a model in, a model out."""

from __future__ import annotations

from grader.exercises.lab07.prune.probes import BLOCKS, WHOLE, draw
from grader.exercises.lab07.prune.right import catalogue
from grader.exercises.lab07.prune.rule import prune
from grader.exercises.ordinary import exercise

PARTS = (
    (
        "the right blocks, copied",
        3.0,
        BLOCKS,
        (
            "the model is changed in place",
            "the copy shares its weights",
            "kept blocks are the model's own",
            "counted from 1",
            "deleting from the front",
            "the blocks named are removed",
        ),
    ),
    (
        "a whole model: configuration and cache",
        3.0,
        WHOLE,
        ("the depth in the configuration", "the final norm is lost"),
    ),
)
EXERCISE = exercise("prune", "07", prune, draw, PARTS, catalogue)
