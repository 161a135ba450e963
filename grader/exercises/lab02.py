"""Lab 2, "Did it work?": the distillation loss, the training step, the perplexity."""

from __future__ import annotations

from grader.exercise import Exercise, Part
from grader.exercises import (
    loss_further,
    loss_right,
    loss_table,
    loss_whole,
    loss_wrong,
    perplexity_cases,
    perplexity_table,
    step_cases,
    step_table,
)
from grader.exercises.loss_probes import FRAMES, PARAMETERS
from utils.checks.toys import ARGUMENTS

NAMES = [frame.name for frame in FRAMES]

EXERCISES = (
    Exercise(
        "distillation_loss",
        "02",
        PARAMETERS,
        (
            Part("hard", 2.0, tuple(f"{name}/hard" for name in NAMES)),
            Part("soft", 3.0, tuple(f"{name}/soft" for name in NAMES)),
            Part("blend", 2.5, tuple(f"{name}/blend" for name in NAMES)),
            Part(
                "special cases", 1.5, ("extra/unmasked", "extra/empty row", "extra/one label", "extra/temperature one")
            ),
            Part("large logits", 1.0, ("huge/hard", "huge/soft")),
        ),
        loss_table.table,
        loss_wrong.misconceptions() + loss_whole.WHOLE + loss_further.FURTHER,
        loss_right.RIGHT,
    ),
    Exercise(
        "train_step",
        "02",
        ARGUMENTS["train_step"],
        (Part("step", 5.0, ("first", "second")),),
        step_table.table,
        step_cases.MISCONCEPTIONS,
        step_cases.RIGHT,
    ),
    Exercise(
        "perplexity",
        "02",
        ARGUMENTS["perplexity"],
        (Part("one batch", 2.0, ("one",)), Part("several batches", 3.0, ("several", "others"))),
        perplexity_table.table,
        perplexity_cases.MISCONCEPTIONS,
        perplexity_cases.RIGHT,
    ),
)
