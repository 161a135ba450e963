"""``kl_divergence(p_logits, q_logits)``: KL(p || q) in nats over the last axis, from logits.

The lab trains a student with it, so the gradient of ``q_logits`` is owed; that of ``p_logits``, the teacher, is not
asked. Gradients are asked at ordinary logits alone: at large ones a right function may give NaN. The large logits are
such that ``torch.distributions.kl_divergence`` passes (no class has probability 0 under q alone), and a function that
takes logarithms of rounded probabilities does not.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from grader.exercise import Exercise, Misconception, Part
from grader.exercises import choices
from grader.exercises.lab01 import sums
from grader.exercises.lab01.hints import KL_DIVERGENCE
from grader.exercises.lab01.kl_variants import variants
from grader.exercises.variants import catalogue, in_half_precision
from utils.checks.judgement import BACKWARD
from utils.checks.records import Probe, Table

UNSTABLE = "unstable at large logits: exp or log leaves the range"
NO_GRADIENT = "no gradient reaches q_logits"
PARTLY_CUT = "another gradient reaches q_logits: a part of the formula is cut off"
SINGLE = "single class"  # where F.kl_div's NaN ends: log 1 = 0
EXTREMES = ("extreme large", "extreme wide")
SLOPE = 0.5  # rows weigh differently in the gradient, so that none can stand for another
# One row before noise: both probabilities round to 0 in the last two classes, and where q's is tiny p's is large.
OF_P = np.array([0.0, -1.0, -2.5, -40.0, -130.0, -300.0])
OF_Q = np.array([-70.0, -30.0, 0.0, -5.0, -160.0, -260.0])
LOWERED = 11  # what wide logits are lowered by
LIFTS = np.array([[200.0], [-200.0], [0.0]])  # what a whole row is lifted by: exp overflows, or rounds to 0


def probes(seed: int | None) -> tuple[Probe, ...]:
    stream = choices.stream_of(seed, 13)
    pairs = [(_ordinary(stream, shape), _ordinary(stream, shape)) for shape in sums.SHAPES]
    pairs[1] = pairs[0]
    ordinary = [
        Probe(name, {"p_logits": p, "q_logits": q}, ("q_logits",), slope=SLOPE)
        for name, (p, q) in zip(sums.ORDINARY, pairs, strict=True)
    ]
    others = (
        (SINGLE, np.float32(stream.normal(0, 2, (2, 2, 1)))),
        *zip(EXTREMES, (_large(stream), _wide(stream)), strict=True),
    )
    return (*ordinary, *(Probe(name, {"p_logits": p, "q_logits": q}) for name, (p, q) in others))


def _ordinary(stream: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Logits whose probabilities are not tiny, each row lifted by a number of its own."""
    return np.float32(np.log(sums.probabilities(stream, shape)) + stream.normal(0, 2, (*shape[:-1], 1)))


