"""The table of a function whose mistakes are choices: what is right on every probe, and what each variant gives.

Probes named "ordinary ..." tell the variants apart. The others are right or wrong as a whole: "extreme ..." ones have a
name for it (zeros, large logits, thousands of classes). A variant whose numbers are NaN is known by its gradients and
by the numbers that are left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from grader.exercises.variants import PLAIN, Scale, Variant, fingerprints
from utils.checks.ask import ask
from utils.checks.made import make
from utils.checks.pack import Made
from utils.checks.records import Answer, Probe, Table

ORDINARY, EXTREME = "ordinary", "extreme"
AGAIN = (0, 1)  # the first probe is asked twice
SECONDS = 60.0
MOST_STRANGE = 2  # mistakes at once, of a variant that gives NaN


def stream_of(seed: int | None, fixed: int) -> np.random.Generator:
    """The random numbers of probes: of a grading's seed, or without one the shown check's."""
    return np.random.Generator(np.random.PCG64(fixed if seed is None else seed))


def table(
    name: str,
    probes: Sequence[Probe],
    variants: Sequence[Variant],
    texts: Mapping[str, object],
    scales: tuple[Scale, ...] = (PLAIN,),
    constants: bool = True,
) -> Table:
    """Expected values and gradients in double precision, and the fingerprints of the variants.

    probes: the first one is asked twice. texts: ``hints``, ``judge``, ``forms`` and what else the judge reads.
    """
    right = next(variant for variant in variants if not variant.names)
    numbers = {
        f"expected/{index}/{key}": array
        for index, answer in enumerate(ask(probes, right.compute, SECONDS, double=True))
        for key, array in answer.numbers.items()
        if key.startswith(("value", "gradient/"))
    }
    ordinary = tuple(probe for probe in probes if probe.name.startswith(ORDINARY))
    given = [[make(value, double=True) for value in probe.inputs.values()] for probe in ordinary[AGAIN[1] :]]
    values = {variant.compute: _values(variant.compute, given) for variant in variants}
    broken = {v.compute for v in variants if any(np.isnan(array).any() for array in values[v.compute])}
    whole = [variant for variant in variants if variant.compute not in broken]
    strange = [variant for variant in variants if variant.compute in broken and len(variant.names) <= MOST_STRANGE]
    places = {probe.name: index for index, probe in enumerate(ordinary)}
    more, found = fingerprints(ordinary, whole, lambda f, probe: values[f][places[probe.name]], scales, constants)
    kept, groups = _strange([probe for probe in probes if not probe.name.startswith(EXTREME)], strange)
    texts = {
        "extremes": {},
        "finite extremes": {},
        "again": list(AGAIN),
        "errors": [],
        **found,
        "broken": groups,
        **texts,
    }
    return Table(name, tuple(probes), numbers | more | kept, texts)


@torch.no_grad()
def _values(compute: Callable, given: Sequence[Sequence[object]]) -> list[np.ndarray]:
    """What it answers, and the first answer once more: the first probe is asked twice."""
    found = [compute(*arguments) for arguments in given]
    arrays = [x.numpy() if isinstance(x, torch.Tensor) else np.array(x, dtype=np.float64) for x in found]
    return [arrays[0], *arrays]


def _strange(
    probes: Sequence[Probe], variants: Sequence[Variant]
) -> tuple[dict[str, np.ndarray], list[dict[str, object]]]:
    """What variants that give NaN answer, where something finite is left to know them by.

    Every value is kept, and to save space the first probe's gradients alone.
    """
    groups: dict[tuple, list[tuple[Variant, list[dict[str, np.ndarray]]]]] = {}
    for variant in variants:
        answers = ask(probes, variant.compute, SECONDS, double=True)
        kept = [{"value": answer.numbers["value"]} for answer in answers]
        kept[0] |= _gradients(probes[0], answers[0])
        if any(np.isfinite(array).any() for numbers in kept for array in numbers.values()):
            groups.setdefault(tuple(numbers["value"].shape for numbers in kept), []).append((variant, kept))
    numbers, texts = {}, []
    for place, (shapes, members) in enumerate(groups.items()):
        entries = [[list(variant.names), variant.cost] for variant, _ in members]
        texts.append({"shapes": [list(shape) for shape in shapes], "entries": entries})
        for index in range(len(probes)):
            for key in members[0][1][index]:
                rows = np.stack([kept[index][key].reshape(-1) for _, kept in members])
                numbers[f"broken/{place}/{index}/{key}"] = rows.astype(np.float32)
    return numbers, texts


def _gradients(probe: Probe, answer: Answer) -> dict[str, np.ndarray]:
    """Every gradient that the probe asks, zeros where none arrives."""
    asked = {f"gradient/{name}": np.zeros(_shape(probe.inputs[name])) for name in probe.gradients}
    return {key: answer.numbers.get(key, none) for key, none in asked.items()}


def _shape(value: object) -> tuple[int, ...]:
    return np.shape(value.settings["weight"] if isinstance(value, Made) else value)
