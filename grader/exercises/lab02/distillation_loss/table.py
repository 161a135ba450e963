"""The expected numbers of ``distillation_loss`` and the fingerprints of its factors, on fixed or on fresh probes.

Everything is computed in double precision. A test builds the shipped table again and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from grader.exercises.lab02.distillation_loss.choice import Choice, entries
from grader.exercises.lab02.distillation_loss.costs import ODD
from grader.exercises.lab02.distillation_loss.kernels import hard_kernels, soft_kernels
from grader.exercises.lab02.distillation_loss.misconceptions import HINTS
from grader.exercises.lab02.distillation_loss.positions import DIVISORS, PATTERNS, divisor
from grader.exercises.lab02.distillation_loss.probes import FRAMES, LOGITS, probes
from grader.exercises.lab02.distillation_loss.recipe import HARD_SCALES, SOFT_SCALES
from utils.checks.ask import ask
from utils.checks.records import Probe, Table
from utils.data.batches import IGNORE

# What an exception says -> the mistake that it can only come from, and a question that leads to it.
ERRORS = (
    (
        "backward through the graph a second",
        "backward() is called on the same graph twice, or too early by the function itself",
        "The training step calls backward(). The function only returns the number.",
    ),
    (
        "-100 is out of bounds",
        "-100 is taken for a class: ignored labels are not left out",
        "Which positions have the label -100, and should they have a cost at all?",
    ),
    (
        "selected index k out of range",
        "top-k: only some of the vocabulary's tokens are compared",
        "Where does the probability of all other tokens go?",
    ),
)
DEFAULTS = {"temperature": 3.0, "alpha": 0.5}


def reference(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):  # type: ignore[no-untyped-def]
    """The contract, word for word, in the precision of what comes in."""
    student, teacher, wanted = student_logits[:, :-1], teacher_logits[:, :-1].detach(), labels[:, 1:]
    valid = wanted != IGNORE
    student, teacher, wanted = student[valid], teacher[valid], wanted[valid]
    log_p, log_q = ((logits / temperature).log_softmax(-1) for logits in (teacher, student))
    soft = temperature**2 * (log_p.exp() * (log_p - log_q)).sum(-1).mean()
    hard = -student.log_softmax(-1).gather(-1, wanted.unsqueeze(-1)).mean()
    return alpha * soft + (1 - alpha) * hard


def _doubles(probe: Probe) -> list[Tensor]:
    tensors = [torch.from_numpy(probe.inputs[name]) for name in (*LOGITS, "labels")]
    return [tensor.double() if tensor.is_floating_point() else tensor for tensor in tensors]


def _numbers(compute: Callable[[Tensor, Tensor, Tensor], Tensor], probe: Probe) -> tuple[np.ndarray, np.ndarray]:
    """A value or a cost for each position, and the gradient of their sum; a NaN cost keeps its gradient to its row."""
    student, teacher, labels = _doubles(probe)
    found = compute(student.requires_grad_(), teacher, labels)
    gradient = None
    if found.requires_grad:
        (gradient,) = torch.autograd.grad(found.sum(), student, allow_unused=True)
    return found.detach().numpy(), np.zeros(student.shape) if gradient is None else gradient.numpy()


def _expected(calls: Sequence[Probe]) -> dict[str, np.ndarray]:
    answers = ask(calls, reference, seconds=60.0, double=True)
    gradients = {
        f"expected/{index}/gradient/student_logits": answer.gradient("student_logits")
        for index, answer in enumerate(answers)
    }
    return {"expected/value": np.array([answer.value for answer in answers]), **gradients}


def _singles(arrays: Sequence) -> np.ndarray:
    """Single precision is enough to recognise a variant; what overflows there becomes infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(arrays, dtype=np.float64).astype(np.float32)


def _fingerprints(kernels: Sequence[Choice], frames: Sequence[Probe], part: str) -> dict[str, np.ndarray]:
    numbers = {}
    for place, probe in enumerate(frames):
        T = float(probe.inputs["temperature"])
        pairs = [_numbers(lambda s, t, y, k=kernel, T=T: k.do(s, t, y, T), probe) for kernel in kernels]
        numbers[f"{part}/value/{place}"] = _singles([value for value, _ in pairs])
        numbers[f"{part}/gradient/{place}"] = _singles([gradient for _, gradient in pairs])
    return numbers


def _odd(frames: Sequence[Probe]) -> dict[str, np.ndarray]:
    found = [[_numbers(lambda s, t, y, f=loss.do: f(s, y), probe) for probe in frames] for loss in ODD]
    numbers = {"odd value": np.array([[float(value) for value, _ in entry] for entry in found])}
    return numbers | {f"odd gradient/{i}": _singles([entry[i][1] for entry in found]) for i in range(len(frames))}


def table(seed: int | None = None) -> Table:
    """Probes, expected numbers, hints, and what every factor's variants give on the frames."""
    calls = probes(seed)
    frames = [probe for probe in calls if probe.name.endswith("/soft") and not probe.name.startswith("huge")]
    numbers = _expected(calls) | _odd(frames)
    hints = HINTS | {name: hint for _, name, hint in ERRORS}
    texts: dict[str, object] = {"judge": "distillation_loss", "frames": len(FRAMES), "defaults": DEFAULTS}
    texts |= {"hints": hints, "errors": [entry[:2] for entry in ERRORS]}
    texts |= {"patterns": entries(PATTERNS), "divisors": entries(DIVISORS), "odd": [loss.names[0] for loss in ODD]}
    for place, probe in enumerate(frames):
        labels, size = torch.from_numpy(probe.inputs["labels"]), probe.inputs[LOGITS[0]].shape[-1]
        weights = [pattern.do(labels, size) for pattern in PATTERNS]
        numbers[f"patterns/{place}"] = torch.stack(weights).float().numpy()
        divided = [[divisor(choice, each, labels, size) for choice in DIVISORS] for each in weights]
        numbers[f"divisors/{place}"] = np.array(divided)
    for part, every, scales in (("soft", soft_kernels(), SOFT_SCALES), ("hard", hard_kernels(), HARD_SCALES)):
        kernels = list(every)
        numbers |= _fingerprints(kernels, frames, part)
        factors = [[scale.do(float(probe.inputs["temperature"])) for probe in frames] for scale in scales]
        numbers[f"{part}/scales"] = np.array(factors)
        texts |= {part: entries(kernels), f"{part} scales": entries(scales)}
    return Table("distillation_loss", calls, numbers, texts)
