"""The verdict on a ``perplexity``: what the model was asked, and which way of averaging gives this number."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from utils.checks.hints import question
from utils.checks.judgement import after_error, apart
from utils.checks.plays import aftermath
from utils.checks.records import Answer, Table
from utils.checks.verdict import Verdict, not_yet

__all__ = ["after_error", "is_right", "judge_answers"]

FIT = 2e-4
EXACT = 5e-5  # of nats: two ways of averaging may lie near each other
TRAINING = "the model is left in train mode: dropout is on"
NO_MASK = "attention_mask is not passed to the model"
OTHER_MASK = "another mask than attention_mask is passed to the model"
GRADIENTS = "gradients are computed while evaluating (no torch.no_grad)"
MOVED = "the model's weights are changed while evaluating"
TENSOR = "a tensor is returned instead of a Python float"
TOKENS = "the model is not asked on every batch's input_ids"

# What was done with the nats instead of exp; the nats of such a value; how far-fetched it is.
ENDS: tuple[tuple[str, Callable[[np.ndarray], np.ndarray], float], ...] = (
    ("", np.log, 0.0),
    ("exp missing: the mean loss is no perplexity", lambda x: x, 1.0),
    ("2 to the power of nats: base 2 against base e", np.log2, 1.0),
    ("nats turned into bits, but still raised to e", lambda x: np.log(x) * np.log(2), 1.2),
    ("10 to the power of nats: base 10 against base e", np.log10, 1.3),
    ("exp of minus the mean: sign flipped", lambda x: -np.log(x), 1.2),
    ("bits per token instead of a perplexity", lambda x: x * np.log(2), 1.2),
    ("exp taken twice", lambda x: np.log(np.log(x)), 1.4),
)


def judge_answers(table: Table, answers: Sequence[Answer]) -> Verdict:
    """passed, or what is wrong, most certain first."""
    found = np.array([_value(answer) for answer in answers])
    expected = table.numbers["expected/value"]
    names = _seen(answers)
    if not _near(found, expected):
        names += _averaging(table, answers, found) or _rounded(found, expected)
    if not names and _near(found, expected):
        return Verdict(True, "Right: every perplexity agrees with exp(sum of nats / number of scored tokens).")
    place = max(range(len(found)), key=lambda index: apart(found[index], expected[index]))
    shown = f"Your perplexity is {found[place]:.5g} on our toy model; it is {expected[place]:.5g}."
    if _near(found, expected):
        shown = f"The number itself, {expected[place]:.5g} on our toy model, is right."
    if not names:
        factor = f"That is {found[place] / expected[place]:.4g} times as much."
        return not_yet([], shown, factor, "Write down for one batch the sum of nats and the number of tokens.")
    return not_yet(names[:3], shown, question(table, names))


def is_right(table: Table, index: int, answer: Answer) -> bool:
    """Nothing to complain of in this probe: type, mode, mask, gradients, and the number."""
    expected = table.numbers["expected/value"][index]
    return bool(_near(np.array([_value(answer)]), np.array([expected]))) and not _seen([answer])


def _value(answer: Answer) -> float:
    value = answer.numbers.get("value") if answer.outcome in ("float", "tensor") else None
    return float(value.sum()) if value is not None else float("nan")


def _near(found: np.ndarray, expected: np.ndarray) -> bool:
    return bool(np.all(np.abs(found - expected) <= FIT * np.abs(expected)))


def _rounded(found: np.ndarray, expected: np.ndarray) -> list[str]:
    whole = np.isfinite(found).all() and np.all(found == np.round(found)) and np.all(np.abs(found - expected) <= 1)
    return ["rounded to a whole number"] if whole else []


def _seen(answers: Sequence[Answer]) -> list[str]:
    names = []
    if answers[0].outcome == "tensor":
        names.append(TENSOR)
    elif answers[0].outcome != "float":
        names.append(f"a {answers[0].note} is returned instead of a Python float")
    calls = np.concatenate([answer.numbers.get("trace/calls", np.zeros((0, 4))) for answer in answers])
    if not len(calls):
        return [*names, TOKENS]
    training, grad, mask, _ = calls.T
    names += [TRAINING] * bool(training.any())
    names += [NO_MASK] * bool((mask == -1).any()) + [OTHER_MASK] * bool((mask == 0).any())
    names += [GRADIENTS] * bool(grad.any())
    names += aftermath.names(answers)
    names += [MOVED] * any(answer.numbers["trace/moved"].any() for answer in answers if "trace/moved" in answer.numbers)
    return names


def _averaging(table: Table, answers: Sequence[Answer], found: np.ndarray) -> list[str]:
    """The cheapest way of averaging that gives these numbers under the mode and mask that were seen."""
    calls = np.concatenate([answer.numbers.get("trace/calls", np.zeros((0, 4))) for answer in answers])
    if not len(calls) or not np.isfinite(found).all():
        return []
    setting = table.texts["settings"].index(bool(calls[0, 2] != -1))
    variants = table.numbers["variants"][setting]
    found_here: list[tuple[float, list[str]]] = []
    for end, nats_of, cost in ENDS:
        with np.errstate(invalid="ignore", divide="ignore"):
            nats = nats_of(found)
            near = np.abs(variants - nats) <= EXACT * np.maximum(np.abs(nats), 1)
        for index in np.flatnonzero(near.all(axis=1)) if np.isfinite(nats).all() else ():
            names, more = table.texts["variants"][index]
            found_here.append((cost + more, [*names, *([end] if end else [])]))
    return list(dict.fromkeys(min(found_here, key=lambda entry: entry[0])[1])) if found_here else []
