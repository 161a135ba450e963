"""What Lab 5 asks of a written solution: its answer, its steps, its repetitions, its short form, its labels."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from utils.data.batches import IGNORE
from utils.labs.arithmetic import compute, equations

_MARK = re.compile(r"(?:^|;)Answer:[ \t]*(.*)", re.MULTILINE)
_WHOLE = re.compile(r"-?\d+")


def extract_answer(text: str) -> int | None:
    """The whole number behind the first ``Answer:`` that begins the text, a line, or a part after ``;``; else None."""
    mark = _MARK.search(text)
    number = mark and _WHOLE.match(mark.group(1))
    return int(number.group()) if number else None


def steps_are_consistent(trace: str) -> bool:
    """Is every equation true, does each begin with the result before it, and is the answer the last result?"""
    steps = equations(trace)
    chained = all(before[3] == after[0] for before, after in itertools.pairwise(steps))
    true = all(compute(left, sign, right) == result for left, sign, right, result in steps)
    return bool(steps) and chained and true and extract_answer(trace) == steps[-1][3]


def is_repetitive(trace: str, longest: int) -> bool:
    """Does a trace have more than `longest` steps, or the same step twice?"""
    steps = equations(trace)
    return len(steps) > longest or len(set(steps)) < len(steps)


def compact(trace: str) -> str:
    """The equations without words and spaces, and the answer, joined by semicolons; nothing is computed."""
    steps = [f"{left}{sign}{right}={result}" for left, sign, right, result in equations(trace)]
    mark = _MARK.search(trace)
    return ";".join([*steps, *([f"Answer: {mark.group(1).strip()}"] if mark else [])])


def trace_labels(
    prompt_ids: Sequence[int], trace_ids: Sequence[int], length: int, pad_id: int
) -> tuple[list[int], list[int]] | None:
    """Question, trace and padding as ids, and labels that count the trace alone; None where they do not fit."""
    padding = length - len(prompt_ids) - len(trace_ids)
    if padding < 0:
        return None
    ids = [*prompt_ids, *trace_ids, *[pad_id] * padding]
    return ids, [*[IGNORE] * len(prompt_ids), *trace_ids, *[IGNORE] * padding]
