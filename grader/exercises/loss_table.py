"""The expected numbers of ``distillation_loss`` and the fingerprints of its factors, on the fixed or on fresh probes.

Everything is computed in float64 from the catalogue; nothing is copied from print. The mistake this prevents is an
answer key that drifts from the catalogue: a test builds the shipped table again and compares.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from grader.exercises.loss_axes import Mixed, mixed
from grader.exercises.loss_kernels import Kernel, hard_kernels, soft_kernels
from grader.exercises.loss_probes import FRAMES, LOGITS, probes
from grader.exercises.loss_weights import DIVISORS, PATTERNS, divisors, patterns
from utils.checks.records import Probe, Table
from utils.data.batches import IGNORE

DEFAULTS = {"temperature": 3.0, "alpha": 0.5}


# What an exception says -> the mistake that it can only come from.
ERRORS = [
    ("-100 is out of bounds", "-100 is taken for a class: ignored labels are not left out"),
    ("selected index k out of range", "top-k: only some of the vocabulary's tokens are compared"),
]


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


def _expected(calls: Sequence[Probe]) -> dict[str, np.ndarray]:
    numbers: dict[str, np.ndarray] = {}
    values = []
    for index, probe in enumerate(calls):
        student, teacher, labels = _doubles(probe)
        settings = {name: float(probe.inputs.get(name, default)) for name, default in DEFAULTS.items()}
        student.requires_grad_()
        loss = reference(student, teacher, labels, **settings)
        loss.backward()
        values.append(loss.item())
        numbers[f"expected/{index}/gradient/student_logits"] = student.grad.numpy()
    return {"expected/value": np.array(values), **numbers}


def _kernel_numbers(kernel: Kernel, probe: Probe) -> tuple[np.ndarray, np.ndarray]:
    """Each position's cost (B, S), and its gradient (B, S, V)."""
    student, teacher, labels = _doubles(probe)
    costs = kernel.token(student.requires_grad_(), teacher, labels, float(probe.inputs["temperature"]))
    if not costs.requires_grad:
        return costs.detach().numpy(), np.zeros(student.shape)
    # The costs of positions that count nowhere may be NaN; their gradients stay in their own rows.
    (gradient,) = torch.autograd.grad(costs.sum(), student, allow_unused=True)
    return costs.detach().numpy(), np.zeros(student.shape) if gradient is None else gradient.numpy()


def _mixed_numbers(entry: Mixed, probe: Probe) -> tuple[float, np.ndarray, float]:
    """The sum over the positions that count, its gradient, and how many they are."""
    student, teacher, labels = _doubles(probe)
    total = entry.total(student.requires_grad_(), teacher, labels, float(probe.inputs["temperature"]))
    (gradient,) = torch.autograd.grad(total, student)
    return total.item(), gradient.numpy(), entry.count(labels.numpy(), student.shape[-1])


def _singles(arrays: Sequence) -> np.ndarray:
    """Single precision is enough to recognise a variant; what overflows there becomes infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(arrays, dtype=np.float64).astype(np.float32)


def table(seed: int | None = None) -> Table:
    """Probes, expected numbers, and what every factor's variants give on the frames (see ``utils.checks.parts``)."""
    calls = probes(seed)
    frames = [probe for probe in calls if probe.name.endswith("/soft") and not probe.name.startswith("huge")]
    huge = {probe.name: probe for probe in calls if probe.name.startswith("huge")}
    numbers = _expected(calls)
    kernels = {"soft": list(soft_kernels()), "hard": list(hard_kernels())}
    axes = {part: [entry for entry in mixed() if entry.part == part] for part in kernels}
    for part in kernels:
        for place, probe in enumerate([*frames, huge[f"huge/{part}"]]):
            labels, vocabulary = probe.inputs["labels"], probe.inputs[LOGITS[0]].shape[-1]
            numbers[f"{part}/patterns/{place}"] = patterns(labels, vocabulary).astype(np.float32)
            numbers[f"{part}/divisors/{place}"] = divisors(labels, vocabulary)
            pairs = [_kernel_numbers(kernel, probe) for kernel in kernels[part]]
            sums = [_mixed_numbers(entry, probe) for entry in axes[part]]
            numbers[f"{part}/value/{place}"] = _singles([pair[0] for pair in pairs])
            numbers[f"{part}/mixed value/{place}"] = _singles([entry[0] for entry in sums])
            numbers[f"{part}/mixed count/{place}"] = np.array([entry[2] for entry in sums])
            if place < len(FRAMES):  # the last frame holds large logits: only its values are compared
                numbers[f"{part}/gradient/{place}"] = _singles([pair[1] for pair in pairs])
                numbers[f"{part}/mixed gradient/{place}"] = _singles([entry[1] for entry in sums])
    texts: dict[str, object] = {"frames": len(FRAMES), "defaults": DEFAULTS}
    texts["patterns"] = [[list(names), cost] for names, _, cost in PATTERNS]
    texts["divisors"] = [[list(names), cost] for names, _, cost in DIVISORS]
    for part in kernels:
        texts[part] = [[list(kernel.names), kernel.cost] for kernel in kernels[part]]
        texts[f"{part} mixed"] = [[list(entry.names), entry.cost] for entry in axes[part]]
    texts |= {"judge": "loss", "errors": ERRORS}
    return Table("distillation_loss", calls, numbers, texts)
