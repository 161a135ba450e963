"""What is right, and the pieces that wrong and right ways to write expected_calibration_error share."""

from __future__ import annotations

import torch


def gaps(confidence, correct, place, bins):
    """How many predictions each bin holds, and how far its accuracy lies above its mean confidence; 0 where empty."""
    counts, sums = torch.zeros(bins, dtype=confidence.dtype), torch.zeros(bins, dtype=confidence.dtype)
    counts.index_add_(0, place, torch.ones_like(confidence))
    sums.index_add_(0, place, correct.to(confidence.dtype) - confidence)
    return counts, sums / counts.clamp(min=1)


def places(confidence, bins):
    return (confidence * bins).long().clamp(max=bins - 1)


def weighed(confidence, correct, place, bins):
    counts, gap = gaps(confidence, correct, place, bins)
    return ((counts * gap.abs()).sum() / counts.sum()).item()


def expected_calibration_error(confidence, correct, bins):
    return weighed(confidence, correct, places(confidence, bins), bins)
