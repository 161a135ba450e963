"""How much like its teacher is a student?  Two measures of fidelity, position by position (Stanton et al., 2021).

A student can be as good as its teacher and still say other things.  Perplexity does not see that; agreement does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from utils.data.batches import IGNORE, Row, model_inputs, pad, to_device
from utils.errors import CourseError
from utils.losses.core import kl_divergence, require_matching
from utils.measuring.calibration import BINS, binned
from utils.models.forward import in_eval_mode
from utils.models.loading import require_context


def agreement(student_logits: Tensor, teacher_logits: Tensor, mask: Tensor) -> tuple[float, float]:
    """How often both choose the same token, and the mean KL(teacher || student) in nats.

    logits: (B, S, V); mask: (B, S), 1 where a position counts.  Raises CourseError where none does.
    """
    require_matching(student_logits, teacher_logits, mask)
    same, nats = by_position(student_logits, teacher_logits)
    counts = mask.bool()
    if not counts.any():
        raise CourseError("The mask counts no position, so there is no agreement. Give at least one 1.")
    return same[counts].double().mean().item(), nats[counts].double().mean().item()


def by_position(student_logits: Tensor, teacher_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Whether both choose the same token, and KL(teacher || student) in nats; each (B, S)."""
    same = student_logits.argmax(dim=-1) == teacher_logits.argmax(dim=-1)
    return same, kl_divergence(teacher_logits, student_logits)


@dataclass(frozen=True)
class Fidelity:
    """Per document: predicted tokens, those with the teacher's choice, nats of KL, and sums for calibration.

    bins: (documents, bins, 3): tokens, sum of confidences, tokens predicted right.
    """

    documents: tuple[str, ...]
    tokens: np.ndarray
    same: np.ndarray
    nats: np.ndarray
    bins: np.ndarray


@torch.no_grad()
def fidelity(
    student: nn.Module, teacher: nn.Module, rows: Sequence[Row], pad_token_id: int, batch_size: int = 16
) -> Fidelity:
    """Agreement with the teacher and calibration of the student on the rows, document by document, at T = 1."""
    for model in (student, teacher):
        require_context(model, rows)
    device = next(student.parameters()).device
    by_length = sorted(rows, key=lambda row: len(row.input_ids))
    found: dict[str, tuple] = {}
    with in_eval_mode(student), in_eval_mode(teacher):
        for start in range(0, len(by_length), batch_size):
            chunk = by_length[start : start + batch_size]
            batch = to_device(pad(chunk, pad_token_id), device)
            ours, theirs = (model(**model_inputs(batch)).logits[:, :-1].float() for model in (student, teacher))
            targets = batch["labels"][:, 1:]
            same, nats = by_position(ours, theirs)
            confidence, likeliest = torch.softmax(ours, dim=-1).max(dim=-1)
            for place, row in enumerate(chunk):
                counts = targets[place] != IGNORE
                bins = binned(confidence[place][counts], likeliest[place][counts] == targets[place][counts], BINS)
                found[row.document] = (
                    int(counts.sum()),
                    int(same[place][counts].sum()),
                    nats[place][counts].double().sum().item(),
                    bins.numpy(),
                )
    documents = tuple(sorted(found))
    return Fidelity(documents, *(np.array(column) for column in zip(*(found[d] for d in documents), strict=True)))
