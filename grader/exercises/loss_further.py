"""Mistakes of ``distillation_loss`` that are no choice of a recipe, each written out as somebody wrote it.

The mistake this prevents is a catalogue that only knows what its own kitchen can cook.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.exercise import Misconception
from grader.exercises.loss_divergences import NORMALISER
from grader.exercises.loss_kernels import RARE_TEMPERATURES
from grader.exercises.loss_recipe import Recipe, cook
from utils.checks.blend import LEAKING
from utils.checks.judgement import BACKWARD
from utils.checks.loss import CUT_OFF, UNSTABLE
from utils.data.batches import IGNORE

RIGHT = cook(Recipe())


def _packed(student: Tensor, teacher: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Student, teacher (both (N, V)) and labels (N,) of the positions that count."""
    wanted = labels[:, 1:]
    valid = wanted != IGNORE
    return student[:, :-1][valid], teacher[:, :-1][valid].detach(), wanted[valid]


def _kl(teacher: Tensor, student: Tensor) -> Tensor:
    return F.kl_div(F.log_softmax(student, -1), F.log_softmax(teacher, -1), reduction="batchmean", log_target=True)


def t_squared_leaks(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
    student, teacher, wanted = _packed(student_logits, teacher_logits, labels)
    weight = alpha * temperature**2
    soft = _kl(teacher / temperature, student / temperature)
    return weight * soft + (1 - weight) * F.cross_entropy(student, wanted)


def normaliser_detached(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
    def log_softmax(logits: Tensor) -> Tensor:
        with torch.no_grad():
            normaliser = logits.logsumexp(-1, keepdim=True)
        return logits - normaliser

    student, teacher, wanted = _packed(student_logits, teacher_logits, labels)
    log_p, log_q = log_softmax(teacher / temperature), log_softmax(student / temperature)
    soft = (log_p.exp() * (log_p - log_q)).sum(-1).mean()
    return alpha * temperature**2 * soft + (1 - alpha) * F.nll_loss(log_softmax(student), wanted)


def skewed(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
    student, teacher, wanted = _packed(student_logits, teacher_logits, labels)
    p, q = (torch.softmax(logits / temperature, -1) for logits in (teacher, student))
    mixture = 0.1 * p + 0.9 * q
    soft = (p * (p.clamp(min=1e-30).log() - mixture.clamp(min=1e-30).log())).sum(-1).mean()
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student, wanted)


def zeroed(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
    student, teacher, _ = _packed(student_logits, teacher_logits, labels)
    mask = (labels[:, 1:] != IGNORE).float()
    every = (student_logits[:, :-1] * mask.unsqueeze(-1)).flatten(0, 1)
    hard = F.cross_entropy(every, labels[:, 1:].clamp(min=0).flatten())
    return alpha * temperature**2 * _kl(teacher / temperature, student / temperature) + (1 - alpha) * hard


def right_padded(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
    lengths = (labels[:, 1:] != IGNORE).sum(1)
    log_p, log_q = (
        torch.log_softmax(logits[:, :-1] / temperature, -1) for logits in (teacher_logits.detach(), student_logits)
    )
    divergence = (log_p.exp() * (log_p - log_q)).sum(-1)
    mask = torch.arange(divergence.shape[1]) < lengths.unsqueeze(1)
    student, _, wanted = _packed(student_logits, teacher_logits, labels)
    return alpha * temperature**2 * divergence[mask].mean() + (1 - alpha) * F.cross_entropy(student, wanted)


def teacher_rolled(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
    return RIGHT(student_logits, teacher_logits.roll(1, 1), labels, temperature, alpha)


def one_id_off(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
    moved = torch.where(labels == IGNORE, labels, (labels + 1) % student_logits.shape[-1])
    return RIGHT(student_logits, teacher_logits, moved, temperature, alpha)


def epsilon_in_the_log(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
    student, teacher, wanted = _packed(student_logits, teacher_logits, labels)
    hard = -(torch.softmax(student, -1).gather(-1, wanted.unsqueeze(-1)) + 1e-3).log().mean()
    return alpha * temperature**2 * _kl(teacher / temperature, student / temperature) + (1 - alpha) * hard


def goes_backward(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
    loss = RIGHT(student_logits, teacher_logits, labels, temperature, alpha)
    if loss.requires_grad:
        loss.backward(retain_graph=True)
    return loss


def logits_clamped(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
    return RIGHT(student_logits.clamp(-30, 30), teacher_logits.clamp(-30, 30), labels, temperature, alpha)


def exp_by_hand(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
    student, teacher, wanted = _packed(student_logits, teacher_logits, labels)
    log_p, log_q, log_one = (
        logits - logits.exp().sum(-1, keepdim=True).log()
        for logits in (teacher / temperature, student / temperature, student)
    )
    soft = (log_p.exp() * (log_p - log_q)).sum(-1).mean()
    return alpha * temperature**2 * soft + (1 - alpha) * F.nll_loss(log_one, wanted)


def label_alone(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
    student, teacher, wanted = _packed(student_logits, teacher_logits, labels)
    log_p, log_q = (torch.log_softmax(logits / temperature, -1) for logits in (teacher, student))
    soft = (log_p - log_q).gather(-1, wanted.unsqueeze(-1)).mean()
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student, wanted)


def at_another_temperature(name: str, heat: Callable[[float], float]) -> Misconception:
    """The soft part at some temperature that is made from the given one."""

    def compute(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
        student, teacher, wanted = _packed(student_logits, teacher_logits, labels)
        soft = _kl(teacher / heat(temperature), student / heat(temperature))
        return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student, wanted)

    return Misconception(name, "The softmax takes another temperature than it is given.", compute)


FURTHER = (
    *(at_another_temperature(name, heat) for name, heat in RARE_TEMPERATURES.items()),
    Misconception(LEAKING, "One weight, alpha T^2, and its rest for the labels.", t_squared_leaks),
    Misconception(NORMALISER.format(" in both parts"), "logsumexp under no_grad.", normaliser_detached),
    Misconception(
        "skewed KL (a tenth of the teacher mixed into the student) instead of KL", "DistiLLM's divergence.", skewed
    ),
    Misconception(
        "ignored positions are counted in the hard part, with logits of zero", "Logits times the mask.", zeroed
    ),
    Misconception(
        "ignored labels are taken to stand at the end of each row in the soft part", "arange < length.", right_padded
    ),
    Misconception("teacher one position behind the student", "roll instead of a cut.", teacher_rolled),
    Misconception("the label's id is one too high in the hard part", "Ids counted from 1.", one_id_off),
    Misconception("an epsilon of 0.001 inside the log in the hard part", "log(p + 1e-3).", epsilon_in_the_log),
    Misconception(BACKWARD, "The loss function trains.", goes_backward),
    Misconception(CUT_OFF.format(" in both parts"), "Logits clamped to 30.", logits_clamped),
    Misconception(UNSTABLE.format(" in both parts"), "log of a sum of exps by hand.", exp_by_hand),
    Misconception(
        "the log-ratio at the label instead of the sum over the vocabulary", "The on-policy estimator.", label_alone
    ),
)
