"""The expected numbers of ``distillation_loss`` and the fingerprints of its factors, on fixed or on fresh probes.

Everything is computed in double precision. A test builds the shipped table again and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from grader.exercises.lab02.distillation_loss.hints import HINTS
from grader.exercises.lab02.distillation_loss.kernels import Kernel, hard_kernels, soft_kernels
from grader.exercises.lab02.distillation_loss.positions import DIVISORS, PATTERNS, divisors, patterns
from grader.exercises.lab02.distillation_loss.probes import FRAMES, LOGITS, probes
from grader.exercises.lab02.distillation_loss.recipe import ODD
from utils.checks.records import Probe, Table
from utils.data.batches import IGNORE

TWICE = "backward() is called on the same graph twice, or too early by the function itself"
# What an exception says -> the mistake that it can only come from.
ERRORS = [
    (
        "backward through the graph a second",
        "backward() is called on the same graph twice, or too early by the function itself",
    ),
    ("-100 is out of bounds", "-100 is taken for a class: ignored labels are not left out"),
    ("selected index k out of range", "top-k: only some of the vocabulary's tokens are compared"),
]
DEFAULTS = {"temperature": 3.0, "alpha": 0.5}


def reference(
    student_logits: Tensor, teacher_logits: Tensor, labels: Tensor, temperature: float, alpha: float
) -> Tensor:
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
    numbers: dict[str, np.ndarray] = {}
    values = []
    for index, probe in enumerate(calls):
        settings = {name: float(probe.inputs.get(name, default)) for name, default in DEFAULTS.items()}
        value, gradient = _numbers(lambda s, t, y, settings=settings: reference(s, t, y, **settings), probe)
        values.append(float(value))
        numbers[f"expected/{index}/gradient/student_logits"] = gradient
    return {"expected/value": np.array(values), **numbers}


def _singles(arrays: Sequence) -> np.ndarray:
    """Single precision is enough to recognise a variant; what overflows there becomes infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(arrays, dtype=np.float64).astype(np.float32)


def _fingerprints(kernels: Sequence[Kernel], frames: Sequence[Probe], part: str) -> dict[str, np.ndarray]:
    numbers = {}
    for place, probe in enumerate(frames):
        T = float(probe.inputs["temperature"])
        pairs = [_numbers(lambda s, t, y, k=kernel, T=T: k.token(s, t, y, T), probe) for kernel in kernels]
        numbers[f"{part}/value/{place}"] = _singles([value for value, _ in pairs])
        numbers[f"{part}/gradient/{place}"] = _singles([gradient for _, gradient in pairs])
    return numbers


def _odd(losses: dict[str, Callable], frames: Sequence[Probe], part: str) -> dict[str, np.ndarray]:
    found = [[_numbers(lambda s, t, y, f=loss: f(s, y), probe) for probe in frames] for loss in losses.values()]
    numbers = {f"{part}/odd value": np.array([[float(value) for value, _ in entry] for entry in found])}
    for place, _ in enumerate(frames):
        numbers[f"{part}/odd gradient/{place}"] = _singles([entry[place][1] for entry in found])
    return numbers


def table(seed: int | None = None) -> Table:
    """Probes, expected numbers, hints, and what every factor's variants give on the frames."""
    calls = probes(seed)
    frames = [probe for probe in calls if probe.name.endswith("/soft") and not probe.name.startswith("huge")]
    kernels = {"soft": list(soft_kernels()), "hard": list(hard_kernels())}
    odd = {"soft": {}, "hard": ODD}
    numbers = _expected(calls)
    texts: dict[str, object] = {"frames": len(FRAMES), "defaults": DEFAULTS, "hints": HINTS}
    texts |= {"judge": "distillation_loss", "errors": ERRORS}
    texts["patterns"] = [[list(names), price] for names, _, price in PATTERNS]
    texts["divisors"] = [[list(names), price] for names, _, price in DIVISORS]
    for place, probe in enumerate(frames):
        labels, vocabulary = probe.inputs["labels"], probe.inputs[LOGITS[0]].shape[-1]
        numbers[f"patterns/{place}"] = patterns(labels, vocabulary).astype(np.float32)
        numbers[f"divisors/{place}"] = divisors(labels, vocabulary)
    for part, every in kernels.items():
        numbers |= _fingerprints(every, frames, part) | _odd(odd[part], frames, part)
        texts[part] = [[list(kernel.names), kernel.price] for kernel in every]
        texts[f"{part} odd"] = list(odd[part])
    return Table("distillation_loss", calls, numbers, texts)
