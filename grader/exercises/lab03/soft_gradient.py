"""``soft_gradient(student_logits, teacher_logits, temperature)``, right and wrong: (q - p) / T at temperature T."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from grader.exercise import Exercise, Misconception, Part
from grader.exercises import choices
from grader.exercises.choices import stream_of
from grader.exercises.variants import Variant, catalogue, hints, likely
from utils.checks.records import Probe, Table

NAME = "soft_gradient"
SHAPES = ((3, 5), (4,), (2, 3, 6), (3, 5))
HEATS = (3.0, 3.0, 0.5, 5.0, 2.0, 1.5)


def probes(seed: int | None) -> tuple[Probe, ...]:
    stream = stream_of(seed, 31)
    pairs = [np.float32(stream.normal(0, 2, (2, *shape))) for shape in SHAPES]
    large = np.float32(np.clip(stream.normal(0, 400, (2, 3, 5)), -1000, 1000))
    pairs = [pairs[0], *pairs, large]  # the first twice: who gives two answers draws at random
    names = [f"ordinary {index}" for index in range(len(pairs) - 1)] + ["extreme large"]
    return tuple(
        Probe(name, {"student_logits": student, "teacher_logits": teacher, "temperature": heat})
        for name, (student, teacher), heat in zip(names, pairs, HEATS, strict=True)
    )


ONE_HEAT = "the temperature is in only one of the two softmaxes"
REVERSE = "the gradient of the reverse KL: KL(student || teacher)"
PER_ROW = "divided by the length of the first axis, as batchmean does"
HARD = "the teacher's most likely token as a label, instead of its probabilities"


def _soft(z: Tensor, T: float) -> Tensor:
    return (z / T).softmax(-1)


def _reverse(s: Tensor, t: Tensor, T: float) -> Tensor:
    q, apart = _soft(s, T), (s / T).log_softmax(-1) - (t / T).log_softmax(-1)
    return q * (apart - (q * apart).sum(-1, keepdim=True)) / T


def _hard(s: Tensor, t: Tensor, T: float) -> Tensor:
    return (_soft(s, T) - F.one_hot(t.argmax(-1), t.shape[-1])) / T


# name, compute: what is no product of the choices below
OWN: tuple[tuple[str, Callable[..., Tensor]], ...] = (
    (ONE_HEAT, lambda s, t, T: (_soft(s, T) - _soft(t, 1)) / T),
    (ONE_HEAT, lambda s, t, T: (_soft(s, 1) - _soft(t, T)) / T),
    (REVERSE, _reverse),
    (PER_ROW, lambda s, t, T: (_soft(s, T) - _soft(t, T)) / T / len(s)),
    (HARD, _hard),
)


def variants() -> list[Variant]:
    """How T enters the softmax, which numbers are compared, over which axis, and what the difference is scaled by."""
    heats: tuple[tuple[str, Callable[[Tensor, float], Tensor], float], ...] = (
        ("", lambda z, T: z / T, 0.0),
        ("temperature missing in the softmax", lambda z, T: z, 1.0),
        ("logits multiplied by the temperature instead of divided", lambda z, T: z * T, 1.0),
        ("logits divided by T squared", lambda z, T: z / T**2, 1.1),
    )
    forms: tuple[tuple[str, Callable[[Tensor], Tensor], float], ...] = (
        ("", lambda z: z.softmax(-1), 0.0),
        ("log-probabilities instead of probabilities", lambda z: z.log_softmax(-1), 1.0),
        ("softmax missing: the logits are compared", lambda z: z, 1.0),
        ("not normalised: exp without the division by the sum", lambda z: z.exp(), 1.1),
        ("softmax over the first axis instead of the last", lambda z: z.softmax(0), 1.0),
    )
    differences: tuple[tuple[str, Callable[[Tensor, Tensor], Tensor], float], ...] = (
        ("", lambda q, p: q - p, 0.0),
        ("sign flipped", lambda q, p: p - q, 1.0),
        ("absolute difference: which way each logit goes is lost", lambda q, p: (q - p).abs(), 1.0),
        ("squared difference", lambda q, p: (q - p) ** 2, 1.1),
        ("the teacher is left out", lambda q, p: q, 1.1),
    )
    scales: tuple[tuple[str, Callable[[Tensor, float], Tensor], float], ...] = (
        ("", lambda g, T: g / T, 0.0),
        ("division by T missing: the chain rule's factor", lambda g, T: g, 1.0),
        ("multiplied by T squared, which the task leaves out", lambda g, T: g * T, 1.0),
        ("multiplied by T instead of divided", lambda g, T: g * T**2, 1.2),
        ("divided by T squared instead of T", lambda g, T: g / T**2, 1.0),
        ("divided by the number of positions", lambda g, T: g / T / (g.numel() / g.shape[-1]), 1.0),
    )
    own = [Variant((name,), compute, 1.0) for name, compute in OWN]
    return own + likely(
        Variant(
            tuple(filter(None, (heat, form, difference, scale))), _chain(heated, shape, compared, scaled), a + b + c + d
        )
        for scale, scaled, d in scales
        for difference, compared, c in differences
        for form, shape, b in forms
        for heat, heated, a in heats
    )


def _chain(heated: Callable, form: Callable, compared: Callable, scaled: Callable) -> Callable[..., Tensor]:
    return lambda student, teacher, T: scaled(compared(form(heated(student, T)), form(heated(teacher, T))), T)


UNSTABLE = "unstable at large logits: exp or log leaves the range"
CUT_OFF = "unstable at large logits: a clamp or an epsilon cuts something off"
HINTS = hints(
    {
        "Does your softmax change with T? Follow T from the argument to both distributions.": (
            "temperature missing in the softmax",
        ),
        "Should a higher T make the differences between logits smaller or larger?": (
            "logits multiplied by the temperature instead of divided",
        ),
        "Does the same T divide the logits of both models?": (ONE_HEAT,),
        "Which of the two distributions comes first in KL(p || q)?": (REVERSE,),
        "Each position has a row of its own. What does batchmean divide by?": (PER_ROW,),
        "The teacher gives every token a probability. How much of that does a label keep?": (HARD,),
        "Which power of T divides the logits?": ("logits divided by T squared",),
        "Should the entries of p and q lie between 0 and 1, or below 0?": (
            "log-probabilities instead of probabilities",
        ),
        "What must the entries of p and of q sum to?": (
            "softmax missing: the logits are compared",
            "not normalised: exp without the division by the sum",
        ),
        "Which axis holds the tokens of one position?": ("softmax over the first axis instead of the last",),
        "A step goes against the gradient. Should a logit rise or fall where the student gives too much?": (
            "sign flipped",
        ),
        "A gradient has a sign. What is left of yours?": (
            "absolute difference: which way each logit goes is lost",
            "squared difference",
        ),
        "What should the gradient be when student and teacher agree?": ("the teacher is left out",),
        "The logits are divided by T before the softmax. What does the chain rule make of that?": (
            "division by T missing: the chain rule's factor",
            "multiplied by T instead of divided",
            "divided by T squared instead of T",
        ),
        "The task asks for the gradient of the KL alone, without T squared.": (
            "multiplied by T squared, which the task leaves out",
        ),
        "One row for each position: is anything averaged here?": ("divided by the number of positions",),
        "What is the exp of a logit of 1,000? Must you take it?": (UNSTABLE, CUT_OFF),
        "The formula has no factor but 1 / T. Which number do you multiply with?": (
            "halved",
            "doubled",
            "scaled by 0.1",
            "scaled by 10",
            "bits instead of nats (base 2)",
            "base-10 logarithm instead of nats",
        ),
    }
)


def table(seed: int | None = None) -> Table:
    """Expected values, and what every variant gives."""
    asked = probes(seed)
    texts = {"judge": "arrays", "forms": ["tensor"] * len(asked), "hints": HINTS}
    extremes = {"extremes": {"extreme large": UNSTABLE}, "finite extremes": {"extreme large": CUT_OFF}}
    return choices.table(NAME, asked, variants(), texts | extremes)


def two_softmaxes(student_logits, teacher_logits, temperature):
    student, teacher = (torch.softmax(z / temperature, -1) for z in (student_logits, teacher_logits))
    return (student - teacher) / temperature


def through_logs(student_logits, teacher_logits, temperature):
    student, teacher = ((z / temperature).log_softmax(-1).exp() for z in (student_logits, teacher_logits))
    return student.sub(teacher).div(temperature)


def one_bracket(s, t, T):
    return F.softmax(s.div(T), dim=s.ndim - 1) / T - F.softmax(t.div(T), dim=t.ndim - 1) / T


def from_autograd(student_logits, teacher_logits, temperature):
    leaf = student_logits.detach().clone().requires_grad_()
    ours, theirs = (F.log_softmax(z / temperature, dim=-1) for z in (leaf, teacher_logits.detach()))
    return torch.autograd.grad(F.kl_div(ours, theirs, reduction="sum", log_target=True), leaf)[0]


def in_double(student_logits, teacher_logits, temperature):
    return two_softmaxes(student_logits.double(), teacher_logits.double(), temperature)


def without_gradient(student_logits, teacher_logits, temperature):
    with torch.no_grad():
        return -two_softmaxes(teacher_logits, student_logits, temperature)


def stacked(student_logits, teacher_logits, temperature):
    student, teacher = torch.stack([student_logits, teacher_logits]).div(temperature).softmax(-1)
    return (student - teacher) * (1 / temperature)


def by_hand(student_logits, teacher_logits, temperature):
    def probabilities(logits):
        weights = torch.exp((logits - logits.max(dim=-1, keepdim=True).values) / temperature)
        return weights / weights.sum(dim=-1, keepdim=True)

    return (probabilities(student_logits) - probabilities(teacher_logits)) / temperature


def overflowing(student_logits, teacher_logits, temperature):
    student, teacher = (torch.exp(z / temperature) for z in (student_logits, teacher_logits))
    return (student / student.sum(-1, keepdim=True) - teacher / teacher.sum(-1, keepdim=True)) / temperature


_NAMES = tuple(probe.name for probe in probes(None))
EXERCISE = Exercise(
    NAME,
    "03",
    ("student_logits", "teacher_logits", "temperature"),
    (Part("definition", 1.5, _NAMES[:-1]), Part("extremes", 0.5, _NAMES)),
    table,
    catalogue(variants(), Misconception(UNSTABLE, "exp before the maximum is taken off.", overflowing)),
    {
        f.__name__: f
        for f in (
            two_softmaxes,
            through_logs,
            one_bracket,
            from_autograd,
            in_double,
            without_gradient,
            stacked,
            by_hand,
        )
    },
)
