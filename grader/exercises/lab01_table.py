"""The probes of Lab 1's three small functions, and how their variants become a table.

The mistake this prevents is a mistake that is known on one axis, or at one scale, and not on the next.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from grader.exercises.toy_probes import stream_of
from grader.exercises.variants import Scale, Variant, fingerprints
from utils.checks.records import Probe, Table

UNSTABLE = "unstable at large logits: exp or log leaves the range"
ZERO = "0 log 0 is not 0: a zero probability gives NaN"
CUT_OFF = "unstable at large logits: a clamp or an epsilon cuts something off"
COUNTED_ZERO = "0 log 0 is not 0: a zero probability adds something"
SHAPES = ((3, 5), (3, 5), (4,), (2, 3, 6), (1, 5))  # the last one tells who squeezes


def soft_target_probes(seed: int | None) -> tuple[Probe, ...]:
    stream = stream_of(seed, 11)
    drawn = [np.float32(stream.normal(0, 2, shape)) for shape in SHAPES[1:]]
    large = np.clip(stream.normal(0, 400, (3, 5)), -1000, 1000)
    large[1] = np.maximum(large[1] - large[1].max() - 900, -1000)  # far below the others: a row has its own maximum
    logits = [drawn[0], *drawn, drawn[1], np.float32(large)]
    heats = [3.0, 3.0, 2.0, 5.0, 2.5, 0.5, 1.5]
    return _probes([{"logits": x, "temperature": T} for x, T in zip(logits, heats, strict=True)], ("large",))


def entropy_probes(seed: int | None) -> tuple[Probe, ...]:
    stream = stream_of(seed, 12)
    drawn = [stream.dirichlet(np.ones(shape[-1]), shape[:-1]).astype(np.float32) for shape in SHAPES[1:]]
    sure = np.eye(4, dtype=np.float32)[[2, 0]]
    sure[1] = [0.5, 0.0, 0.5, 0.0]
    return _probes([{"probabilities": p} for p in (drawn[0], *drawn, sure)], ("zeros",))


def kl_probes(seed: int | None) -> tuple[Probe, ...]:
    stream = stream_of(seed, 13)
    pairs = [tuple(np.float32(stream.normal(0, 2, (2, *shape)))) for shape in SHAPES[1:]]
    pairs = [pairs[0], *pairs, tuple(np.float32(np.clip(stream.normal(0, 400, (2, 3, 5)), -1000, 1000)))]
    return _probes([{"p_logits": p, "q_logits": q} for p, q in pairs], ("large",))


def _probes(inputs: list[dict], extremes: tuple[str, ...]) -> tuple[Probe, ...]:
    names = [f"ordinary {index}" for index in range(len(inputs) - len(extremes))]
    names += [f"extreme {name}" for name in extremes]
    return tuple(Probe(name, given) for name, given in zip(names, inputs, strict=True))


def table(name: str, probes: tuple[Probe, ...], variants: list[Variant], scales: tuple[Scale, ...]) -> Table:
    """The expected numbers and those of every variant, computed in float64."""
    right = next(variant for variant in variants if not variant.names)
    expected = {f"expected/{index}/value": _run(right.compute, probe) for index, probe in enumerate(probes)}
    numbers, texts = fingerprints(probes, variants, _run, scales)
    extremes = {"extreme large": UNSTABLE, "extreme zeros": ZERO}
    finite = {"extreme large": CUT_OFF, "extreme zeros": COUNTED_ZERO}
    return Table(name, probes, expected | numbers, {"extremes": extremes, "finite extremes": finite, **texts})


def _run(compute: Callable[..., Tensor], probe: Probe) -> np.ndarray:
    given = [
        torch.from_numpy(value).double() if isinstance(value, np.ndarray) else value for value in probe.inputs.values()
    ]
    return compute(*given).numpy()
