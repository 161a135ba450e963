"""Right ways to write expected_calibration_error, in other styles."""

from __future__ import annotations

import itertools

import numpy as np
import torch

from grader.exercises.lab09.expected_calibration_error.wrong import catalogue

right = catalogue.right


@right
def by_masks(confidence, correct, bins):
    edges, total = torch.linspace(0, 1, bins + 1, dtype=torch.float64), 0.0
    for k in range(bins):
        last = k == bins - 1
        inside = (confidence >= edges[k]) & ((confidence <= edges[k + 1]) if last else (confidence < edges[k + 1]))
        if inside.any():
            gap = (correct[inside].double().mean() - confidence[inside].double().mean()).abs().item()
            total += gap * inside.double().mean().item()
    return total


@right
def open_below(confidence, correct, bins):
    total, edges = 0.0, torch.linspace(0, 1, bins + 1)
    for low, high in itertools.pairwise(edges):
        inside = confidence.gt(low) & confidence.le(high)
        if inside.sum() > 0:
            accuracy = correct[inside].float().mean()
            total += (accuracy - confidence[inside].mean()).abs() * inside.float().mean()
    return float(total)


@right
def by_numpy(confidence, correct, bins):
    confidence, correct = confidence.numpy(), correct.numpy().astype(float)
    place = np.minimum(np.digitize(confidence, np.linspace(0, 1, bins + 1)) - 1, bins - 1)
    sums = [np.bincount(place, weights=values, minlength=bins) for values in (confidence, correct)]
    return float(np.abs(sums[1] - sums[0]).sum() / len(confidence))


@right
def by_histogram(confidence, correct, bins):
    c, right_ones = confidence.double().numpy(), correct.double().numpy()
    promised, _ = np.histogram(c, bins=bins, range=(0, 1), weights=c)
    kept, _ = np.histogram(c, bins=bins, range=(0, 1), weights=right_ones)
    return np.abs(kept - promised).sum().item() / c.size


@right
def by_dict(confidence, correct, bins):
    held = {}
    for c, good in zip(confidence.tolist(), correct.tolist(), strict=True):
        held.setdefault(min(int(c * bins), bins - 1), []).append((c, float(good)))
    return sum(abs(sum(good - c for c, good in some)) for some in held.values()) / len(confidence)


@right
def by_bucketize(confidence, correct, bins):
    place = torch.bucketize(confidence, torch.arange(1, bins, dtype=confidence.dtype) / bins, right=True)
    one_hot = torch.nn.functional.one_hot(place, bins).to(confidence.dtype)
    return (one_hot.T @ (correct.to(confidence.dtype) - confidence)).abs().sum().div(len(confidence)).item()


@right
def by_scatter(confidence, correct, bins):
    place = torch.clamp(torch.floor(confidence * bins), max=bins - 1).to(torch.int64)
    sums = torch.zeros(3, bins, dtype=torch.float64)
    for row, values in enumerate((torch.ones_like(confidence), confidence, correct)):
        sums[row].scatter_add_(0, place, values.double())
    count, c, a = sums[:, sums[0] > 0]
    return float(torch.sum(count / count.sum() * torch.abs(a / count - c / count)))


@right
def by_pandas(confidence, correct, bins):
    import pandas as pd

    frame = pd.DataFrame({"confidence": confidence.numpy(), "correct": correct.numpy().astype(float)})
    frame["place"] = (frame["confidence"] * bins).astype(int).clip(upper=bins - 1)
    groups = frame.groupby("place")
    means = groups[["confidence", "correct"]].mean()
    return float(((means["correct"] - means["confidence"]).abs() * groups.size()).sum() / len(frame))


@right
def sorted_and_walked(confidence, correct, bins):
    order, total, place, gap = confidence.argsort().tolist(), 0.0, -1, 0.0
    for i in order:
        here = min(int(confidence[i] * bins), bins - 1)
        if here != place:
            total, gap, place = total + abs(gap), 0.0, here
        gap += float(correct[i]) - confidence[i].item()
    return (total + abs(gap)) / len(order)
