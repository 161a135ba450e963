"""What a test starts with HF_ENDPOINT set: the full profile, cut to a few steps, from whatever hub answers there."""

from __future__ import annotations

import functools
import json
from dataclasses import replace

from utils.data import batches, corpus
from utils.losses.core import distillation_loss
from utils.measuring import evaluation
from utils.models import loading as models
from utils.models.profiles import get_profile
from utils.training import loop as training
from utils.training.settings import TrainingSettings


def main() -> None:
    """Load, train, judge, and print what a test looks at."""
    profile = replace(get_profile("full", announce=False), train_rows=12, evaluation_rows=6, max_length=32)
    pair = models.load_pair(profile)
    text = corpus.load_corpus(profile.text, profile.min_characters)
    train, judged = (
        batches.rows_of(documents, pair.tokenizer, profile.max_length, limit)
        for documents, limit in ((text.train, profile.train_rows), (text.validation, profile.evaluation_rows))
    )
    pad = pair.tokenizer.pad_token_id
    untouched = evaluation.evaluate(pair.student, judged, pad).perplexity
    history = training.distill(
        pair.student,
        pair.teacher,
        batches.BatchPlan(tuple(train), profile.batch_size, pad, pool=profile.length_pool),
        TrainingSettings(learning_rate=1e-2, epochs=3),
        functools.partial(distillation_loss, temperature=profile.temperature, alpha=profile.alpha),
        micro_batch=3,
    )
    found = {
        "compression": pair.compression,
        "dtype": str(next(pair.student.parameters()).dtype),
        "rows": [len(train), len(judged)],
        "text": text.describe(),
        "losses": history.epoch_losses(),
        "untouched": untouched,
        "distilled": evaluation.evaluate(pair.student, judged, pad).perplexity,
    }
    print("RESULT " + json.dumps(found))


if __name__ == "__main__":
    main()
