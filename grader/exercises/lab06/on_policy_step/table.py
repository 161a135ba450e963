"""On which toys ``on_policy_step`` is tried, and what a right step gives there, in double precision."""

from __future__ import annotations

import numpy as np
import torch

from grader.exercises.lab06.on_policy_step.hints import HINTS
from grader.exercises.toys import stream_of
from utils.checks.on_policy import LEARNING, SCORING, WRITING
from utils.checks.plain import plain
from utils.checks.plays.on_policy_step import OTHERS, STUDENTS, batch_of, spy_loss
from utils.checks.plays.toys import VOCABULARY, flat, model_of
from utils.checks.plays.train_step import LEARNING_RATE
from utils.checks.records import Probe, Table

PAD, EOS = 0, 1
# Rows of two steps as words: . padding, q a prompt's token, w a written one, E the end of text.
LAYOUTS = ((("..qqwwwE", "qqqqwE.."), ("qqwwwwE.", ".qwwE...")), (("qqqwwE", ".qqwww"), ("..qqwE", "qqqqww")))
OTHER_LAYOUTS = ((("..qqwE..", "qqqqwwwE"), ("qqwE....", ".qwwwwwE")), (("qqqwww", ".qqwE."), ("..qqww", "qqqqwE")))
STEPS = 2


def _batch(stream: np.random.Generator, rows: tuple[str, ...]) -> dict[str, np.ndarray]:
    marks = np.array([list(row) for row in rows])
    tokens = stream.integers(2, VOCABULARY, marks.shape)
    tokens = np.where(marks == ".", PAD, np.where(marks == "E", EOS, tokens))
    written = np.isin(marks, ("w", "E"))
    return {"input_ids": tokens, "attention_mask": (marks != ".") * 1, "completion_mask": written * 1}


def _prompts(batch: dict[str, np.ndarray], rows: tuple[str, ...]) -> dict[str, np.ndarray]:
    width = max(row.rindex("q") for row in rows) + 1
    return {name: batch[name][:, :width] for name in ("input_ids", "attention_mask")}


def _toys(stream: np.random.Generator, which: int) -> dict[str, np.ndarray | int]:
    toys: dict[str, np.ndarray | int] = {"steps": STEPS}
    for step in range(STEPS):
        rows = LAYOUTS[which][step]
        own, other = _batch(stream, rows), _batch(stream, OTHER_LAYOUTS[which][step])
        prompts = _prompts(own, rows)
        width = prompts["input_ids"].shape[1]
        asked = np.isin(np.array([list(row) for row in rows]), ("q", "."))[:, :width]
        other["input_ids"][:, :width] = np.where(asked, own["input_ids"][:, :width], other["input_ids"][:, :width])
        for name, batch in ((STUDENTS, own), (OTHERS, other), ("prompts", prompts)):
            toys |= {f"{name}/{step}/{key}": array for key, array in batch.items()}
    return toys | {f"{model}/seed": int(stream.integers(0, 2**31)) for model in ("student", "teacher")}


def probes(seed: int | None) -> tuple[Probe, ...]:
    """One play for each part of a step, on texts and models of its own."""
    stream = stream_of(seed, 73)
    named = ((WRITING, 0), (SCORING, 0), (LEARNING, 1))
    return tuple(Probe(name, {}, toys=_toys(stream, which), play="on_policy_step") for name, which in named)


def _loss(
    student: torch.nn.Module, teacher: torch.nn.Module, batch: dict[str, torch.Tensor]
) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
    given = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"]}
    logits = student(**given).logits
    with torch.no_grad():
        target = teacher(**given).logits
    return spy_loss(logits[:, :-1], target[:, :-1], batch["completion_mask"][:, 1:]), (logits, target)


def _seen(probe: Probe) -> dict[str, np.ndarray]:
    """What the loss of each step can be given: both models' logits on the student's text, and on another one.

    The student's are those of its first weights.
    """
    student, teacher = (model_of(probe, which).double() for which in ("student", "teacher"))
    numbers = {"value": np.array([_loss(student, teacher, batch_of(probe, 0))[0].item()])}
    for step in range(STEPS):
        for whose in (STUDENTS, OTHERS):
            batch = batch_of(probe, step, whose)
            _, (logits, target) = _loss(student, teacher, batch)
            numbers |= {
                f"{whose}/{step}/student": plain(logits),
                f"{whose}/{step}/teacher": plain(target),
                f"{whose}/{step}/completion": plain(batch["completion_mask"]),
                f"{whose}/{step}/attention": plain(batch["attention_mask"]),
            }
    return numbers


def _moved(probe: Probe) -> dict[str, np.ndarray]:
    """Weights and losses of right steps."""
    student, teacher = (model_of(probe, which).double() for which in ("student", "teacher"))
    numbers = {"before": flat(student), "teacher": flat(teacher)}
    weights, after = [], []
    for step in range(STEPS):
        batch = batch_of(probe, step)
        loss, _ = _loss(student, teacher, batch)
        found = torch.autograd.grad(loss, list(student.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(student.parameters(), found, strict=True):
                parameter -= LEARNING_RATE * gradient
        weights.append(flat(student))
        after.append(_loss(student, teacher, batch)[0].item())
    return numbers | {"weights": np.stack(weights), "after": np.array(after)}


EXPECTED = {WRITING: lambda probe: {}, SCORING: _seen, LEARNING: _moved}


def table(seed: int | None = None) -> Table:
    """Probes and what a right step gives on each."""
    asked = probes(seed)
    numbers = {
        f"expected/{index}/{name}": array
        for index, probe in enumerate(asked)
        for name, array in EXPECTED[probe.name](probe).items()
    }
    texts = {"judge": "on_policy", "forms": ["float"] * len(asked), "hints": HINTS}
    return Table("on_policy_step", asked, numbers, texts)
