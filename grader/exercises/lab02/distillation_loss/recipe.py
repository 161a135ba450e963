"""A loss put together from choices: ``cook`` turns what is changed in the right recipe into a function.

``FACTORS`` are the steps in which a loss can go wrong, each with its choices. So any two mistakes in different factors
can be made together, and a named mistake can be made again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from grader.exercises.lab02.distillation_loss import kernels
from grader.exercises.lab02.distillation_loss.choice import Choice, listed
from grader.exercises.lab02.distillation_loss.costs import NO_END
from grader.exercises.lab02.distillation_loss.positions import CHOICES, DIVISORS, ROWS, SHIFTS, divisor, weigh
from utils.checks import judgement
from utils.checks.distillation_loss import blend, whole
from utils.checks.distillation_loss.judge import CUT_OFF, DETACHED, NOT_FINITE
from utils.checks.scale import BITS, SIGN

Recipe = Mapping[str, Choice]
# what the part is multiplied with beyond what is right, of T
SOFT_SCALES = listed(
    ((), lambda T: 1.0),
    "Vary T and look: by which power of T does the soft gradient shrink, and which factor makes up for it?",
    ("T squared missing", lambda T: T**-2),
    ("scaled by T instead of T squared", lambda T: T**-1),
    ("divided by T squared instead of multiplied", lambda T: T**-4, 1.1),
    ("divided by T instead of multiplied by T squared", lambda T: T**-3, 1.2),
    ("T squared applied twice", lambda T: T**2, 1.2),
    ("scaled by T cubed instead of T squared", lambda T: T, 1.3),
    ("scaled by the square root of T instead of T squared", lambda T: T**-1.5, 1.4),
    "Which of the two numbers is the base, and which is the exponent?",
    ("2 ** T instead of T squared in the soft part", lambda T: 2**T / T**2, 1.4),
    "Call your function with two temperatures. Does the factor before the soft part change?",
    *((f"T squared hard-coded to {v:g} squared", lambda T, v=v: (v / T) ** 2, 1.2) for v in (2.0, 3.0, 4.0, 5.0, 10.0)),
)
HARD_SCALES = listed(
    ((), lambda T: 1.0),
    "T softens one of the two parts. Does the other one need a factor of T?",
    ("T squared on the hard part as well", lambda T: T**2),
    ("hard part scaled by T", lambda T: T, 1.1),
    ("hard part divided by T squared", lambda T: T**-2, 1.1),
    ("hard part divided by T", lambda T: T**-1, 1.1),
    ("T to the fourth power on the hard part", lambda T: T**4, 1.5),
)
CONSTANTS = listed(
    ((), 1.0),
    "Should a better student have a larger or a smaller loss?",
    (SIGN, -1.0),
    "To which base is the logarithm that PyTorch and the formula use?",
    (BITS, 1 / math.log(2), 1.1),
)
SQUARED = "Which number in the formula is squared, and which is not?"
PERPLEXITY = "A perplexity reports a loss. Which of the two is trained on?"
# what is made of the part's mean, of (mean, T)
SOFT_TURNS = listed(((), lambda mean, T: mean), SQUARED, *whole.TURNED["soft"].items())
HARD_TURNS = listed(
    ((), lambda mean, T: mean),
    PERPLEXITY,
    (whole.EXP_OF_ENTROPY, whole.TURNED["hard"][whole.EXP_OF_ENTROPY]),
    SQUARED,
    (whole.ENTROPY_SQUARED, whole.TURNED["hard"][whole.ENTROPY_SQUARED]),
)
GRAPHS = listed(
    ((), lambda student: student),
    "What cuts a tensor off from the graph, and where do you use it on the student's side?",
    (DETACHED, torch.Tensor.detach),
)
TEACHER_GRAPHS = listed(
    ((), torch.Tensor.detach),
    "Should this loss ever change the teacher? What cuts a tensor off from the graph?",
    (whole.LEAK, lambda teacher: teacher),
)
AT_ENDS = "At alpha = 0 one part should be left, and at alpha = 1 the other. What is left of yours?"
ORDER = "In which order does Python subtract and multiply?"
VARY = "Vary alpha. Does your loss change as the formula says?"
# loss of (soft, hard, alpha, T)
BLENDS = listed(
    ((), lambda soft, hard, a, T: a * soft + (1 - a) * hard),
    AT_ENDS,
    (blend.SWAPPED, lambda soft, hard, a, T: (1 - a) * soft + a * hard),
    (blend.NO_REST, lambda soft, hard, a, T: a * soft + hard),
    (blend.NO_ALPHA, lambda soft, hard, a, T: soft + (1 - a) * hard),
    (blend.ONE_PLUS, lambda soft, hard, a, T: a * soft + (1 + a) * hard),
    (blend.MISSING["hard"], lambda soft, hard, a, T: a * soft),
    (blend.MISSING["soft"], lambda soft, hard, a, T: (1 - a) * hard),
    (blend.MISSING["hard"], lambda soft, hard, a, T: soft),
    (blend.MISSING["soft"], lambda soft, hard, a, T: hard),
    (blend.ON_BOTH["soft"], lambda soft, hard, a, T: a * (soft + hard)),
    (blend.ON_BOTH["hard"], lambda soft, hard, a, T: (1 - a) * (soft + hard)),
    VARY,
    (blend.UNWEIGHTED, lambda soft, hard, a, T: soft + hard),
    (blend.FIXED, lambda soft, hard, a, T: 0.5 * soft + 0.5 * hard),
    (blend.FIXED, lambda soft, hard, a, T: 0.7 * soft + 0.3 * hard),
    "The loss at alpha = 0.5 should lie halfway between those at 0 and 1. Does yours?",
    (blend.BENT, lambda soft, hard, a, T: a**2 * soft + (1 - a) ** 2 * hard),
    "Two weights should sum to 1. Which number is your second weight the rest of?",
    (blend.LEAKING, lambda soft, hard, a, T: a * soft + (1 - a * T**2) * hard),
    ORDER,
    (blend.UNBRACKETED.format("hard"), lambda soft, hard, a, T: a * soft + 1 - a * hard),
)
# what is returned for (loss, soft, hard)
RETURNED = listed(
    ((), lambda loss, soft, hard: loss),
    "The loss is one number, a tensor, for backward() starts from it. What do you return?",
    ("a tuple instead of one number", lambda loss, soft, hard: (loss, soft, hard)),
    ("a dict instead of one number", lambda loss, soft, hard: {"loss": loss}),
    ("a str instead of one number", lambda loss, soft, hard: f"{loss.item():.4f}"),
    ("a tensor of shape (1,) instead of one number", lambda loss, soft, hard: loss.unsqueeze(0)),
    ("a tensor of shape (4,) instead of one number", lambda loss, soft, hard: loss.expand(4) / 4),
    "What does backward() need? Stay in torch up to the return.",
    (judgement.NUMBER + judgement.NO_GRADIENT, lambda loss, soft, hard: loss.item()),
    ("a numpy array instead of a tensor", lambda loss, soft, hard: loss.detach().numpy()),
    (DETACHED.format(""), lambda loss, soft, hard: loss.detach()),
    "Is there a return at the end?",
    ("nothing returned", lambda loss, soft, hard: None),
    "Which logarithm, division or exponential can run out of range?",
    (NOT_FINITE, lambda loss, soft, hard: loss * float("nan")),
    "On which of the arguments should the loss depend?",
    (whole.CONSTANT, lambda loss, soft, hard: torch.tensor(2.5)),
    (whole.CONSTANT, lambda loss, soft, hard: loss * 0.0),
    PERPLEXITY,
    (whole.EXP, lambda loss, soft, hard: loss.exp()),
    "Nothing in the formula is left to chance.",
    (whole.RANDOM, lambda loss, soft, hard: loss * (1 + 0.1 * torch.rand(()))),
    "The training step calls backward(). The function only returns the number.",
    (judgement.BACKWARD, lambda loss, soft, hard: loss.backward(retain_graph=True) or loss),
)
SIDE_EFFECTS = listed(
    ((), lambda student, teacher, labels: None),
    "The caller reuses these inputs; don't modify them in place.",
    ("labels changed in place", lambda student, teacher, labels: labels.clamp_(min=0)),
    ("student_logits changed in place", lambda student, teacher, labels: student.div_(2.0)),
    ("teacher_logits changed in place", lambda student, teacher, labels: teacher.div_(2.0)),
)
PRECISIONS = listed(
    ((), lambda logits: logits),
    "How many digits does a number have in half precision, and which steps need more?",
    (judgement.HALF.format("bfloat16"), lambda logits: logits.bfloat16()),
    (judgement.HALF.format("float16"), lambda logits: logits.half()),
    NO_END,
    (CUT_OFF.format(" in both parts"), lambda logits: logits.clamp(-30, 30)),
)
ADDED = listed(
    ((), lambda student: 0.0),
    "The formula has two parts whose weights sum to 1. What else is in your sum?",
    (blend.BESIDE, lambda student: 0.01 * student.square().mean()),
    (blend.BESIDE, lambda student: -0.02 * torch.distributions.Categorical(logits=student).entropy().mean()),
)
PARTS = ("soft", "hard")
# A step of each part -> the choices in the soft part and in the hard part, or of the loss as a whole.
IN_PARTS = {
    "shift": (SHIFTS, SHIFTS),
    "mask": (CHOICES, CHOICES),
    "rows": (ROWS, ROWS),
    "mean": (DIVISORS, DIVISORS),
    "cost": (kernels.SOFT, kernels.HARD),
    "temperature": (kernels.TEMPERATURES, kernels.HARD_TEMPERATURES),
    "scale": (SOFT_SCALES, HARD_SCALES),
    "constant": (CONSTANTS, CONSTANTS),
    "turn": (SOFT_TURNS, HARD_TURNS),
    "graph": (GRAPHS, GRAPHS),
}
IN_WHOLE = {
    "teacher_place": kernels.TEACHER_PLACES,
    "teacher_graph": TEACHER_GRAPHS,
    "blend": BLENDS,
    "returned": RETURNED,
    "side_effect": SIDE_EFFECTS,
    "precision": PRECISIONS,
    "added": ADDED,
}
FACTORS = IN_WHOLE | {f"{PARTS[i]}_{step}": both[i] for step, both in IN_PARTS.items() for i in range(2)}


def _part(part: str, chosen: Callable, student: Tensor, teacher: Tensor, labels: Tensor, temperature: float) -> Tensor:
    step = {name: chosen(f"{part}_{name}") for name in IN_PARTS}
    place = step["shift"] if part == "hard" else chosen("teacher_place")
    student = step["graph"].do(student)
    mean = step["cost"].do(step["temperature"], place, student, teacher, labels, temperature)
    if mean.ndim:  # a cost for each position
        weights = weigh(step["shift"], step["mask"], step["rows"], labels, student.shape[-1])
        weights = weights / divisor(step["mean"], weights, labels, student.shape[-1])
        weights = weights.to(torch.promote_types(mean.dtype, torch.float32))
        mean = torch.where(weights > 0, mean * weights, 0.0).sum()
    right = temperature**2 if part == "soft" else 1.0
    return step["turn"].do(mean * right * step["scale"].do(temperature) * step["constant"].do, temperature)


def cook(changes: Recipe) -> Callable:
    """The loss that is right but for these changes."""

    def chosen(key: str) -> Choice:
        return changes.get(key, FACTORS[key][0])

    def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
        given = student_logits * 1.0, teacher_logits * 1.0, labels.clone()
        with torch.no_grad():
            chosen("side_effect").do(student_logits, teacher_logits, labels)
        student, teacher = (chosen("precision").do(logits) for logits in given[:2])
        teacher = chosen("teacher_graph").do(teacher)
        soft, hard = (_part(part, chosen, student, teacher, given[2], temperature) for part in PARTS)
        loss = chosen("blend").do(soft, hard, alpha, temperature) + chosen("added").do(student)
        return chosen("returned").do(loss, soft, hard)

    return distillation_loss
