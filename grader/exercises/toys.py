"""On which toy models and batches ``train_step`` and ``perplexity`` are tried.

Rows are padded left and right; the padding's id is a real token elsewhere; some attended tokens are ignored (a prompt);
batches differ in their number of valid labels. So every way of counting tokens gives another number.
"""

from __future__ import annotations

import numpy as np

from utils.checks.plays.toys import VOCABULARY
from utils.checks.records import Probe

PAD = 0
# One word a row: 'p' padding, 'i' attended but ignored, '.' valid.
LAYOUTS = (("pp....", "ii..pp"), ("......pp", "ppi.....", ".....ppp"), ("pi...",), ("i......p", "ppppi.i."))


def _seed(stream: np.random.Generator, which: str) -> dict[str, int]:
    """The seed from which a model's weights are drawn."""
    return {f"{which}/seed": int(stream.integers(0, 2**31))}


def _batch(stream: np.random.Generator, rows: tuple[str, ...]) -> dict[str, np.ndarray]:
    marks = np.array([list(row) for row in rows])
    tokens = stream.integers(0, VOCABULARY, marks.shape)
    tokens[:, -1] = np.where(marks[:, -1] == ".", PAD, tokens[:, -1])  # the padding's id as a real token
    tokens = np.where(marks == "p", PAD, tokens)
    labels = np.where(marks == ".", tokens, -100)
    return {"input_ids": tokens, "attention_mask": (marks != "p").astype(np.int64), "labels": labels}


def _toys(stream: np.random.Generator, layouts: tuple[tuple[str, ...], ...]) -> dict[str, np.ndarray | int]:
    toys: dict[str, np.ndarray | int] = {"batches": len(layouts)}
    for index, rows in enumerate(layouts):
        toys |= {f"batch/{index}/{name}": array for name, array in _batch(stream, rows).items()}
    return toys


def stream_of(seed: int | None, fixed: int) -> np.random.Generator:
    """The random numbers of probes: of a grading's seed, or without one the shown check's."""
    return np.random.Generator(np.random.PCG64(fixed if seed is None else seed))


def step_probes(seed: int | None) -> tuple[Probe, ...]:
    """Two runs of two steps each."""
    stream = stream_of(seed, 71)
    runs = (("first", LAYOUTS[:2]), ("second", (LAYOUTS[3], LAYOUTS[1])))
    return tuple(_probe(stream, name, layouts, "train_step", ("student", "teacher")) for name, layouts in runs)


def perplexity_probes(stream: np.random.Generator) -> tuple[Probe, ...]:
    """Several batches of different sizes, then others, then a single one."""
    chosen = (("several", LAYOUTS), ("others", (LAYOUTS[3], LAYOUTS[2], LAYOUTS[1])), ("one", LAYOUTS[:1]))
    return tuple(_probe(stream, name, layouts, "perplexity", ("model",)) for name, layouts in chosen)


def _probe(
    stream: np.random.Generator, name: str, layouts: tuple[tuple[str, ...], ...], play: str, models: tuple[str, ...]
) -> Probe:
    toys = _toys(stream, layouts)
    for which in models:
        toys |= _seed(stream, which)
    return Probe(name, {}, toys=toys, play=play)
