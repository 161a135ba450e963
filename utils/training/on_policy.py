"""A training step on text that the student writes itself, for `distill(step=...)`.  (Lab 6 trains with it.)

With probability `share` (GKD's lambda) the student goes on from a batch's prompts, and both models score what it wrote;
else the batch is used as it is.  The text is fixed once it is written: it is sampled without gradient and in eval mode,
and no gradient goes through the choice of a token (Agarwal et al., 2024, algorithm 1).  Whose text is learned from and
which divergence is minimised are two choices: the divergence is the loss that is passed to `distill`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn

from utils.data.batches import IGNORE, Batch, valid_tokens
from utils.errors import CourseError
from utils.models.forward import in_eval_mode
from utils.training.accumulation import updates_of
from utils.training.steps import LossFunction, train_step

# (model, prompts padded on the left, random numbers) -> input_ids, attention_mask, completion_mask, each (B, S)
Sampler = Callable[[nn.Module, Batch, torch.Generator], Batch]
FAR = 1_000_003  # apart are the seeds of two runs: no step of one has the random numbers of a step of the other


@dataclass
class OnPolicyStep:
    """share: how many of the steps train on the student's text, 0 to 1.

    The random numbers follow from the seed and the number of updates, so a run that goes on is the run that it would
    have been.

    steps, tokens, seconds: steps on the student's own text so far, tokens written, and how long that took.
    """

    sample: Sampler
    share: float = 1.0
    seed: int = 0
    steps: int = field(default=0, init=False)
    tokens: int = field(default=0, init=False)
    seconds: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise CourseError(
                f"The share of the student's own text is {self.share}; it must lie between 0 (none) and 1 (all)."
            )

    @property
    def changes_the_text(self) -> bool:
        """A loss on text that changes with the student may rise without harm: `utils.training.spikes` asks for this."""
        return self.share > 0

    def __call__(
        self,
        student: nn.Module,
        teacher: nn.Module,
        batch: Batch,
        optimizer: torch.optim.Optimizer,
        loss_function: LossFunction,
    ) -> float:
        """One update; returns the loss before it.

        The batch becomes what the step trained on, so that its tokens are counted and not those of the text that was
        replaced.  Raises CourseError for a batch in pieces, whose shares would be those of the replaced text.
        """
        if hasattr(optimizer, "whole_batch"):
            raise CourseError(
                "An on-policy step needs its batch whole, and this one comes in pieces. Take a smaller batch_size."
            )
        chance = random_of(self.seed, optimizer)
        if torch.rand((), generator=chance).item() < self.share:
            batch.update(self._written(student, batch, chance))
        return train_step(student, teacher, batch, optimizer, loss_function)

    def _written(self, student: nn.Module, batch: Batch, chance: torch.Generator) -> Batch:
        began = time.perf_counter()
        with in_eval_mode(student), torch.no_grad():
            text = as_batch(self.sample(student, prompts_of(batch), chance))
        self.seconds += time.perf_counter() - began
        self.steps += 1
        self.tokens += valid_tokens(text)
        return text


def random_of(seed: int, optimizer: torch.optim.Optimizer) -> torch.Generator:
    """The random numbers of a run's next update, whenever it is made."""
    return torch.Generator().manual_seed(seed * FAR + updates_of(optimizer))


def prompts_of(batch: Batch) -> Batch:
    """What stands before each row's first label that counts, padded on the left: input_ids and attention_mask, (B, P).

    Padding keeps the id that it has in the batch.  Raises CourseError for a row that has no such tokens.
    """
    ids, real = batch["input_ids"], batch["attention_mask"].bool()
    before = real & ((batch["labels"] != IGNORE).cumsum(dim=1) == 0)
    lengths = before.sum(dim=1)
    if not lengths.all():
        row = int((lengths == 0).nonzero()[0])
        raise CourseError(
            f"Row {row} of the batch has no prompt: its first token counts already. Labels of a prompt are {IGNORE}."
        )
    width = int(lengths.max())
    padding = ids[~real][:1] if (~real).any() else ids.new_zeros(1)
    prompts = {"input_ids": padding.repeat(len(ids), width), "attention_mask": torch.zeros_like(ids[:, :width])}
    places = torch.arange(width, device=ids.device) >= width - lengths[:, None]
    prompts["input_ids"][places] = ids[before]
    prompts["attention_mask"][places] = 1
    return prompts


def as_batch(written: Batch) -> Batch:
    """Sampled text as a batch: labels are the written tokens, -100 elsewhere."""
    labels = written["input_ids"].masked_fill(~written["completion_mask"].bool(), IGNORE)
    return {"input_ids": written["input_ids"], "attention_mask": written["attention_mask"], "labels": labels}
