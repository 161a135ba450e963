"""Wrong ways to write expected_calibration_error."""

from __future__ import annotations

import torch

from grader.exercises.lab09.expected_calibration_error.rule import expected_calibration_error, gaps, places, weighed
from grader.exercises.ordinary import Catalogue

catalogue = Catalogue()
wrong = catalogue.wrong


HOW = "Bins are equally wide here, from 0 to 1. Where does the second of 4 bins begin?"


@wrong("bins of equally many predictions instead of equal width", "Sorts, and cuts into equal parts.", HOW)
def equal_count(confidence, correct, bins):
    order = confidence.argsort()
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order)) * bins // len(order)
    return weighed(confidence, correct, place, bins)


@wrong("bins reach from the least to the largest confidence instead of 0 to 1", "Cuts the range that is there.", HOW)
def over_the_range(confidence, correct, bins):
    low, high = confidence.min(), confidence.max()
    return weighed(confidence, correct, places((confidence - low) / (high - low), bins), bins)


@wrong("one bin too few", "linspace(0, 1, bins) has bins - 1 spaces.", "How many edges do 4 bins have?")
def one_too_few(confidence, correct, bins):
    fewer = max(1, bins - 1)
    return weighed(confidence, correct, places(confidence, fewer), fewer)


@wrong("always ten bins", "bins is not used.", "What is the argument bins for?")
def always_ten(confidence, correct, bins):
    return weighed(confidence, correct, places(confidence, 10), 10)


@wrong(
    "gaps keep their sign, so that bins cancel each other",
    "Takes no absolute value bin by bin.",
    "A model is too sure in one bin and too timid in another. May both be forgiven?",
)
def signed(confidence, correct, bins):
    counts, gap = gaps(confidence, correct, places(confidence, bins), bins)
    return ((counts * gap).sum() / counts.sum()).item()


@wrong(
    "accuracy and confidence are compared over all predictions at once",
    "There are no bins: |accuracy - mean confidence|.",
    "A model says 0.7 always, but is right 9 times of 10 on one half and 5 of 10 on the other. What do bins show?",
)
def without_bins(confidence, correct, bins):
    return (correct.to(confidence.dtype).mean() - confidence.mean()).abs().item()


@wrong(
    "empty bins count as bins without an error",
    "Averages over all bins, each weighing the same.",
    "Does a model become better calibrated if you cut its confidences into more bins?",
)
def mean_over_all(confidence, correct, bins):
    return gaps(confidence, correct, places(confidence, bins), bins)[1].abs().mean().item()


@wrong(
    "a bin with one prediction weighs as much as one with a hundred",
    "Averages over the bins that hold something.",
    "How much should a bin of one prediction weigh?",
)
def mean_over_filled(confidence, correct, bins):
    counts, gap = gaps(confidence, correct, places(confidence, bins), bins)
    return gap[counts > 0].abs().mean().item()


@wrong("the largest gap instead of the expected one", "Takes the maximum.", "What is the E of ECE?")
def maximum(confidence, correct, bins):
    return gaps(confidence, correct, places(confidence, bins), bins)[1].abs().max().item()


@wrong("gaps are squared", "Takes the root of the mean square.", "Is the gap or its square averaged?")
def squared(confidence, correct, bins):
    counts, gap = gaps(confidence, correct, places(confidence, bins), bins)
    return ((counts * gap**2).sum() / counts.sum()).sqrt().item()


@wrong(
    "empty bins give NaN",
    "Divides by their number of predictions, which is 0.",
    "What is the accuracy of a bin that holds nothing?",
)
def not_a_number(confidence, correct, bins):
    counts, gap = gaps(confidence, correct, places(confidence, bins), bins)
    return ((counts * gap.abs()).sum() / counts.sum() + (0 * counts / counts).sum()).item()


@wrong(
    "the confidence of the label instead of the prediction",
    "Takes 1 - confidence where the prediction was wrong.",
    "Which probability does a model promise to be right with: that of what it says, or of what was right?",
)
def of_the_label(confidence, correct, bins):
    confidence = torch.where(correct.bool(), confidence, 1 - confidence)
    return weighed(confidence, correct, places(confidence, bins), bins)


