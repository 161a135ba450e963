"""The probes of ``hidden_state_loss``, what is right on them, and what its variants give.

The mistake this prevents: probes on which two mistakes give one number, such as a mask without padding.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from utils.checks.states import with_projection

from grader.exercises.lab03_states import SCALES, hidden_variants
from grader.exercises.toy_probes import stream_of
from grader.exercises.variants import fingerprints
from utils.checks.records import Probe, Table

# Rows of real (1) and padded (0) positions; padding on either side, rows of different lengths.
LAYOUTS = (("111100", "001111", "111111"), ("1110000", "0000011"), ("11110", "11100", "00111", "11111"))
WIDTHS = ((3, 5), (4, 6), (5, 2))


def hidden_probes(seed: int | None) -> tuple[Probe, ...]:
    stream = stream_of(seed, 31)
    probes = []
    for index, place in enumerate((0, 0, 1, 2)):  # the first one is asked twice
        mask = np.array([[int(sign) for sign in row] for row in LAYOUTS[place]])
        ours, theirs = WIDTHS[place]
        if index != 1:
            drawn = {
                "student_hidden": np.float32(stream.normal(0, 1, (*mask.shape, ours))),
                "teacher_hidden": np.float32(stream.normal(0.5, 1.5, (*mask.shape, theirs))),
                "projection": np.float32(stream.normal(0, 0.7, (theirs, ours))),
                "attention_mask": mask,
            }
        probes.append(Probe(f"ordinary {index}", drawn, ("student_hidden", "teacher_hidden", "projection")))
    return tuple(probes)


def hidden_table(seed: int | None = None) -> Table:
    """Expected values and gradients, and every variant's values."""
    probes, variants = hidden_probes(seed), hidden_variants()
    numbers, texts = fingerprints(probes, variants, _value, SCALES)
    for index, probe in enumerate(probes):
        given = _doubles(probe)
        leaves = [tensor.requires_grad_() for tensor in (given[0], given[2])]
        value = with_projection(variants[0].compute)(*given)
        gradients = torch.autograd.grad(value, leaves)
        numbers[f"expected/{index}/value"] = value.detach().numpy()
        for name, gradient in zip(("student_hidden", "projection"), gradients, strict=True):
            numbers[f"expected/{index}/gradient/{name}"] = gradient.numpy()
    return Table("hidden_state_loss", probes, numbers, {"extremes": {}, "finite extremes": {}, **texts})


def _value(compute: Callable[..., Tensor], probe: Probe) -> np.ndarray:
    with torch.no_grad():
        return with_projection(compute)(*_doubles(probe)).numpy()


def _doubles(probe: Probe) -> list:
    tensors = [torch.from_numpy(v) if isinstance(v, np.ndarray) else v for v in probe.inputs.values()]
    return [t.double() if isinstance(t, Tensor) and t.is_floating_point() else t for t in tensors]
