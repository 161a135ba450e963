"""A training step from cached top-k answers, for whoever has a vocabulary whose whole logits fit on no disk.

No lab needs it.  `utils.teachers.cache_settings.choose_settings` says when it is time: see docs/speed.md.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from utils.data.batches import Batch, model_inputs
from utils.errors import CourseError
from utils.losses.core import hard_loss
from utils.losses.topk import TopAnswers, topk_soft_loss
from utils.teachers.cache import TeacherCache
from utils.teachers.cache_settings import SMALL_VOCABULARY
from utils.teachers.cached import batch_columns
from utils.training.steps import LossFunction, Step, update


def topk_step(cache: TeacherCache, temperature: float, alpha: float) -> Step:
    """A training step for `distill(step=...)`: the library's blend, its soft part from cached top-k answers.

    Neither the teacher nor the loss function is asked: that one compares whole distributions.
    """

    def step(
        student: nn.Module,
        teacher: nn.Module | None,
        batch: Batch,
        optimizer: torch.optim.Optimizer,
        loss_function: LossFunction,
    ) -> float:
        answers, labels = cached_top_answers(cache, batch, temperature), batch["labels"]

        def loss() -> Tensor:
            logits = student(**model_inputs(batch)).logits
            soft, hard = topk_soft_loss(logits, answers, labels).mean(), hard_loss(logits, labels).mean()
            return alpha * soft + (1 - alpha) * hard

        return update(student, optimizer, loss)

    return step


def cached_top_answers(cache: TeacherCache, batch: Batch, temperature: float) -> TopAnswers:
    """The cached answers to a batch.  Raises CourseError for a temperature at which the others were not counted."""
    settings = cache.settings
    if not settings.top_k:
        raise CourseError("This cache holds no top k. Make it with CacheSettings(top_k=...).")
    if temperature not in settings.temperatures:
        raise CourseError(
            f"The mass of the others was counted at T = {', '.join(f'{t:g}' for t in settings.temperatures)}, not at "
            f"{temperature:g}. Make the cache with temperatures=({temperature:g},)."
        )
    columns = batch_columns(cache, batch["input_ids"], batch["attention_mask"])
    ids = columns["top_ids"].long() + (2**15 if cache.config.vocab_size <= SMALL_VOCABULARY else 0)
    others = columns["others"][..., settings.temperatures.index(temperature), None]
    bins = torch.cat([columns["top_logits"].float() / temperature, others], dim=-1)
    return TopAnswers(ids.clamp(max=cache.config.vocab_size - 1), torch.log_softmax(bins, dim=-1), temperature)
