"""Wrong divergences of other distributions than the two models', or of another size."""

from __future__ import annotations

import torch.nn.functional as F

from grader.exercises.lab06.divergence.ends import catalogue
from grader.exercises.lab06.divergence.gaps import divergence, gap, mean_over, mixed

wrong = catalogue.wrong


def _cooled(factor: float, whose: str):
    @wrong(
        f"{whose} divided by a temperature of 2: the task has none",
        "Lab 2's loss has a temperature; this one compares what the models say as they are.",
        "The text was sampled at temperature 1. Which distributions does the formula compare?",
    )
    def cooled(student_logits, teacher_logits, mask, beta):
        teacher_logits = teacher_logits if whose == "the student's logits are" else teacher_logits / 2
        student_logits = student_logits if whose == "the teacher's logits are" else student_logits / 2
        return factor * divergence(student_logits, teacher_logits, mask, beta)


for times, of in ((1, "both logits are"), (4, "both logits are"), (1, "the student's logits are"),
                  (1, "the teacher's logits are")):  # fmt: skip
    _cooled(times, of)


def _rescaled(name: str, by):
    @wrong(
        f"divided by {name} in between",
        "Rescaled as the limit at an end is; the formula has no such factor.",
        "Put beta = 1/2 into the formula: is there a factor of 2?",
    )
    @mean_over
    def rescaled(q, p, beta):
        return gap(q, p, beta) / (by(beta) if 0 < beta < 1 else 1)


_rescaled("beta", lambda beta: beta)
_rescaled("1 - beta", lambda beta: 1 - beta)


def _by_kl_div(target, flag: bool):
    """The divergence by F.kl_div(input, target), whose target is made of log-probabilities by ``target``."""

    def kl(one, other):
        return F.kl_div(other, target(one), reduction="none", log_target=flag).sum(-1)

    @mean_over
    def by_kl_div(q, p, beta):
        if beta in (0, 1):
            return kl(p, q) if beta == 0 else kl(q, p)
        mixture = mixed(q, p, beta)
        return beta * kl(p, mixture) + (1 - beta) * kl(q, mixture)

    return by_kl_div


wrong(
    "F.kl_div gets a logarithm as its target, and log_target=True is missing",
    "Its target is taken for probabilities, and a negative one has no logarithm.",
    "Is what you give F.kl_div as the target a probability or its logarithm? Which argument says so?",
)(_by_kl_div(lambda one: one, False))
wrong(
    "F.kl_div gets probabilities as its target, though log_target=True says logarithms",
    "It takes exp of a probability.",
    "Is what you give F.kl_div as the target a probability or its logarithm? Which argument says so?",
)(_by_kl_div(lambda one: one.exp(), True))
