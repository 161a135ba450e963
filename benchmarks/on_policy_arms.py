"""The trainings that Lab 6 compares: whose text, which divergence, how many steps; each done once and kept.

Every arm goes on from the same student: the pair's own, which has read solutions of shorter questions, or one that has
been warmed up on right solutions.  A seed draws the questions, the order and what is written.
"""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Sequence
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


@dataclass(frozen=True)
class Scale:
    """How large everything is.  lengths: operations of a question, trained and judged; longer: judged too."""

    warm_up: int = 100
    steps: int = 60
    batch: int = 32
    lengths: tuple[int, ...] = (3, 4)
    longer: tuple[int, ...] = (5,)
    new_tokens: int = 128
    validation: int = 300
    sampled: int = 100
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

    def questions(self, split: str, seed: int = 0, count: int = 0, longer: bool = False) -> list[Question]:
        """Questions of a split; those of training differ from seed to seed."""
        lengths = self.scale.longer if longer else self.scale.lengths
        return questions(count or self.scale.validation, lengths, split, seed)

    def rows(self, text: str, seed: int, count: int) -> list[Row]:
        """So many questions of a seed with a solution each."""
        asked = self.questions("train", 1000 + seed, count)
        if text == REFERENCE:
            return self.right(asked)
        ids = self._teachers_text("train", 1000 + seed, count)["ids"]
        return written_rows(asked, [Completion(tuple(one), (), True) for one in ids], self.tokenizer)

    def right(self, asked: Sequence[Question]) -> list[Row]:
        """The world's solutions."""
        return rows_of(asked, [one.trace() for one in asked], self.tokenizer)

    def _teachers_text(self, split: str, seed: int, count: int) -> dict:
        key = f"{self.name}/teacher-{split}-{seed}-{count}"
        return shared({key: functools.partial(self._write, split, seed, count)})[key]

    def _write(self, split: str, seed: int, count: int) -> dict:
        asked = [prompt_of(one, self.tokenizer) for one in self.questions(split, seed, count)]
        began = time.process_time()
        chance = torch.Generator().manual_seed(seed)
        # In batches as large as the student's, so that the seconds of both are comparable.
        found = sample(
            self.teacher, asked, self.scale.new_tokens, self.tokenizer.eos_token_id, 1.0, chance, self.scale.batch
        )
        return {"ids": [one.ids for one in found], "seconds": time.process_time() - began}

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

    def judged(self, arms: list[Arm], split: str = "validation") -> dict[Arm, dict]:
        """What became of every arm's student; computed once, shared by all starts."""
        keys = {arm: f"{self.name}/{split}-{arm.key}" for arm in arms}
        done = shared({key: functools.partial(self._run, arm, split) for arm, key in keys.items()})
        return {arm: done[key] for arm, key in keys.items()}

    def _run(self, arm: Arm, split: str) -> dict:
        steps = arm.steps or self.scale.steps
        count = steps * self.scale.batch
        rows, model = self.rows(arm.text, arm.seed, count), self.warm(arm.student, arm.seed, arm.warm_up)
        loss = None if arm.beta is CE else functools.partial(divergence_loss, beta=arm.beta)
        step = ce_only_step if loss is None else train_step
        if arm.share:
            step = OnPolicyStep(self.writing, arm.share, arm.seed)
        began = time.process_time()
        spent = {"tokens": 0, "steps": steps, "stopped": ""}
        try:
            spent["tokens"] = self._train(model, rows, arm.rate, arm.seed, step, loss)
        except CourseError as error:  # a rate that is too high for this arm: the student is at its last good weights
            spent["stopped"] = str(error)
        spent["training seconds"] = time.process_time() - began
        spent["own tokens"] = step.tokens if isinstance(step, OnPolicyStep) else 0
        spent["text seconds"] = 0.0
        if arm.text == TEACHER and arm.share < 1:
            whole = self._teachers_text("train", 1000 + arm.seed, count)["seconds"]
            spent["text seconds"] = (1 - arm.share) * whole
        return spent | ({"greedy": self.greedy(model, split)} if split == "tune" else self.looked_at(model))

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

    def greedy(self, model: PreTrainedModel, split: str, longer: bool = False) -> dict:
        """What the model solves when it always takes the likeliest token."""
        asked = self.questions(split, longer=longer)
        texts = solutions(model, asked, self.tokenizer, self.scale.new_tokens * (2 if longer else 1))
        worth = [judged(one, text) for one, (text,) in zip(asked, texts, strict=True)]
        return summary(worth) | {"by question": [int(one.solved) for one in worth]}

    def looked_at(self, model: PreTrainedModel) -> dict:
        """Everything that is asked of a student."""
        model = models.freeze(model)
        found = {"greedy": self.greedy(model, "validation"), "longer": self.greedy(model, "validation", longer=True)}
        asked = self.questions("validation", count=self.scale.sampled)
        for temperature in TEMPERATURES:
            texts = solutions(
                model, asked, self.tokenizer, self.scale.new_tokens, temperature, self.scale.samples, seed=1
            )
            found[f"sampled at {temperature:g}"] = diversity(asked, texts)
        for text, rows in self.known_text().items():
            nats = evaluate(model, rows, self.padding)
            found[f"nats on {text} text"] = {"nats": nats.nats.tolist(), "tokens": nats.tokens.tolist()}
        return found

    def known_text(self) -> dict[str, list[Row]]:
        """Validation questions with the right solution, and with the teacher's."""
        count = self.scale.sampled
        asked = self.questions("validation", count=count)
        ids = self._teachers_text("validation", 0, count)["ids"]
        written = written_rows(asked, [Completion(tuple(one), (), True) for one in ids], self.tokenizer)
        return {REFERENCE: self.right(asked), TEACHER: written}
