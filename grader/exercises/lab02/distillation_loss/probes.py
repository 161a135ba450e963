"""The inputs on which a ``distillation_loss`` is tried.

The three frames differ in batch size, row length, vocabulary, number of valid labels and temperature, so that every
denominator and every power of T shows. Rows are padded left, right and in the middle. Id 0 and the last id (GPT-2's
end-of-text) are valid labels too. No vocabulary is as large as a row is long: a loss that mistakes one axis for the
other must not run through by chance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from grader.exercises.toys import stream_of
from utils.checks.records import Probe
from utils.data.batches import IGNORE

ALPHAS = {"hard": 0.0, "soft": 1.0, "blend": 0.3}
PARAMETERS = ("student_logits", "teacher_logits", "labels", "temperature", "alpha")
LOGITS = PARAMETERS[:2]


@dataclass(frozen=True)
class Frame:
    """Sizes and temperature of one probe. rows: which labels are ignored, '.' for a valid label and 'x' for -100."""

    name: str
    vocabulary: int
    temperature: float
    rows: tuple[str, ...]


FRAMES = (
    Frame("wide", 7, 3.0, ("x.....", ".x..x.")),
    Frame("tall", 7, 2.0, ("...xx", "x....", "..x..")),
    Frame("single", 9, 1.5, ("xx..x...",)),
)
EXTRAS = (
    Frame("unmasked", 6, 2.5, ("....", "....")),
    Frame("empty row", 5, 2.0, ("xxxx", "x...", "..xx")),
    Frame("one label", 4, 1.0, (".x.",)),
)


def _telling(labels: np.ndarray, valid: np.ndarray, vocabulary: int) -> bool:
    """Neighbours differ, so that a label one place off always shows; 0 and the last id are among those that count."""
    counted = labels[:, 1:][valid[:, 1:]]
    ids = counted.size < 4 or (0 in counted and vocabulary - 1 in counted)
    return ids and not np.any(labels[:, 1:] == labels[:, :-1])


def _draw(frame: Frame, stream: np.random.Generator, scale: float = 2.0) -> dict[str, np.ndarray]:
    valid = np.array([[mark == "." for mark in row] for row in frame.rows])
    shape = (*valid.shape, frame.vocabulary)
    student, teacher = (np.float32(stream.normal(0.0, scale, shape)) for _ in LOGITS)
    labels = stream.integers(0, frame.vocabulary, valid.shape)
    while not _telling(labels, valid, frame.vocabulary):
        labels = stream.integers(0, frame.vocabulary, valid.shape)
    return {"student_logits": student, "teacher_logits": teacher, "labels": np.where(valid, labels, IGNORE)}


def _probe(name: str, tensors: dict[str, np.ndarray], *rest: float) -> Probe:
    settings = dict(zip(PARAMETERS[3:], rest, strict=False))
    return Probe(name, {**tensors, **settings}, LOGITS)


def _with_a_rival(logits: np.ndarray, rival: np.ndarray, every: int = 1) -> np.ndarray:
    """The same logits, with one token 1 below each position's best: ``rival`` (B, S), or the second best between."""
    chosen = np.where(np.arange(logits.shape[1]) % every, logits.argsort(-1)[..., -2], rival)
    found = logits.copy()
    np.put_along_axis(found, chosen[..., None], logits.max(-1, keepdims=True) - 1, axis=-1)
    return found


def _sure_of_others(logits: np.ndarray, others: int) -> np.ndarray:
    """The same logits, in which the last ids (``others`` of them, no label among them) lead by 400 at least.

    One position is nearly the same in all rows, and one more is like it: a softmax over another axis is not sure there.
    """
    best = logits[..., -others:].max(-1, keepdims=True)
    found = np.concatenate([np.minimum(logits[..., :-others], best - 400), logits[..., -others:]], axis=-1)
    found[:, 1] = found[0, 1] + np.arange(len(found))[:, None]
    found[:, 3] = found[:, 1] + 1
    return np.float32(found)


def _huge(frame: Frame, stream: np.random.Generator, others: int = 8) -> list[Probe]:
    """Large logits that strain one part each, because 0 times infinity would spoil the other.

    At a very high temperature the soft part is tame; where the student's favourite is the label, the hard part is.
    No softmax is sure of one token alone, and at every second position the student gives what it is scored on a chance.
    So whichever position a loss looks at, and in whichever way, it has a gradient that can be compared.
    """
    labels = _draw(frame, stream)["labels"]
    drawn = _draw(replace(frame, vocabulary=frame.vocabulary + others), stream, 400.0)
    student, teacher = (np.clip(drawn[name], -1000, 1000) for name in LOGITS)
    following, favourite = np.roll(labels, -1, axis=1).clip(min=0), student.argmax(-1)
    hard = _with_a_rival(_sure_of_others(student, others), following, every=2), teacher
    soft = _with_a_rival(student, teacher.argmax(-1), every=2), _with_a_rival(teacher, favourite)
    favoured = np.where(labels == IGNORE, IGNORE, np.roll(favourite, 1, axis=1))
    return [
        _probe("huge/hard", {**dict(zip(LOGITS, hard, strict=True)), "labels": labels}, 500.0, ALPHAS["hard"]),
        _probe("huge/soft", {**dict(zip(LOGITS, soft, strict=True)), "labels": favoured}, 2.0, ALPHAS["soft"]),
    ]


def probes(seed: int | None) -> tuple[Probe, ...]:
    """The calls, in order. seed None: the fixed ones; else fresh numbers, temperatures and ignored places."""
    stream = stream_of(seed, 20240)
    frames, extras = FRAMES, EXTRAS
    if seed is not None:
        frames, extras = (tuple(_varied(frame, stream) for frame in group) for group in (FRAMES, EXTRAS))
    drawn = {frame.name: _draw(frame, stream) for frame in (*frames, *extras)}
    calls = [
        _probe(f"{frame.name}/{part}", drawn[frame.name], frame.temperature, alpha)
        for frame in frames
        for part, alpha in ALPHAS.items()
    ]
    first, second = drawn[frames[0].name], drawn[frames[1].name]
    again = _probe("again", first, frames[0].temperature, ALPHAS["blend"])
    at_one = [_probe(f"{frame.name}/at one", drawn[frame.name], 1.0, ALPHAS["soft"]) for frame in frames]
    ends = [_probe(f"{frame.name}/{end:g}", drawn[frame.name], 1.0, end) for frame in extras for end in (0.0, 1.0)]
    explicit = _probe("explicit", second, 3.0, 0.5)
    defaults = _probe("default/alpha", second, 3.0), _probe("default/both", second)
    return (*calls, again, *at_one, *ends, *_huge(frames[0], stream), explicit, *defaults)


def _varied(frame: Frame, stream: np.random.Generator) -> Frame:
    """The frame with rows in another order, a slightly larger vocabulary and another temperature."""
    rows = tuple(frame.rows[index] for index in stream.permutation(len(frame.rows)))
    temperature = frame.temperature + round(float(stream.uniform(0.05, 0.45)), 2)
    return Frame(frame.name, frame.vocabulary + int(stream.integers(0, 3)), temperature, rows)
