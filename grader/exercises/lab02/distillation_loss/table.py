"""The expected numbers of ``distillation_loss`` and the fingerprints of its factors, on fixed or on fresh probes.

Everything is computed in double precision. A test builds the shipped table again and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from grader.exercises.lab02.distillation_loss.choice import Choice, entries, listed
from grader.exercises.lab02.distillation_loss.costs import ODD
from grader.exercises.lab02.distillation_loss.kernels import hard_kernels, soft_kernels
from grader.exercises.lab02.distillation_loss.misconceptions import HINTS
from grader.exercises.lab02.distillation_loss.positions import DIVISORS, PATTERNS, divisor
from grader.exercises.lab02.distillation_loss.probes import FRAMES, LOGITS, probes
from grader.exercises.lab02.distillation_loss.recipe import HARD_SCALES, SOFT_SCALES, cook
from utils.checks.ask import ask
from utils.checks.records import Probe, Table

# mistakes -> what an exception says that can only come from them
ERRORS = listed(
    "The training step calls backward(). The function only returns the number.",
    (
        "backward() is called on the same graph twice, or too early by the function itself",
        "backward through the graph a second",
    ),
    "Which positions have the label -100, and should they have a cost at all?",
    ("-100 is taken for a class: ignored labels are not left out", "-100 is out of bounds"),
    "Where does the probability of all other tokens go?",
    ("top-k: only some of the vocabulary's tokens are compared", "selected index k out of range"),
)
DEFAULTS = {"temperature": 3.0, "alpha": 0.5}


def _expected(calls: Sequence[Probe]) -> dict[str, np.ndarray]:
    answers = ask(calls, cook({}), seconds=60.0, double=True)
    gradients = {f"expected/{i}/gradient/{LOGITS[0]}": answer.gradient(LOGITS[0]) for i, answer in enumerate(answers)}
    return {"expected/value": np.array([answer.value for answer in answers]), **gradients}


def _numbers(compute: Callable, probe: Probe) -> tuple[np.ndarray, np.ndarray]:
    """A value or a cost for each position, and the gradient of their sum; a NaN cost keeps its gradient to its row."""
    student, teacher = (torch.from_numpy(probe.inputs[name]).double() for name in LOGITS)
    labels, temperature = torch.from_numpy(probe.inputs["labels"]), float(probe.inputs["temperature"])
    found = compute(student.requires_grad_(), teacher, labels, temperature)
    gradient = None
    if found.requires_grad:
        (gradient,) = torch.autograd.grad(found.sum(), student, allow_unused=True)
    return found.detach().numpy(), np.zeros(student.shape) if gradient is None else gradient.numpy()


def _fingerprints(choices: Sequence[Choice], frames: Sequence[Probe], part: str) -> dict[str, np.ndarray]:
    """Single precision is enough to recognise a variant; what overflows there becomes infinite."""
    numbers = {}
    for place, probe in enumerate(frames):
        found = zip(*(_numbers(choice.do, probe) for choice in choices), strict=True)
        with np.errstate(over="ignore"):
            for kind, arrays in zip(("value", "gradient"), found, strict=True):
                numbers[f"{part}/{kind}/{place}"] = np.float32(arrays)
    return numbers


def table(seed: int | None = None) -> Table:
    """Probes, expected numbers, hints, and what every factor's variants give on the frames."""
    calls = probes(seed)
    frames = [probe for probe in calls if probe.name.endswith("/soft") and not probe.name.startswith("huge")]
    numbers = _expected(calls) | _fingerprints(ODD, frames, "odd")
    hints = HINTS | {error.names[0]: error.hint for error in ERRORS}
    texts: dict[str, object] = {"judge": "distillation_loss", "frames": len(FRAMES), "defaults": DEFAULTS}
    texts |= {"hints": hints, "errors": [(error.do, error.names[0]) for error in ERRORS]}
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
