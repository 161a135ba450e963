"""The trainings that the sweeps of Lab 3 are made of, each of them recorded, on the cached answers of one teacher.

A seed draws the rows and their order, the same for every setting. Each setting has the learning rate that suits it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM
from transformers.modeling_outputs import CausalLMOutput

from benchmarks.common import as_numbers, from_numbers, shared
from benchmarks.effect import Experiment
from utils.configuration import text_config
from utils.data.batches import Row
from utils.losses.hidden_states import hidden_state_loss, layer_map
from utils.machine.workspace import ROOT
from utils.measuring.calibration import calibration
from utils.measuring.evaluation import evaluate
from utils.measuring.sweeps import Hidden, Outcome, Setting, Sweep, arm_name
from utils.models import forward
from utils.models import loading as models
from utils.models.profiles import Profile
from utils.teachers.cache import cache_answers
from utils.teachers.cache_settings import CacheSettings
from utils.teachers.cached import CachedTeacher

ROWS = (125, 250, 500, 1000, 2000)
RATES = (1.25e-4, 2.5e-4, 5e-4, 1e-3, 2e-3, 4e-3, 8e-3)
COSINE = functools.partial(hidden_state_loss, distance="cosine")


@dataclass(frozen=True)
class Point:
    """What has a learning rate of its own."""

    temperature: float
    alpha: float
    rows: int
    epochs: int

    @property
    def name(self) -> str:
        """Its name among the recorded learning rates."""
        return arm_name(self.temperature, self.alpha, self.rows, self.epochs)


@dataclass(frozen=True)
class Job:
    """One training: a setting, how many rows how often, which seed, and what it is judged on."""

    setting: Setting
    rows: int
    epochs: int
    seed: int
    split: str = "validation"
    untrained: bool = False

    def key(self, profile: Profile) -> str:
        """Its name among the partial results."""
        setting = self.setting
        parts = [f"T{setting.temperature:g}", f"a{setting.alpha:g}", f"lr{setting.learning_rate or 0:g}"]
        parts += [f"rows{self.rows}", f"epochs{self.epochs}", f"seed{self.seed}", self.split]
        if setting.hidden:
            hidden = setting.hidden
            parts += [f"w{hidden.weight:g}", "-".join(map(str, hidden.teacher_layers))]
            marks = {"frozen": hidden.frozen, "cosine": hidden.loss is COSINE, "untrained": self.untrained}
            parts += [name for name, there in marks.items() if there]
        return f"sweeps/{profile.name}/" + "_".join(parts)


class StatesOfAnother(nn.Module):
    """A control: what one teacher says, with the hidden states of another."""

    def __init__(self, says: nn.Module, thinks: nn.Module):
        super().__init__()
        self.says, self.thinks, self.config = says, thinks, says.config

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, output_hidden_states: bool = False
    ) -> CausalLMOutput:
        """The logits of the one, the states of the other."""
        logits = self.says(input_ids, attention_mask=attention_mask).logits
        if not output_hidden_states:
            return CausalLMOutput(logits=logits)
        states = self.thinks(input_ids, attention_mask=attention_mask, output_hidden_states=True).hidden_states
        return CausalLMOutput(logits=logits, hidden_states=states)


class Sweeps:
    """The pair, its text, the cached teacher, and the jobs that were run."""

    def __init__(self, profile: Profile, seeds: int):
        self.profile, self.seeds = profile, range(seeds)
        self.experiment = Experiment(profile)
        self.layers = tuple(layer_map(*(text_config(m).num_hidden_layers for m in self._pair())))
        wanted = {row.input_ids: row for seed in self.seeds for row in self.rows(max(ROWS), seed)}
        folder, settings = ROOT / "outputs" / "teacher", CacheSettings(hidden_layers=self.layers)
        self.teacher = CachedTeacher(
            cache_answers(self.experiment.pair.teacher, list(wanted.values()), folder, settings)
        )

    def run(self, jobs: Sequence[Job]) -> dict[Job, dict]:
        """The plain numbers of every job."""
        keys = {job: job.key(self.profile) for job in jobs}
        done = shared({key: functools.partial(self._train, job) for job, key in keys.items()})
        return {job: done[key] for job, key in keys.items()}

    def point(self, temperature: float, alpha: float, rows: int | None = None, epochs: int | None = None) -> Point:
        """A point at the profile's rows and epochs unless others are given; CE-only has no temperature."""
        profile = self.profile
        temperature = temperature if alpha else profile.temperature
        return Point(temperature, alpha, rows or profile.sweep_rows, epochs or profile.epochs)

    def over_seeds(self, point: Point, rate: float, hidden: Hidden | None = None, untrained: bool = False) -> list[Job]:
        """The jobs of one point at a learning rate, a seed each."""
        setting = Setting(point.temperature, point.alpha, hidden, rate)
        return [Job(setting, point.rows, point.epochs, seed, untrained=untrained) for seed in self.seeds]

    def best_rates(self, points: Sequence[Point]) -> dict[Point, float]:
        """For each point the learning rate with the lowest perplexity on the tune split."""
        jobs = {
            (p, rate): Job(Setting(p.temperature, p.alpha, None, rate), p.rows, p.epochs, 0, "tune")
            for p in points
            for rate in RATES
        }
        tried = self.run(list(jobs.values()))
        found = {key: from_numbers(tried[job]).perplexity for key, job in jobs.items()}
        return {point: min(RATES, key=lambda rate: found[point, rate]) for point in points}

    def reference(self, model: nn.Module) -> dict:
        """A model as it is, on the validation rows."""
        rows, pad = self.experiment.validation, self.experiment.pad
        return plain_numbers(Outcome(evaluate(model, rows, pad), calibration(model, rows, pad)))

    def _pair(self) -> tuple[nn.Module, nn.Module]:
        return self.experiment.pair.student, self.experiment.pair.teacher

    def rows(self, count: int, seed: int) -> list[Row]:
        """So many training rows, as a seed draws them."""
        experiment = self.experiment
        experiment.profile = replace(self.profile, train_rows=count)
        return experiment.rows_for(seed)

    def _train(self, job: Job) -> dict:
        teacher = self.teacher
        if job.untrained:
            torch.manual_seed(0)
            random = AutoModelForCausalLM.from_config(self.experiment.pair.teacher.config)
            teacher = StatesOfAnother(self.teacher, models.freeze(forward.with_positions(random)))
        judged = self.experiment.tune if job.split == "tune" else self.experiment.validation
        rows, pad = self.rows(job.rows, job.seed), self.experiment.pad
        sweep = Sweep(replace(self.profile, epochs=job.epochs), teacher, rows, judged, pad, seed=job.seed)
        return plain_numbers(sweep.outcome(job.setting))


def plain_numbers(outcome: Outcome) -> dict:
    """What a run came to, as JSON holds it."""
    return {**as_numbers(outcome.evaluation), "calibration": asdict(outcome.calibration)}
