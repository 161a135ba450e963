"""The trainings that Lab 6 compares: whose text, which divergence, how many steps; each done once and kept.

Every arm goes on from the same student: the pair's own, which has read solutions of shorter questions, or one that has
been warmed up on right solutions.  A seed draws the questions, the order and what is written.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_model, save_model
from torch import Tensor
from transformers import PreTrainedModel

from benchmarks.common import partial_results, shared
from utils.data.batches import BatchPlan, Row
from utils.decoding.sampling import Completion, sample
from utils.errors import CourseError
from utils.labs.arithmetic import Question, questions
from utils.labs.on_policy import (
    Writing,
    diversity,
    judged,
    solutions,
    summary,
    written_rows,
)
from utils.labs.reasoning import prompt_of, rows_of
from utils.losses.divergences import jsd_loss
from utils.measuring.evaluation import evaluate
from utils.models import loading as models
from utils.models.pruning import prune
from utils.training.loop import distill
from utils.training.on_policy import OnPolicyStep
from utils.training.settings import NO_PARTS, TrainingSettings
from utils.training.steps import ce_only_step, train_step

REFERENCE, TEACHER = "reference", "teacher"  # whose text the rows are, where the student does not write itself
CE = None  # as beta: cross-entropy on the text, no divergence
SMALLER, PAIR, LARGER = "smaller", "middle", "larger"  # students; the middle one is the pair's
TEMPERATURES = (0.5, 1.0, 1.5)
CROSS_ENTROPY, DIVERGENCE = "a step with cross-entropy", "a step with a divergence"  # parts of an arm's cost
STUDENT_WRITES, TEACHER_WRITES = "the student writes a batch", "the teacher writes a batch"
TURNS, BATCHES_IN_A_TURN = 5, 4


@dataclass(frozen=True)
class Scale:
    """How large everything is.  lengths: operations of a question, trained and judged."""

    warm_up: int = 150
    steps: int = 30
    batch: int = 32
    lengths: tuple[int, ...] = (3, 4)
    new_tokens: int = 112  # the longest right solution has 108
    validation: int = 300
    sampled: int = 50
    samples: int = 4
    warm_up_rate: float = 2e-3


@dataclass(frozen=True)
class Arm:
    """One training: whose text the rows hold, the share of steps on the student's own, and the divergence.

    steps, warm_up: None for the scale's own.
    """

    text: str
    share: float
    beta: float | None
    rate: float = 1e-3
    seed: int = 0
    steps: int | None = None
    student: str = PAIR
    warm_up: int | None = None

    @property
    def name(self) -> str:
        """What it is, without rate, seed and budget."""
        if self.beta is CE:
            return f"SFT on {self.text} text"
        return f"beta {self.beta:g}, {self.text} text, lambda {self.share:g}"

    @property
    def start(self) -> tuple[str, int, int | None]:
        """Which student it goes on from: which one, its seed, its warm-up."""
        return self.student, self.seed, self.warm_up

    def seconds(self, costs: Mapping[str, float]) -> float:
        """Of one core for a step, each batch's text written for this step."""
        learns = costs[CROSS_ENTROPY if self.beta is CE else DIVERGENCE]
        others = costs[TEACHER_WRITES] if self.text == TEACHER else 0.0
        return learns + self.share * costs[STUDENT_WRITES] + (1 - self.share) * others

    @property
    def key(self) -> str:
        """Its name among the partial results."""
        words = (self.name.replace(" ", "-").replace(",", ""), self.student, f"warm-{self.warm_up}", f"lr{self.rate:g}")
        return "_".join((*words, f"steps-{self.steps}", f"seed{self.seed}"))


def divergence_loss(student_logits: Tensor, teacher_logits: Tensor, labels: Tensor, beta: float) -> Tensor:
    """The generalised divergence at temperature 1, in nats per written token."""
    return jsd_loss(student_logits, teacher_logits, labels, 1.0, beta).mean()


