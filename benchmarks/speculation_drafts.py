"""The drafts that Lab 4 compares: each trained once for a seed, judged on text that the target wrote and on human text.

A draft is named by what it learned from: its objective and its text.  "written" text is the target's own: it goes on
from the first 16 tokens of a row.  "cut" text is human rows cut to the lengths of the written ones, so that both give
as many rows, steps and tokens.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from safetensors.torch import load_model, save_model
from torch import Tensor
from transformers import PreTrainedModel

from benchmarks.common import as_numbers, partial_results, shared
from benchmarks.effect import Experiment
from utils.data.batches import BatchPlan, Row
from utils.decoding.rules import draft_loss
from utils.labs.speculation import BATCH, as_training_loss, continuation_rows, overlaps, write_on
from utils.losses.core import distillation_loss
from utils.losses.divergences import reverse_kl_loss
from utils.measuring.evaluation import evaluate
from utils.models import loading as models
from utils.models.profiles import Profile
from utils.training import loop as training
from utils.training.settings import NO_PARTS, settings_of

RATES = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3)
UNTOUCHED = "untouched"
PROMPT, WRITTEN, PROMPTS, TUNE_PROMPTS = 32, 64, 200, 80
PROMPT_OF_A_ROW = 16


def _reverse_kl(student_logits: Tensor, teacher_logits: Tensor, labels: Tensor) -> Tensor:
    return reverse_kl_loss(student_logits, teacher_logits, labels, 1.0).mean()


OBJECTIVES: dict[str, training.LossFunction | None] = {
    "CE-only": None,
    "forward KL and CE": functools.partial(distillation_loss, temperature=1.0, alpha=0.5),
    "forward KL": functools.partial(distillation_loss, temperature=1.0, alpha=1.0),
    "reverse KL": _reverse_kl,
    "total variation": as_training_loss(draft_loss),
}


@dataclass(frozen=True)
class Draft:
    """One training: objective, text ("human", "cut" or "written"), learning rate, seed."""

    objective: str
    text: str = "human"
    rate: float = 0.0
    seed: int = 0

    @property
    def key(self) -> str:
        """Its name among the partial results."""
        return f"{self.objective.replace(' ', '-')}_{self.text}_lr{self.rate:g}_seed{self.seed}"


class Drafts:
    """The pair, the texts and the trained drafts, all kept so that an interrupted run goes on."""

    def __init__(self, profile: Profile):
        self.profile = replace(profile, train_rows=profile.sweep_rows)
        self.experiment = Experiment(self.profile)
        self.target, self.tokenizer = self.experiment.pair.teacher, self.experiment.pair.tokenizer
        self.name = f"speculation/{profile.name}"

    def prompts(self, split: str = "validation") -> list[list[int]]:
        """The first tokens of documents of a split that are long enough."""
        rows, count = {
            "validation": (self.experiment.validation, PROMPTS), "tune": (self.experiment.tune, TUNE_PROMPTS)
        }[split]  # fmt: skip
        return [list(row.input_ids[:PROMPT]) for row in rows if len(row.input_ids) > PROMPT][:count]

    def continuations(self, split: str = "validation") -> list[Row]:
        """The target's own continuations of the prompts; the prompt's tokens are context, their labels are -100."""
        key = f"{self.name}/continuations-{split}"
        ids = shared({key: lambda: {"ids": write_on(self.target, self.prompts(split), WRITTEN, seed=1)}})[key]["ids"]
        return continuation_rows(ids, PROMPT)

    def rows(self, text: str, seed: int) -> list[Row]:
        """The training rows of a seed: as they are, or written, or cut to the lengths of the written."""
        human = self.experiment.rows_for(seed)
        if text == "human":
            return human
        key = f"{self.name}/rows-seed{seed}"
        written = shared({key: functools.partial(self._write_rows, human, seed)})[key]["ids"]
        if text == "written":
            return [
                replace(row, input_ids=tuple(ids), labels=tuple(ids)) for row, ids in zip(human, written, strict=True)
            ]
        cut = [row.input_ids[: len(ids)] for row, ids in zip(human, written, strict=True)]
        return [replace(row, input_ids=ids, labels=ids) for row, ids in zip(human, cut, strict=True)]

    def _write_rows(self, rows: Sequence[Row], seed: int) -> dict:
        """Every row goes on from its first tokens, to the row's own length or to an end of text before."""
        order = sorted(range(len(rows)), key=lambda i: len(rows[i].input_ids))
        found: dict[int, list[int]] = {}
        for start in range(0, len(order), BATCH):
            members = order[start : start + BATCH]
            lengths = [len(rows[i].input_ids) for i in members]
            prompts = [list(rows[i].input_ids[:PROMPT_OF_A_ROW]) for i in members]
            if min(map(len, prompts)) < PROMPT_OF_A_ROW:
                texts = [list(rows[i].input_ids) for i in members]  # too short to be gone on from
            else:
                texts = write_on(self.target, prompts, max(lengths) - PROMPT_OF_A_ROW, seed=seed * 1000 + start)
            found |= {i: ids[:length] for i, ids, length in zip(members, texts, lengths, strict=True)}
        return {"ids": [found[i] for i in range(len(rows))]}

    def trained(self, draft: Draft) -> PreTrainedModel:
        """The draft's weights, from an earlier run or trained now."""
        model = models.load_model(self.profile.student)
        if draft.objective == UNTOUCHED:
            return models.freeze(model)
        path = self.weights(draft)
        if path.exists():
            load_model(model, path)
            return models.freeze(model)
        loss = OBJECTIVES[draft.objective]
        rows, pool = tuple(self.rows(draft.text, draft.seed)), self.profile.length_pool
        plan = BatchPlan(rows, self.profile.batch_size, self.experiment.pad, draft.seed, pool=pool)
        settings = replace(settings_of(self.profile, draft.rate, draft.seed), record_parts_every=NO_PARTS)
        step = training.ce_only_step if loss is None else training.train_step
        training.distill(model, self.target if loss else None, plan, settings, loss, step, name=draft.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_model(model, path)
        return models.freeze(model)

    def weights(self, draft: Draft) -> Path:
        """Where a draft's weights lie."""
        return partial_results() / self.name / f"{draft.key}.safetensors"

    def judged(self, drafts: Sequence[Draft], split: str = "validation") -> dict[Draft, dict]:
        """Every draft's overlap with the target and its perplexity; computed once, shared by all starts."""
        keys = {draft: f"{self.name}/{split}-{draft.key}" for draft in drafts}
        done = shared({key: functools.partial(self._judge, draft, split) for draft, key in keys.items()})
        return {draft: done[key] for draft, key in keys.items()}

    def _judge(self, draft: Draft, split: str) -> dict:
        model, pad_id = self.trained(draft), self.experiment.pad
        if split == "tune":
            perplexity = as_numbers(evaluate(model, self.experiment.tune, pad_id))
            return {
                "perplexity": perplexity,
                "written": overlaps(self.target, model, self.continuations(split), pad_id),
            }
        human = self.experiment.validation
        return {
            "perplexity": as_numbers(evaluate(model, human, pad_id)),
            "written": overlaps(self.target, model, self.continuations(split), pad_id),
            "human": overlaps(self.target, model, human, pad_id),
            "train_tokens": 0
            if draft.objective == UNTOUCHED
            else sum(r.valid for r in self.rows(draft.text, draft.seed)),
        }
