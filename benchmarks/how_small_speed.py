"""How long a student takes for a token, as a share of its teacher's time: both are timed in turns."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np
import torch
from transformers import DynamicCache, PreTrainedModel

from benchmarks.common import shared
from benchmarks.how_small_arms import Arm, Arms

TOKENS, ROUNDS = 48, 15


def relative_seconds(arms: Arms, students: Mapping[str, Arm]) -> list[dict]:
    """For each student its seconds for a token over the teacher's: the median, and the middle half of the rounds."""
    keys = {name: f"{arms.name}/seconds-{arm.key}" for name, arm in students.items()}
    done = shared({keys[name]: lambda arm=arm: _ratios(arms, arm) for name, arm in students.items()})
    return [{"student": name} | done[key] for name, key in keys.items()]


def _ratios(arms: Arms, arm: Arm) -> dict:
    student = arms.cut(arm).eval()
    rounds = [(_seconds(student), _seconds(arms.teacher)) for _ in range(ROUNDS + 1)][1:]
    low, middle, high = np.percentile([one / other for one, other in rounds], [25, 50, 75])
    return {"share of the teacher's": float(middle), "low": float(low), "high": float(high)}


@torch.inference_mode()
def _seconds(model: PreTrainedModel) -> float:
    cache, token = DynamicCache(config=model.config), torch.zeros(1, 1, dtype=torch.long)
    started = time.process_time()
    for _ in range(TOKENS):
        token = model(input_ids=token, past_key_values=cache).logits[:, -1:].argmax(-1)
    return time.process_time() - started
