"""A draft that SmolLM2 gives itself: three of its thirty blocks, healed by forward KL on the documentation.

Used by benchmarks.speculation_speed.  Embeddings and output layer stay as they are, and are shared in size: they are
most of what such a draft costs.  The training is done once and kept.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from safetensors.torch import load_model, save_model
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from benchmarks.common import partial_results
from utils.data.batches import BatchPlan, rows_of
from utils.data.documents import Document
from utils.losses.core import distillation_loss
from utils.models.loading import freeze
from utils.models.pruning import blocks_of, prune
from utils.training import loop as training
from utils.training.settings import NO_PARTS, TrainingSettings

KEPT = (0, 1, 29)
STEPS, BATCH, LENGTH, RATE = 60, 16, 64, 2e-3


def healed(
    target: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, documents: Sequence[Document]
) -> PreTrainedModel:
    """The pruned copy, healed on the first documents that fill its steps; from an earlier run if there was one."""
    draft = prune(target, KEPT)
    path = partial_results() / "speculation" / f"smollm2-{'-'.join(map(str, KEPT))}-{STEPS}.safetensors"
    if path.exists():
        load_model(draft, path)
        return freeze(draft)
    draft.requires_grad_(False)
    blocks_of(draft).requires_grad_(True)
    rows = rows_of(documents, tokenizer, LENGTH)[: STEPS * BATCH]
    training.distill(
        draft,
        freeze(target),
        BatchPlan(tuple(rows), BATCH, tokenizer.pad_token_id or tokenizer.eos_token_id, seed=0, pool=25),
        TrainingSettings(RATE, 1, record_parts_every=NO_PARTS),
        functools.partial(distillation_loss, temperature=1.0, alpha=1.0),
        training.train_step,
        name="SmolLM2, three blocks",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    save_model(draft, path)
    return freeze(draft)
