"""What a position costs: divergences from the teacher (soft part) and costs of a label (hard part), right and wrong."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.exercises.lab02.distillation_loss.choice import listed
from utils.checks.distillation_loss.judge import CUT_OFF, UNSTABLE, ZEROED
from utils.checks.distillation_loss.parts import AXIS
from utils.checks.scale import BOTH_WAYS, DIFFERENCE
from utils.data.batches import IGNORE

NORMALISER = "the value is right, the gradient is not: softmax's normaliser is detached{}"
AFTER = "temperature applied after the softmax instead of before"
TOP_K = "only the teacher's top tokens (top-k) instead of the whole vocabulary"
STANDARDISED = "logits are standardised (mean 0, deviation 1) before they are divided by T"
SKEWED = "skewed KL ({} of the teacher mixed into the student) instead of KL"
TWICE = "softmax taken twice on "
TAKEN_TWICE = "What does a softmax make of numbers that are already probabilities?"
OTHERS_LOST = "You keep a part of the sum over the vocabulary. What do the other tokens tell?"
CUT_GRAPH = "What depends on the student and is computed under no_grad, or detached?"
OUT_OF_RANGE = "What is the log of a probability that rounds to 0, or the exp of 1000? Which function avoids both?"
NO_END = "A very wrong student should have a very large loss. What in your code puts an upper end to it?"
NO_LOGARITHM = "You add up differences of probabilities. Where is the logarithm?"
WHICH_AXIS = "Along which axis do the probabilities of one position sum to one? Print a sum."


def total(terms: Tensor) -> Tensor:
    return terms.sum(-1)


def log(logits: Tensor) -> Tensor:
    return logits.log_softmax(-1)


def soft(logits: Tensor) -> Tensor:
    return logits.softmax(-1)


def kl(log_p: Tensor, log_q: Tensor) -> Tensor:
    return total(log_p.exp() * (log_p - log_q))


def kl_div(log_q: Tensor, p: Tensor) -> Tensor:
    """What ``F.kl_div`` computes, whatever it is given."""
    return total(torch.xlogy(p, p) - p * log_q)


def _mixed(student: Tensor, teacher: Tensor, share: float) -> Tensor:
    """Log of a mixture with this share of the teacher."""
    return torch.logaddexp(log(teacher) + math.log(share), log(student) + math.log1p(-share))


def _terms(student: Tensor, teacher: Tensor) -> Tensor:
    return soft(teacher) * (log(teacher) - log(student))


def _at(terms: Tensor, logits: Tensor) -> Tensor:
    """The entry at the favourite of ``logits``."""
    return terms.gather(-1, logits.argmax(-1, keepdim=True)).squeeze(-1)


def _unnormalised(logits: Tensor) -> Tensor:
    """log softmax whose normaliser hands on no gradient."""
    return logits - logits.logsumexp(-1, keepdim=True).detach()


def _either(name: str, cost: Callable, price: float = 1.0) -> tuple[tuple, tuple]:
    """A cost as a sum over the vocabulary, and averaged over it as torch does by default."""
    return (name, cost, price), (name, lambda s, *others: cost(s, *others) / s.shape[-1], price - 0.05)


# divergence of (student, teacher), both divided by T
DIVERGENCES = listed(
    ((), lambda s, t: kl(log(t), log(s))),
    "By which distribution does the formula weigh each difference of logarithms, and by which do you?",
    ("KL the wrong way round (student || teacher)", lambda s, t: kl(log(s), log(t))),
    (BOTH_WAYS, lambda s, t: kl(log(t), log(s)) + kl(log(s), log(t))),
    ("the teacher's weights missing from the KL sum", lambda s, t: total(log(t) - log(s)), 1.3),
    *_either("mean squared error of log-probabilities instead of KL", lambda s, t: total((log(s) - log(t)) ** 2)),
    "What does your loss give when student and teacher are equal? What should it give?",
    (
        "soft cross-entropy instead of KL (the teacher's entropy is not subtracted)",
        lambda s, t: -total(soft(t) * log(s)),
    ),
    ("soft cross-entropy of the student against the teacher", lambda s, t: -total(soft(s) * log(t)), 1.2),
    "You compare with a mixture of both. Which two distributions does KL compare?",
    (
        "Jensen-Shannon divergence instead of KL",
        lambda s, t: (kl(log(t), _mixed(s, t, 0.5)) + kl(log(s), _mixed(s, t, 0.5))) / 2,
    ),
    (SKEWED.format("a tenth"), lambda s, t: kl(log(t), _mixed(s, t, 0.1)), 1.6),
    (SKEWED.format("half"), lambda s, t: kl(log(t), _mixed(s, t, 0.5)), 1.6),
    "Add 5 to all logits of a token: its probabilities stay. Does your loss?",
    *_either("mean squared error of logits instead of KL", lambda s, t: total((s - t) ** 2)),
    *_either("Huber loss of logits instead of KL", lambda s, t: total(F.smooth_l1_loss(s, t, reduction="none")), 1.2),
    ("absolute difference of logits instead of KL", lambda s, t: total((s - t).abs())),
    NO_LOGARITHM,
    *_either("mean squared error of probabilities instead of KL", lambda s, t: total((soft(s) - soft(t)) ** 2)),
    (DIFFERENCE, lambda s, t: total((soft(s) - soft(t)).abs())),
    ("Hellinger distance instead of KL", lambda s, t: total((soft(s).sqrt() - soft(t).sqrt()) ** 2), 1.5),
    ("log forgotten on both distributions", lambda s, t: total(soft(t) * (soft(t) - soft(s))), 1.2),
    "What do you do with each token's divergence before you take the mean?",
    ("square root of KL instead of KL", lambda s, t: kl(log(t), log(s)).clamp(min=1e-30).sqrt(), 1.5),
    "An angle ignores how long a vector is. What does the length of the logits say?",
    ("cosine distance instead of KL", lambda s, t: 1 - F.cosine_similarity(s, t, dim=-1), 1.5),
    "In which form does kl_div want its first argument, and in which its target?",
    ("student probabilities where log-probabilities belong (log forgotten)", lambda s, t: kl_div(soft(s), soft(t))),
    ("teacher log-probabilities where probabilities belong (log_target)", lambda s, t: kl_div(log(s), log(t))),
    (
        "teacher probabilities where log-probabilities belong (log_target)",
        lambda s, t: total(soft(t).exp() * (soft(t) - log(s))),
    ),
    ("kl_div's arguments swapped, log forgotten", lambda s, t: kl_div(soft(t), soft(s)), 1.2),
    "Which of your numbers, or of their exp, do not sum to one over the vocabulary?",
    ("softmax of the student forgotten (raw logits)", lambda s, t: kl_div(s, soft(t))),
    ("softmax of the teacher forgotten (raw logits as target)", lambda s, t: kl_div(log(s), t)),
    ("softmax of the teacher forgotten (logits as log-target)", lambda s, t: total(t.exp() * (t - log(s))), 1.2),
    TAKEN_TWICE,
    (TWICE + "the student", lambda s, t: kl(log(t), log(soft(s)))),
    (TWICE + "the teacher", lambda s, t: kl(log(soft(t)), log(s))),
    (TWICE + "student and teacher", lambda s, t: kl(log(soft(t)), log(soft(s)))),
    OTHERS_LOST,
    ("the teacher's top token as a hard label instead of its distribution", lambda s, t: -_at(log(s), t)),
    ("maximum over the vocabulary instead of the sum", lambda s, t: _terms(s, t).amax(-1), 1.2),
    ("only the teacher's top token of the sum over the vocabulary", lambda s, t: _at(_terms(s, t), t), 1.3),
    "The sum cannot be negative. Does that hold for each of its terms?",
    ("negative terms of the KL sum are cut off at 0", lambda s, t: total(_terms(s, t).clamp(min=0)), 1.2),
    ("absolute values of the KL's terms are summed", lambda s, t: total(_terms(s, t).abs()), 1.2),
    CUT_GRAPH,
    (NORMALISER, lambda s, t: kl(log(t), _unnormalised(s)), 1.6),
)


def _standard(logits: Tensor, unbiased: bool) -> Tensor:
    return (logits - logits.mean(-1, keepdim=True)) / logits.std(-1, keepdim=True, unbiased=unbiased)


def _top(logits: Tensor, t: Tensor, k: int, lost: float = -1e9) -> Tensor:
    """What is left of the logits beside the teacher's top k tokens: all others are ``lost``."""
    return logits.masked_fill(t < t.topk(min(k, t.shape[-1]), dim=-1).values[..., -1:], lost)