def _large(stream: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    order = stream.permuted(np.tile(np.arange(len(OF_P)), (len(LIFTS), 1)), axis=1)
    noise = stream.uniform(-0.5, 0.5, (2, *order.shape))
    return tuple(np.float32(logits[order] + LIFTS + drawn) for logits, drawn in zip((OF_P, OF_Q), noise, strict=True))


def _wide(stream: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(1, classes): a teacher and a student over thousands of tokens, most of them improbable.

    Few different numbers make a small file. They are lowered so that the log of their sum is small, and a sum that is
    taken class by class in single precision keeps its digits.
    """
    p = stream.normal(0, 2.5, (1, sums.CLASSES))
    q = 0.5 * p + stream.normal(0, 1.5, p.shape)
    return tuple(np.float32(np.round(8 * logits) / 8 - LOWERED) for logits in (p, q))


def _clamped(least: float) -> Callable[[Tensor, Tensor], Tensor]:
    def terms(p_logits: Tensor, q_logits: Tensor) -> Tensor:
        p, q = p_logits.softmax(-1), q_logits.softmax(-1)
        return p * (p.clamp(min=least).log() - q.clamp(min=least).log())

    return terms


def _with(amount: float) -> Callable[[Tensor, Tensor], Tensor]:
    def terms(p_logits: Tensor, q_logits: Tensor) -> Tensor:
        p, q = p_logits.softmax(-1), q_logits.softmax(-1)
        return p * ((p + amount) / (q + amount)).log()

    return terms


def of_probabilities(p_logits, q_logits):
    p, q = p_logits.softmax(-1), q_logits.softmax(-1)
    return (p * (p / q).log()).sum(-1)


def log_of_a_softmax(p_logits, q_logits):
    return F.kl_div(q_logits.softmax(-1).log(), p_logits.softmax(-1), reduction="none").sum(-1)


def without_the_maximum(p_logits, q_logits):
    log_p, log_q = (x - x.exp().sum(-1, keepdim=True).log() for x in (p_logits, q_logits))
    return (log_p.exp() * (log_p - log_q)).sum(-1)


def detached(p_logits, q_logits):
    return logs(p_logits, q_logits.detach())


def under_no_grad(p_logits, q_logits):
    with torch.no_grad():
        return logs(p_logits, q_logits)


def through_numpy(p_logits, q_logits):
    p, q = (x.detach().numpy().astype(np.float64) for x in (p_logits, q_logits))
    p, q = (x - x.max(-1, keepdims=True) for x in (p, q))
    p, q = (x - np.log(np.exp(x).sum(-1, keepdims=True)) for x in (p, q))
    return torch.as_tensor((np.exp(p) * (p - q)).sum(-1))


def numpy_without_detach(p_logits, q_logits):
    return through_numpy(p_logits, torch.from_numpy(q_logits.numpy()))


def a_fresh_tensor(p_logits, q_logits):
    return torch.tensor(logs(p_logits, q_logits).tolist())


def normaliser_cut_off(p_logits, q_logits):
    with torch.no_grad():
        below = q_logits.logsumexp(-1, keepdim=True)
    log_p = p_logits.log_softmax(-1)
    return (log_p.exp() * (log_p - (q_logits - below))).sum(-1)


def calling_backward(p_logits, q_logits):
    divergence = logs(p_logits, q_logits)
    if divergence.requires_grad:
        divergence.sum().backward(retain_graph=True)
    return divergence


def logs(p_logits, q_logits):
    log_p, log_q = p_logits.log_softmax(-1), q_logits.log_softmax(-1)
    return (log_p.exp() * (log_p - log_q)).sum(-1)


def library(p_logits, q_logits):
    return F.kl_div(F.log_softmax(q_logits, -1), F.softmax(p_logits, -1), reduction="none").sum(-1)


def log_target(p_logits, q_logits):
    log_q, log_p = q_logits.log_softmax(-1), p_logits.log_softmax(-1)
    return F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(dim=-1)


def a_module(p_logits, q_logits):
    return torch.nn.KLDivLoss(reduction="none")(q_logits.log_softmax(-1), p_logits.softmax(-1).detach()).sum(-1)


def cross_minus_entropy(p_logits, q_logits):
    p = p_logits.double().softmax(-1)
    return -(p * q_logits.double().log_softmax(-1)).sum(-1) - torch.special.entr(p).sum(-1)


def two_cross_entropies(p_logits, q_logits):
    """Cross-entropy takes whole distributions as labels too; p against itself is p's entropy."""
    p, q = (x.reshape(-1, x.shape[-1]) for x in (p_logits, q_logits))
    labels = p.softmax(-1)
    apart = F.cross_entropy(q, labels, reduction="none") - F.cross_entropy(p, labels, reduction="none")
    return apart.reshape(p_logits.shape[:-1])


def einsum(p_logits, q_logits):
    log_p, log_q = torch.log_softmax(p_logits, -1), torch.log_softmax(q_logits, -1)
    return torch.einsum("...v,...v->...", log_p.exp(), log_p - log_q)


def of_logits(p_logits, q_logits):
    """The expected difference of the logits, and of their normalisers."""
    expected = (p_logits.softmax(-1) * (p_logits - q_logits)).sum(-1)
    return expected - p_logits.logsumexp(-1) + q_logits.logsumexp(-1)


def added_in_logarithms(p_logits, q_logits):
    """The normaliser class by class: log(exp a + exp b) without an exp that overflows."""
    below_p, below_q = p_logits[..., 0], q_logits[..., 0]
    for place in range(1, p_logits.shape[-1]):
        below_p = torch.logaddexp(below_p, p_logits[..., place])
        below_q = torch.logaddexp(below_q, q_logits[..., place])
    log_p, log_q = p_logits - below_p[..., None], q_logits - below_q[..., None]
    return torch.linalg.vecdot(log_p.exp(), log_p - log_q)


def a_distribution(p_logits, q_logits):
    p, q = (torch.distributions.Categorical(logits=x) for x in (p_logits, q_logits))
    return torch.distributions.kl_divergence(p, q)


def where_p_is_positive(p_logits, q_logits):
    p, apart = p_logits.softmax(-1), p_logits.log_softmax(-1) - q_logits.log_softmax(-1)
    return torch.where(p > 0, p * apart, torch.zeros_like(p)).sum(-1)


def teacher_cut_off(p_logits, q_logits):
    with torch.no_grad():
        p, log_p = p_logits.softmax(-1), p_logits.log_softmax(-1)
    return torch.mul(p, log_p - q_logits.log_softmax(-1)).sum(-1)


def one_row_at_a_time(p_logits, q_logits):
    size = p_logits.shape[-1]
    pairs = zip(p_logits.reshape(-1, size), q_logits.reshape(-1, size), strict=True)
    rows = [F.kl_div(q.log_softmax(0), p.softmax(0), reduction="sum") for p, q in pairs]
    return torch.stack(rows).reshape(p_logits.shape[:-1])


RIGHT = {
    f.__name__: f
    for f in (
        logs, library, log_target, a_module, cross_minus_entropy, two_cross_entropies, einsum, of_logits,
        added_in_logarithms, a_distribution, where_p_is_positive, teacher_cut_off, one_row_at_a_time,
    )
}  # fmt: skip


def table(seed: int | None = None) -> Table:
    asked = probes(seed)
    texts = {
        "judge": "arrays",
        "forms": ["tensor"] * len(asked),
        "hints": KL_DIVERGENCE,
        "errors": [["Can't call numpy() on Tensor that requires grad", NO_GRADIENT]],
        "extremes": {"extreme large": UNSTABLE},
        "finite extremes": dict.fromkeys(EXTREMES, sums.SMALL),
    }
    return choices.table("kl_divergence", asked, variants(), texts, sums.SCALES)


EXERCISE = Exercise(
    "kl_divergence",
    "01",
    ("p_logits", "q_logits"),
    (Part("definition", 2.0, sums.ORDINARY), Part("extremes", 1.0, (*sums.ORDINARY, SINGLE, *EXTREMES))),
    table,
    catalogue(
        variants(),
        Misconception(UNSTABLE, "The log of a ratio of probabilities.", of_probabilities),
        Misconception(UNSTABLE, "The log of a softmax.", log_of_a_softmax),
        Misconception(UNSTABLE, "exp without the maximum taken off.", without_the_maximum),
        *sums.small(_clamped, (1e-2, 1e-3, 1e-4, 1e-5, 1e-6), _with, (1e-4, 1e-5, 1e-6, 1e-8)),
        Misconception(NO_GRADIENT, "q is detached.", detached),
        Misconception(NO_GRADIENT, "Computed under no_grad.", under_no_grad),
        Misconception(NO_GRADIENT, "Computed in numpy.", through_numpy),
        Misconception(NO_GRADIENT, "numpy() of a tensor with gradient raises.", numpy_without_detach),
        Misconception(NO_GRADIENT, "torch.tensor of a list.", a_fresh_tensor),
        Misconception(PARTLY_CUT, "The sum in q's softmax is computed under no_grad.", normaliser_cut_off),
        Misconception(BACKWARD, "backward() inside.", calling_backward),
        Misconception("a constant, whatever the input is", "Zeros of the right shape.", sums.constant),
        *sums.scaled(logs),
        *in_half_precision(logs),
    ),
    RIGHT,
)
