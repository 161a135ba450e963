"""Does a model know how often it is right?  Confidence against accuracy, token by token.

Two students with the same perplexity can be overconfident or too timid.  Tokens are put into bins by the probability of
the likeliest token; a calibrated model is right as often as it says.  Sums and counts are divided once, so padding and
batch sizes change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from utils.data.batches import Row, model_inputs, pad, to_device
from utils.errors import CourseError
from utils.losses.core import shifted
from utils.models.forward import in_eval_mode
from utils.models.loading import require_context

BINS = 15


@dataclass(frozen=True)
class Calibration:
    """Per bin of confidence: tokens, the sum of their confidences, and how many were predicted right."""

    tokens: tuple[int, ...]
    confidence: tuple[float, ...]
    right: tuple[int, ...]

    @property
    def error(self) -> float:
        """The expected calibration error: |accuracy - confidence|, averaged over tokens (Guo et al., 2017)."""
        return sum(abs(r - c) for c, r in zip(self.confidence, self.right, strict=True)) / sum(self.tokens)

    @property
    def overconfidence(self) -> float:
        """Mean confidence minus accuracy: above 0 where the model promises too much."""
        return (sum(self.confidence) - sum(self.right)) / sum(self.tokens)

    def curve(self) -> list[tuple[float, float, int]]:
        """(mean confidence, accuracy, tokens) of every bin that holds a token."""
        bins = zip(self.tokens, self.confidence, self.right, strict=True)
        return [(c / n, r / n, n) for n, c, r in bins if n]


def expected_calibration_error(confidence: Tensor, correct: Tensor, bins: int = BINS) -> float:
    """|accuracy - mean confidence| of every bin, weighed by its predictions.  confidence, correct: (N,).

    The bins are equally wide: bin k holds k / bins <= confidence < (k + 1) / bins, the last one 1.0 as well.
    Raises CourseError where there is no prediction, or a confidence outside 0 to 1.
    """
    if not len(confidence):
        raise CourseError("There is no prediction, so there is no calibration. Give at least one.")
    outside = confidence[~((confidence >= 0) & (confidence <= 1))]
    if len(outside):
        raise CourseError(f"A confidence is {outside[0].item():g}. Pass probabilities, from 0 to 1.")
    counts, confidences, right = binned(confidence, correct, bins).T
    return float((right - confidences).abs().sum() / counts.sum())


def binned(confidence: Tensor, correct: Tensor, bins: int) -> Tensor:
    """Predictions, the sum of their confidences and those that are right, by bin: (bins, 3) in double precision."""
    place = (confidence * bins).long().clamp(max=bins - 1).cpu()
    confidence, correct = confidence.cpu().double(), correct.cpu().double()  # Apple's GPUs know no float64
    columns = torch.stack([torch.ones_like(confidence), confidence, correct], dim=1)
    return torch.zeros(bins, 3, dtype=torch.float64).index_add_(0, place, columns)


@torch.no_grad()
def calibration(model: nn.Module, rows: Sequence[Row], pad_token_id: int, batch_size: int = 16) -> Calibration:
    """The calibration of a model's likeliest token on the rows, at T = 1.  The model is left as it was.

    Raises CourseError where there is no token to predict, for rows longer than the model's context and NaN logits.
    """
    require_context(model, rows)
    device = next(model.parameters()).device
    sums = torch.zeros(BINS, 3, dtype=torch.float64)
    by_length = sorted(rows, key=lambda row: len(row.input_ids))
    with in_eval_mode(model):
        for start in range(0, len(by_length), batch_size):
            batch = to_device(pad(by_length[start : start + batch_size], pad_token_id), device)
            logits, targets = shifted(model(**model_inputs(batch)).logits, batch["labels"])
            confidence, likeliest = torch.softmax(logits.float(), dim=-1).max(dim=-1)
            if torch.isnan(confidence).any():
                raise CourseError("The model's logits hold NaN, so it has no confidence. Look at its weights.")
            sums += binned(confidence, likeliest == targets, BINS)
    if not sums.sum():
        raise CourseError("The rows hold no token to predict. Give rows of at least two tokens.")
    tokens, confidences, right = sums.T.tolist()
    return Calibration(tuple(map(int, tokens)), tuple(confidences), tuple(map(int, right)))