@wrong(
    "a confidence of 1.0 falls out of the last bin",
    "The last bin ends before its edge.",
    "Which bin holds a prediction with confidence 1.0?",
)
def without_the_edge(confidence, correct, bins):
    place = (confidence * bins).long()
    inside = place < bins
    counts, gap = gaps(confidence[inside], correct[inside], place[inside], bins)
    return ((counts * gap.abs()).sum() / len(confidence)).item()


@wrong(
    "a confidence of 1.0 has a bin of its own",
    "The bins are one more than asked for.",
    "How many bins are there if 1.0 goes behind the last one?",
)
def edge_apart(confidence, correct, bins):
    return weighed(confidence, correct, (confidence * bins).long(), bins + 1)


@wrong(
    "a confidence of 1.0 is an exception",
    "Its bin is one behind the last.",
    "Which bin holds a prediction with confidence 1.0?",
)
def edge_fails(confidence, correct, bins):
    return weighed(confidence, correct, (confidence * bins).long(), bins)


@wrong(
    "a bin's middle instead of its mean confidence",
    "Compares accuracy with (k + 1/2) / bins.",
    "Are confidences in a bin spread evenly?",
)
def middles(confidence, correct, bins):
    place = places(confidence, bins)
    return weighed((place + 0.5).to(confidence.dtype) / bins, correct, place, bins)


@wrong(
    "a bin's upper edge instead of its mean confidence",
    "Compares accuracy with (k + 1) / bins.",
    "How sure were the predictions in a bin, on average?",
)
def edges(confidence, correct, bins):
    place = places(confidence, bins)
    return weighed((place + 1).to(confidence.dtype) / bins, correct, place, bins)


@wrong(
    "the Brier score: each prediction's squared error",
    "Averages (confidence - correct)^2.",
    "A model that says 0.7 and is right 7 times of 10 is calibrated. What does your formula give?",
)
def brier(confidence, correct, bins):
    return ((correct.to(confidence.dtype) - confidence) ** 2).mean().item()


@wrong(
    "each prediction is its own bin",
    "Averages |confidence - correct|.",
    "A model that says 0.7 and is right 7 times of 10 is calibrated. What does your formula give?",
)
def each_alone(confidence, correct, bins):
    return (correct.to(confidence.dtype) - confidence).abs().mean().item()


@wrong("the gaps' sum is not divided", "Forgets the number of predictions.", "Can the error be above 1?")
def not_divided(confidence, correct, bins):
    return expected_calibration_error(confidence, correct, bins) * len(confidence)


@wrong("percent instead of a share", "Multiplies by 100.", "Can the error be above 1?")
def percent(confidence, correct, bins):
    return expected_calibration_error(confidence, correct, bins) * 100


@wrong(
    "weighed by the right predictions instead of by all",
    "A bin's weight is how often the model was right there.",
    "Which bins would then weigh nothing?",
)
def by_right_ones(confidence, correct, bins):
    place = places(confidence, bins)
    weights = torch.zeros(bins, dtype=confidence.dtype).index_add_(0, place, correct.to(confidence.dtype))
    return ((weights * gaps(confidence, correct, place, bins)[1].abs()).sum() / weights.sum()).item()


NEAREST = "There are 4 bins. In which one is a confidence of 0.2, and what does round(4 * 0.2) give?"


@wrong(
    "bins are shifted by half their width", "Rounds to the nearest edge instead of down; the last is one more.", NEAREST
)
def rounded(confidence, correct, bins):
    return weighed(confidence, correct, (confidence * bins).round().long(), bins + 1)


@wrong("bins are shifted by half their width", "Rounds to the nearest edge instead of down.", NEAREST)
def rounded_and_clamped(confidence, correct, bins):
    return weighed(confidence, correct, (confidence * bins).round().long().clamp(max=bins - 1), bins)
