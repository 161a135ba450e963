"""Small functions, right and wrong, as choices: how a list of variants becomes a table of fingerprints.

A variant is one way to compute the whole function. What only scales it (bits, a sign, a mean where a sum belongs) is a
factor of its own, found by ``utils.checks.arrays``. A product of choices also holds what two small errors give
together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from grader.exercise import Misconception
from utils.checks.judgement import HALF
from utils.checks.records import Probe

LIKELY = 1.1  # variants up to this cost, with one mistake each, are the catalogue


@dataclass(frozen=True)
class Variant:
    """names: what is wrong, none where it is right. compute: called like a learner's. cost: how far-fetched."""

    names: tuple[str, ...]
    compute: Callable[..., Tensor]
    cost: float


@dataclass(frozen=True)
class Scale:
    """A factor that the right answer may be multiplied with: of (probe) -> number."""

    names: tuple[str, ...]
    factor: Callable[[Probe], float]
    cost: float


PLAIN = Scale((), lambda probe: 1.0, 0.0)


def likely(variants: Iterable[Variant], most: int = 2) -> list[Variant]:
    """Those with at most so many mistakes at once."""
    return [variant for variant in variants if len(variant.names) <= most]


def catalogue(variants: Iterable[Variant], *others: Misconception) -> tuple[Misconception, ...]:
    """The single mistakes among the variants, and others beside them."""
    single = [entry for entry in variants if len(entry.names) == 1 and entry.cost <= LIKELY]
    found = (Misconception(entry.names[0], f"A single choice: {entry.names[0]}.", entry.compute) for entry in single)
    return (*found, *others)


def hints(thoughts: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """A thought for each mistake, from {thought: the names of the mistakes that it is for}."""
    return {name: thought for thought, names in thoughts.items() for name in names}


def in_half_precision(right: Callable) -> tuple[Misconception, ...]:
    """A right function that computes in bfloat16, and one in float16."""
    return tuple(_in(dtype, right) for dtype in (torch.bfloat16, torch.float16))


def _in(dtype: torch.dtype, right: Callable) -> Misconception:
    def compute(*inputs: object) -> Tensor:
        return right(*(x.to(dtype) if isinstance(x, Tensor) and x.is_floating_point() else x for x in inputs))

    name = str(dtype).removeprefix("torch.")
    return Misconception(HALF.format(name), f"Everything is computed in {name}.", compute)


def fingerprints(
    probes: tuple[Probe, ...],
    variants: list[Variant],
    answer: Callable[[Callable, Probe], np.ndarray],
    scales: tuple[Scale, ...] = (PLAIN,),
    constants: bool = True,
) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """Numbers and texts of a table: what each variant answers to each probe, grouped by the answers' shapes.

    answer: (compute, probe) -> the variant's answer, in double precision. constants: may a named constant stand beside?
    """
    groups: dict[tuple, list[tuple[Variant, list[np.ndarray]]]] = {}
    for variant in variants:
        given = [answer(variant.compute, probe) for probe in probes]
        groups.setdefault(tuple(array.shape for array in given), []).append((variant, given))
    numbers: dict[str, np.ndarray] = {
        "scales": np.array([[scale.factor(probe) for probe in probes] for scale in scales])
    }
    texts = []
    for place, (shapes, members) in enumerate(groups.items()):
        entries = [[list(variant.names), variant.cost] for variant, _ in members]
        texts.append({"shapes": [list(shape) for shape in shapes], "entries": entries})
        for index in range(len(probes)):
            rows = np.stack([given[index].reshape(-1) for _, given in members])
            with np.errstate(over="ignore"):
                numbers[f"group/{place}/{index}"] = rows.astype(np.float32)
    named = [[list(scale.names), scale.cost] for scale in scales]
    return numbers, {"groups": texts, "scales": named, "constants": constants}
