"""How long a student takes for a token, as a share of its teacher's time: both are timed in turns."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np

from benchmarks.common import shared
from benchmarks.how_small_arms import Arm, Arms
from utils.labs.how_small import step_seconds

TOKENS, ROUNDS = 48, 15


def relative_seconds(arms: Arms, students: Mapping[str, Arm]) -> list[dict]:
    """For each student its seconds for a token over the teacher's: the median, and the middle half of the rounds."""
    keys = {name: f"{arms.name}/seconds-{arm.key}" for name, arm in students.items()}
    done = shared({keys[name]: lambda arm=arm: _ratios(arms, arm) for name, arm in students.items()})
    return [{"student": name} | done[key] for name, key in keys.items()]


def _ratios(arms: Arms, arm: Arm) -> dict:
    student = arms.cut(arm).eval()
    rounds = [
        tuple(step_seconds(model, TOKENS, time.process_time) for model in (student, arms.teacher))
        for _ in range(ROUNDS + 1)
    ][1:]
    low, middle, high = np.percentile([one / other for one, other in rounds], [25, 50, 75])
    return {"share of the teacher's": float(middle), "low": float(low), "high": float(high)}
