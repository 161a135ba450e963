"""Which tokens TRL trains on where data have a prompt and a completion, to compare with ``trace_labels``.

The trainer itself prepares and collates the examples; nothing is trained.  Tried with TRL 1.16 (requirements-trl.txt).
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

Rows = list[tuple[list[int], list[int]]]


def completion_only(
    examples: Sequence[tuple[str, str]], model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> Rows | None:
    """(input_ids, labels) of each (prompt, completion) with ``completion_only_loss=True``, padded to the longest.

    None where TRL is not installed.
    """
    try:
        import datasets
        from trl import SFTConfig, SFTTrainer
    except ImportError:
        return None
    datasets.disable_progress_bars()
    data = datasets.Dataset.from_list([{"prompt": prompt, "completion": completion} for prompt, completion in examples])
    with tempfile.TemporaryDirectory() as folder:
        settings = SFTConfig(
            output_dir=folder, completion_only_loss=True, report_to=[], use_cpu=not torch.cuda.is_available(),
            disable_tqdm=True, bf16=False,
        )  # fmt: skip
        trainer = SFTTrainer(model=model, args=settings, train_dataset=data, processing_class=tokenizer)
        prepared = trainer.train_dataset
        rows = [{key: prepared[place][key] for key in ("input_ids", "labels")} for place in range(len(data))]
        batch = trainer.data_collator(rows)
    return list(zip(batch["input_ids"].tolist(), batch["labels"].tolist(), strict=True))
