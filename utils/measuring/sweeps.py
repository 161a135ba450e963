"""Train the same student under several settings, and say which is best, and how sure that is.

Start, rows, order and schedule are the same for all, so that settings differ in the knob alone.  A best value comes
with how often another would have won on other documents.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from torch import nn

from utils.configuration import text_config
from utils.data.batches import BatchPlan, Row
from utils.losses.core import distillation_loss
from utils.losses.hidden_states import hidden_state_loss
from utils.machine import progress
from utils.measuring.calibration import Calibration, calibration
from utils.measuring.evaluation import Evaluation, drawn_again, evaluate, require_comparable
from utils.models import loading as models
from utils.models.profiles import Profile
from utils.training import loop as training
from utils.training.hidden_step import add_projections, drop_projections, hidden_step
from utils.training.settings import NO_PARTS, settings_of


@dataclass(frozen=True)
class Hidden:
    """How hidden states are matched: a weight beside the loss, the teacher layer of each student layer (1-based).

    frozen: the projections stay random, a control.  loss: as `hidden_state_loss`; one that was written anew is another
    setting.
    """

    weight: float
    teacher_layers: tuple[int, ...]
    frozen: bool = False
    loss: Callable = hidden_state_loss


@dataclass(frozen=True)
class Setting:
    """One point of a sweep.  learning_rate None: the profile's."""

    temperature: float = 1.0
    alpha: float = 0.5
    hidden: Hidden | None = None
    learning_rate: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What a setting came to, on the judged rows."""

    evaluation: Evaluation
    calibration: Calibration


@dataclass
class Sweep:
    """The same start, rows and order for every setting.  Results stay where a sweep is stopped; run it again to go on.

    They belong to this teacher, text, loss, step and seed: for others make another sweep.

    teacher: a model or a `CachedTeacher`.  loss is called with logits, labels, temperature and alpha; step as in
    `utils.training.loop.distill`.
    """

    profile: Profile
    teacher: nn.Module
    train_rows: Sequence[Row]
    judged_rows: Sequence[Row]
    pad_token_id: int
    loss: Callable = distillation_loss
    step: training.Step = training.train_step
    seed: int = 0
    results: dict[Setting, Outcome] = field(default_factory=dict)

    def run(self, settings: Iterable[Setting], name: str = "sweep") -> dict[Setting, Outcome]:
        """Train and judge every setting that has no result yet; returns those asked for, in order."""
        settings = list(settings)
        try:
            with progress.bar(settings, desc=name, unit="setting") as bar:
                for setting in bar:
                    if setting not in self.results:
                        self.results[setting] = self.outcome(setting)
        except KeyboardInterrupt:
            done = sum(setting in self.results for setting in settings)
            how = f"{name}: stopped with {done} of {len(settings)} settings done; run the cell again to go on."
            raise KeyboardInterrupt(how) from None
        return {setting: self.results[setting] for setting in settings}

    def outcome(self, setting: Setting) -> Outcome:
        """Train a fresh student under one setting and judge it."""
        student = self.trained(setting)
        return Outcome(
            evaluate(student, self.judged_rows, self.pad_token_id),
            calibration(student, self.judged_rows, self.pad_token_id),
        )

    def trained(self, setting: Setting) -> nn.Module:
        """A student trained under one setting, its projections taken off again."""
        student, step, hidden = models.load_model(self.profile.student), self.step, setting.hidden
        if hidden is not None:
            width = text_config(self.teacher).hidden_size
            maps = add_projections(student, len(hidden.teacher_layers), width, self.seed)
            maps.requires_grad_(not hidden.frozen)
            step = hidden_step(hidden.teacher_layers, hidden.weight, hidden.loss)
        rate = setting.learning_rate or self.profile.learning_rate
        rows, size, pool = tuple(self.train_rows), self.profile.batch_size, self.profile.length_pool
        training.distill(
            student,
            self.teacher,
            BatchPlan(rows, size, self.pad_token_id, self.seed, pool=pool),
            replace(settings_of(self.profile, rate, self.seed), record_parts_every=NO_PARTS),
            functools.partial(self.loss, temperature=setting.temperature, alpha=setting.alpha),
            step,
            name=f"T {setting.temperature:g}, alpha {setting.alpha:g}",
        )
        if hidden is not None:
            drop_projections(student)
        return student


def arm_name(temperature: float, alpha: float, rows: int, epochs: int) -> str:
    """What a point of a sweep is called where learning rates are recorded; alpha 0 has no temperature."""
    knobs = f"T {temperature:g}, alpha {alpha:g}" if alpha else "CE-only"
    return f"{knobs}, {rows} rows, {epochs} epochs"


def best_rate(recorded: Mapping, profile: Profile, arm: str, control: bool = False) -> float:
    """The learning rate that was best for an arm of a recorded experiment; the profile's own where none was recorded.

    recorded: a result with "profile" and, by arm, "learning_rates", chosen on the tune split.  control: the arm learns
    from labels alone.  One rate for all arms would compare how well each likes that rate.
    """
    rates = recorded["learning_rates"] if recorded["profile"] == profile.name else {}
    if arm in rates:
        return rates[arm]
    return profile.ce_learning_rate if control else profile.learning_rate


def wins(runs: Mapping[float, Sequence[Evaluation]], seed: int = 0) -> dict[float, float]:
    """How often each value of a knob has the lowest perplexity, when documents and seeds are drawn again.

    runs: for each value one evaluation a seed, all on the same documents.  The shares sum to 1: one value near 1 is a
    clear optimum, several of like size are a plateau.  Raises CourseError where the documents differ.
    """
    require_comparable([evaluation for evaluations in runs.values() for evaluation in evaluations])
    nats = [drawn_again(np.stack([one.nats for one in evaluations]), seed) for evaluations in runs.values()]
    best = np.argmin(np.stack(nats), axis=0)
    return {value: float((best == place).mean()) for place, value in enumerate(runs)}