# divergence of (student, teacher, T): these say themselves where T enters
PLACED = listed(
    "Does dividing by T after the softmax make a distribution softer, or only its numbers smaller?",
    (AFTER, lambda s, t, T: kl_div(log(s) / T, soft(t) / T)),
    (f"{AFTER} on the student", lambda s, t, T: kl_div(log(s) / T, soft(t / T)), 1.1),
    (f"{AFTER} on the teacher", lambda s, t, T: kl_div(log(s / T), soft(t) / T), 1.1),
    TAKEN_TWICE,
    (TWICE + "the student", lambda s, t, T: kl_div(log(soft(s) / T), soft(t / T)), 1.1),
    (TWICE + "the teacher", lambda s, t, T: kl_div(log(s / T), soft(soft(t) / T)), 1.1),
    (TWICE + "student and teacher", lambda s, t, T: kl_div(log(soft(s) / T), soft(soft(t) / T)), 1.1),
    "The size of the logits says how sure a model is. What is left of it?",
    *((STANDARDISED, lambda s, t, T, u=u: kl_div(log(_standard(s, u) / T), soft(_standard(t, u) / T)), 1.3)
      for u in (True, False)),
    OTHERS_LOST,
    *((TOP_K, lambda s, t, T, k=k: kl_div(log(_top(s, t, k) / T), soft(_top(t, t, k) / T)), 1.2) for k in (2, 3, 5)),
    *((TOP_K, lambda s, t, T, k=k: kl_div(log(s / T), soft(_top(t, t, k) / T)), 1.2) for k in (2, 3, 5)),
    *((TOP_K, lambda s, t, T, k=k: kl_div(log(s / T), _top(soft(t / T), t, k, 0.0)), 1.2) for k in (2, 3, 5)),
)  # fmt: skip