class Arms:
    """The pair, the questions, the texts and the trained students."""

    def __init__(self, pair: Path, scale: Scale, name: str):
        weights = b"".join((pair / model / "model.safetensors").read_bytes() for model in ("teacher", "student"))
        digest = hashlib.sha256(weights + repr(scale).encode()).hexdigest()[:8]  # no result of another pair is taken
        self.scale, self.name, self.pair = scale, f"on_policy/{name}-{digest}", pair
        self.teacher = models.freeze(models.load_model(pair / "teacher"))
        self.tokenizer = models.load_tokenizer(pair / "teacher")
        self.padding = self.tokenizer.pad_token_id
        self.writing = Writing(scale.new_tokens, self.tokenizer.eos_token_id, self.padding)

    def questions(self, split: str, seed: int = 0, count: int = 0) -> list[Question]:
        """Questions of a split; those of training differ from seed to seed."""
        return questions(count or self.scale.validation, self.scale.lengths, split, seed)

    def rows(self, text: str, seed: int, count: int) -> list[Row]:
        """So many questions of a seed with a solution each."""
        asked = self.questions("train", 1000 + seed, count)
        if text == REFERENCE:
            return self.right(asked)
        written = self._teachers_text("train", 1000 + seed, max(count, self.scale.steps * self.scale.batch))
        return self._as_rows(asked, written[:count])  # a shorter training reads the first of the same texts

    def _as_rows(self, asked: Sequence[Question], ids: Sequence[Sequence[int]]) -> list[Row]:
        return written_rows(asked, [Completion(tuple(one), (), True) for one in ids], self.tokenizer)

    def right(self, asked: Sequence[Question]) -> list[Row]:
        """The world's solutions."""
        return rows_of(asked, [one.trace() for one in asked], self.tokenizer)

    def _teachers_text(self, split: str, seed: int, count: int) -> list[list[int]]:
        key = f"{self.name}/teacher-{split}-{seed}-{count}"

        def write() -> dict:
            asked = self.questions(split, seed, count)
            return {"ids": [one.ids for one in self._written(self.teacher, asked, seed)]}

        return shared({key: write})[key]["ids"]

    def _written(self, model: PreTrainedModel, asked: Sequence[Question], seed: int) -> list[Completion]:
        """At temperature 1, in batches as large as those of training."""
        prompts = [prompt_of(one, self.tokenizer) for one in asked]
        end, chance = self.tokenizer.eos_token_id, torch.Generator().manual_seed(seed)
        return sample(model, prompts, self.scale.new_tokens, end, 1.0, chance, self.scale.batch)

    def untrained(self, student: str) -> PreTrainedModel:
        """The pair's student, one with a layer less, or one that is every second layer of the teacher."""
        if student == LARGER:
            return prune(models.load_model(self.pair / "teacher"), (0, 2, 5))
        model = models.load_model(self.pair / "student")
        return prune(model, (0, 2)) if student == SMALLER else model

    def warm(self, student: str = PAIR, seed: int = 0, steps: int | None = None) -> PreTrainedModel:
        """The student that every arm of a seed starts from."""
        steps = self.scale.warm_up if steps is None else steps
        model, path = self.untrained(student), self._weights(f"warm{steps}_{student}_seed{seed}")
        if not steps:
            return model
        if path.exists():
            load_model(model, path)
            return model
        asked = self.questions("train", seed, steps * self.scale.batch)
        self._train(model, self.right(asked), self.scale.warm_up_rate, seed, ce_only_step, None)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_model(model, path)
        return model

    def _weights(self, key: str) -> Path:
        return partial_results() / self.name / f"{key}.safetensors"

    def _train(self, model, rows, rate, seed, step, loss) -> int:
        """Trained in place for one epoch; the tokens that it trained on."""
        plan = BatchPlan(tuple(rows), self.scale.batch, self.padding, seed)
        settings = TrainingSettings(rate, 1, record_parts_every=NO_PARTS, seed=seed)
        teacher = None if loss is None else self.teacher
        return distill(model.train(), teacher, plan, settings, loss, step).tokens

    def costs(self) -> dict[str, float]:
        """Seconds of one core for the parts of a step: the fastest of TURNS, in turns, so that load hits all alike."""
        key = f"{self.name}/costs"
        return shared({key: self._measured})[key]

    def _measured(self) -> dict[str, float]:
        asked = self.questions("train", 0, BATCHES_IN_A_TURN * self.scale.batch)
        model, rows = self.warm(), self.right(asked)
        loss = functools.partial(divergence_loss, beta=1.0)
        parts = {
            CROSS_ENTROPY: lambda: self._train(copy.deepcopy(model), rows, 1e-3, 0, ce_only_step, None),
            DIVERGENCE: lambda: self._train(copy.deepcopy(model), rows, 1e-3, 0, train_step, loss),
            STUDENT_WRITES: lambda: self._written(model, asked, 0),
            TEACHER_WRITES: lambda: self._written(self.teacher, asked, 0),
        }
        fastest = dict.fromkeys(parts, float("inf"))
        for _ in range(TURNS):
            for name, work in parts.items():
                began = time.process_time()
                work()
                fastest[name] = min(fastest[name], (time.process_time() - began) / BATCHES_IN_A_TURN)
        return fastest

    def judged(self, arms: list[Arm], split: str = "validation", look: bool = False) -> dict[Arm, dict]:
        """What every arm's student solves, computed once and shared by all starts; look: and all else of it."""
        keys = {arm: f"{self.name}/{'looked' if look else 'solved'}-{split}-{arm.key}" for arm in arms}
        done = shared({key: functools.partial(self._judge, arm, split, look) for arm, key in keys.items()})
        return {arm: done[key] for arm, key in keys.items()}

    def _judge(self, arm: Arm, split: str, look: bool) -> dict:
        model, spent = self.trained(arm)
        return spent | {"greedy": self.greedy(model, split)} | (self.looked_at(model) if look else {})

    def trained(self, arm: Arm) -> tuple[PreTrainedModel, dict]:
        """An arm's student, trained once whatever it is judged on; and its tokens, steps and whether it broke off."""
        key, path = f"{self.name}/trained-{arm.key}", self._weights(arm.key)
        spent = shared({key: functools.partial(self._run, arm, path)})[key]
        model = self.untrained(arm.student)
        load_model(model, path)
        return model, spent

    def _run(self, arm: Arm, path: Path) -> dict:
        steps = arm.steps or self.scale.steps
        rows, model = self.rows(arm.text, arm.seed, steps * self.scale.batch), self.warm(*arm.start)
        loss = None if arm.beta is CE else functools.partial(divergence_loss, beta=arm.beta)
        step = ce_only_step if loss is None else train_step
        if arm.share:
            step = OnPolicyStep(self.writing, arm.share, arm.seed)
        spent = {"tokens": 0, "steps": steps, "stopped": ""}
        try:
            spent["tokens"] = self._train(model, rows, arm.rate, arm.seed, step, loss)
        except CourseError as error:  # a rate that is too high for this arm: the student is at its last good weights
            spent["stopped"] = str(error)
        save_model(model, path)
        return spent | {"own tokens": step.tokens if isinstance(step, OnPolicyStep) else 0}

    def start(self, student: str = PAIR, seed: int = 0, warm_up: int | None = None) -> dict:
        """What a student solves of the validation questions before it meets the teacher."""
        key = f"{self.name}/start-{student}-warm-{warm_up}-seed{seed}"
        work = lambda: self.greedy(self.warm(student, seed, warm_up), "validation")  # noqa: E731
        return shared({key: work})[key]

    def teachers_worth(self) -> dict:
        """What the teacher's own text is worth, sampled as the students read it."""
        asked = self.questions("validation", count=self.scale.sampled)

        def look() -> dict:
            texts = solutions(self.teacher, asked, self.tokenizer, self.scale.new_tokens, 1.0, self.scale.samples)
            return self.greedy(self.teacher, "validation") | {"sampled at 1": diversity(asked, texts)}

        key = f"{self.name}/teacher"
        return shared({key: look})[key]

    def greedy(self, model: PreTrainedModel, split: str) -> dict:
        """What the model solves when it always takes the likeliest token."""
        asked = self.questions(split)
        texts = solutions(model, asked, self.tokenizer, self.scale.new_tokens)
        worth = [judged(one, text) for one, (text,) in zip(asked, texts, strict=True)]
        return summary(worth) | {"by question": [int(one.solved) for one in worth]}

    def looked_at(self, model: PreTrainedModel) -> dict:
        """How varied a student's texts are, and how likely it finds those of others."""
        model, found = models.freeze(model), {}
        asked = self.questions("validation", count=self.scale.sampled)
        for temperature in TEMPERATURES:
            texts = solutions(
                model, asked, self.tokenizer, self.scale.new_tokens, temperature, self.scale.samples, seed=1
            )
            found[f"sampled at {temperature:g}"] = diversity(asked, texts)
        ids = self._teachers_text("validation", 0, len(asked))
        for text, rows in {REFERENCE: self.right(asked), TEACHER: self._as_rows(asked, ids)}.items():
            nats = evaluate(model, rows, self.padding)
            found[f"nats on {text} text"] = {"nats": nats.nats.tolist(), "tokens": nats.tokens.tolist()}
        return found
