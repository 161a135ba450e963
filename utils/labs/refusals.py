"""What Lab 9 asks of a written solution: does it decline to answer, and does its answer follow from its steps?"""

from __future__ import annotations

from utils.labs.arithmetic import NO_ANSWER, equations
from utils.labs.traces import extract_answer

HOLDS_NO_ANSWER = True


def refuses(text: str) -> bool:
    """Does the last line say that there is no answer?"""
    return text.rstrip().endswith(f"Answer: {NO_ANSWER}")


def is_faithful(text: str) -> bool | None:
    """Is the answer the result of the last step?  None where there is no step or no number as the answer."""
    steps, answer = equations(text), extract_answer(text)
    return None if not steps or answer is None else steps[-1][3] == answer