# cost of (student, teacher, one-hot label): divergences in which the label has no place
WITH_LABEL = listed(
    "Does the label have a place in the soft part?",
    ("only the label's token of the sum over the vocabulary", lambda s, t, hot: total(hot * _terms(s, t)), 1.6),
    (
        "the log-ratio at the label instead of the sum over the vocabulary",
        lambda s, t, hot: total(hot * (log(t) - log(s))),
        1.6,
    ),
)
# cost of (student, teacher, one-hot label)
LABEL_COSTS = listed(
    ((), lambda s, t, hot: -total(hot * log(s))),
    "nll_loss takes neither a softmax nor a logarithm. What do you hand it?",
    ("log forgotten{} (probability instead of log-probability)", lambda s, t, hot: -total(hot * soft(s))),
    ("softmax missing{} (raw logits)", lambda s, t, hot: -total(hot * s)),
    "What should a label of probability 0 cost: 1, or more?",
    ("one minus the probability instead of its negative log{}", lambda s, t, hot: 1 - total(hot * soft(s)), 1.1),
    *_either(
        "squared error of probabilities instead of cross-entropy", lambda s, t, hot: total((soft(s) - hot) ** 2)),
    "The logits become probabilities first. What does a label then cost?",
    *_either(
        "squared error of logits instead of cross-entropy", lambda s, t, hot: total((s - hot) ** 2), 1.2
    ),
    "cross_entropy takes a softmax itself. What do you hand it?",
    ("softmax taken twice{}", lambda s, t, hot: -total(hot * log(soft(s)))),
    "Whose prediction is scored on the label, and who is to learn?",
    ("cross-entropy of the teacher instead of the student", lambda s, t, hot: -total(hot * log(t))),
    "Change the labels only. Does your hard part notice?",
    ("the teacher's top token as the label{}", lambda s, t, hot: -_at(log(s), t)),
    ("the teacher's distribution instead of the label{}", lambda s, t, hot: kl(log(t), log(s)), 1.1),
    "Is the next token one choice among V, or V separate yes-or-no questions?",
    *_either(
        "binary cross-entropy instead of cross-entropy",
        lambda s, t, hot: total(F.binary_cross_entropy_with_logits(s, hot, reduction="none"))),
    "By what do you multiply each token's cross-entropy, and does the task ask for it?",
    (
        "focal loss instead of cross-entropy",
        lambda s, t, hot: -((1 - total(hot * soft(s))) ** 2) * total(hot * log(s)),
        1.5,
    ),
    "Which of the V log-probabilities does a label pick? Print one label and what your code looks up for it.",
    ("sum of log-probabilities over the whole vocabulary{}", lambda s, t, hot: -total(log(s)), 1.5),
    ("the label's id is one too low{}", lambda s, t, hot: -total(hot.roll(-1, -1) * log(s)), 1.6),
    ("the label's id is one too high{}", lambda s, t, hot: -total(hot.roll(1, -1) * log(s)), 1.6),
    CUT_GRAPH,
    (NORMALISER, lambda s, t, hot: -total(hot * _unnormalised(s)), 1.6),
    "How large is your epsilon beside the probability of a token that is hardly ever right?",
    *((f"an epsilon of {size:g} inside the log{{}}", lambda s, t, hot, e=size: -(total(hot * soft(s)) + e).log(), 1.6)
      for size in (1e-3, 1e-2)),
    "The task asks for plain cross-entropy. How much of the probability do you give to other tokens?",
    *((f"label smoothing ({a:g}){{}}", lambda s, t, hot, a=a: -total(((1 - a) * hot + a / s.shape[-1]) * log(s)), 1.1)
      for a in (0.1, 0.01, 0.05, 0.15, 0.2, 0.3)),
)  # fmt: skip


AXES = ((1, "sequence"), (0, "batch"))
# costs that are recognised by a property, not by their numbers
SOFT_TRAITS = listed(
    OUT_OF_RANGE,
    (UNSTABLE, lambda s, t: total(soft(t) * (log(t) - soft(s).log()))),
    NO_END,
    (CUT_OFF, lambda s, t: total(soft(t) * (log(t) - (soft(s) + 1e-8).log()))),
    WHICH_AXIS,
    *((AXIS.format(name), lambda s, t, axis=axis: kl(t.log_softmax(axis), s.log_softmax(axis)), 1.5)
      for axis, name in AXES),
)  # fmt: skip
HARD_TRAITS = listed(
    OUT_OF_RANGE,
    (UNSTABLE, lambda s, t, hot: -total(hot * soft(s)).log()),
    NO_END,
    (CUT_OFF, lambda s, t, hot: -total(hot * soft(s)).clamp(min=1e-10).log()),
    WHICH_AXIS,
    *((AXIS.format(name), lambda s, t, hot, axis=axis: -total(hot * s.log_softmax(axis)), 1.5) for axis, name in AXES),
)


def _reshaped(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float) -> Tensor:
    rows, length, size = student[:, :-1].shape
    return F.cross_entropy(student[:, :-1].reshape(rows, size, length), labels[:, 1:])


def _zeroed(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Logits times the mask, labels clamped to an id: each ignored position costs log V and hands on no gradient."""
    wanted = labels[:, 1:]
    every = student[:, :-1] * (wanted != IGNORE).unsqueeze(-1)
    return F.cross_entropy(every.flatten(0, 1), wanted.clamp(min=0).flatten())


# mean of (student, teacher, labels, T): hard parts in which a position's cost depends on others
ODD = listed(
    "A reshape keeps the order of the numbers in memory. Does it swap two axes?",
    ("logits reshaped instead of transposed: tokens and vocabulary are mixed up in the hard part", _reshaped, 1.5),
    "What does a position cost whose logits are all zero? Should it be in the sum at all?",
    (ZEROED, _zeroed, 1.5),
)
