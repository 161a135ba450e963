"""The pruned students that Lab 7 compares: each cut, healed and judged once for a seed.

A student is named by the blocks it keeps, how it was healed, for how many epochs and from which start: the teacher, or
a middle model that was itself cut from the teacher and healed (progressive).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from safetensors.torch import load_model, save_model
from transformers import PreTrainedModel

from benchmarks.common import as_numbers, partial_results, shared
from benchmarks.effect import Experiment
from utils.configuration import text_config
from utils.data.batches import BatchPlan, in_order
from utils.losses.core import distillation_loss
from utils.losses.hidden_states import layer_map
from utils.measuring.evaluation import evaluate
from utils.measuring.influence import influence_over
from utils.models.loading import count_parameters, freeze
from utils.models.profiles import Profile
from utils.models.pruning import blocks_of, prune
from utils.training import loop as training
from utils.training.hidden_step import add_projections, drop_projections, hidden_step
from utils.training.settings import NO_PARTS, settings_of

NOT_HEALED = "not healed"
HIDDEN_WEIGHT = 0.1
LOSSES = {
    "CE-only": None,
    "distilled": partial(distillation_loss, temperature=1.0, alpha=0.5),
    "distilled, soft part alone": partial(distillation_loss, temperature=1.0, alpha=1.0),
    "distilled, and hidden states": partial(distillation_loss, temperature=1.0, alpha=0.5),
}


@dataclass(frozen=True)
class Arm:
    """blocks: places in the teacher.  middle: those of the model it is cut from, healed alike; empty: the teacher."""

    blocks: tuple[int, ...]
    healing: str = NOT_HEALED
    rate: float = 0.0
    epochs: int = 2
    seed: int = 0
    middle: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """Its name among the partial results."""
        blocks, middle = ("".join(map(str, some)) for some in (self.blocks, self.middle))
        healing = self.healing.replace(" ", "-").replace(",", "")
        start = f"_from{middle}" if middle else ""
        return f"{blocks}{start}_{healing}_lr{self.rate:g}_epochs{self.epochs}_seed{self.seed}"


class Arms:
    """The teacher, the texts and every student, kept so that an interrupted run goes on."""

    def __init__(self, profile: Profile):
        self.profile = replace(profile, train_rows=profile.sweep_rows)
        self.experiment = Experiment(self.profile)
        self.teacher = freeze(self.experiment.pair.teacher)
        self.name = f"how_small/{profile.name}"

    @property
    def depth(self) -> int:
        return len(blocks_of(self.teacher))

    def influence(self) -> list[float]:
        """The influence of each block of the teacher over 64 tune rows."""

        def compute() -> dict:
            rows = in_order(self.experiment.tune[:64], 16, self.experiment.pad)
            return {"influence": influence_over(self.teacher, rows).tolist()}

        key = f"{self.name}/influence"
        return shared({key: compute})[key]["influence"]

    def judged(self, arms: Sequence[Arm], split: str = "validation") -> dict[Arm, dict]:
        """Every arm's nats by document, its parameters and the processor's seconds of its healing; computed once."""
        keys = {arm: f"{self.name}/{split}-{arm.key}" for arm in arms}
        done = shared({key: partial(self._judge, arm, split) for arm, key in keys.items()})
        return {arm: done[key] for arm, key in keys.items()}

    def _judge(self, arm: Arm, split: str) -> dict:
        model, seconds = self.healed(arm)
        rows = {"validation": self.experiment.validation, "tune": self.experiment.tune}[split]
        found = as_numbers(evaluate(model, rows, self.experiment.pad))
        return found | {"parameters": count_parameters(model), "seconds": seconds}

    def healed(self, arm: Arm) -> tuple[PreTrainedModel, float]:
        """The arm's student and the seconds that its healing took, its middle model's included."""
        if arm.healing == NOT_HEALED:
            return prune(self.teacher, arm.blocks), 0.0
        student, before = self._start(arm)
        path = self._weights(arm)
        clock = path.with_suffix(".seconds")
        if path.exists() and clock.exists():
            load_model(student, path)
            return freeze(student), float(clock.read_text())
        began = time.process_time()
        self._heal(student.requires_grad_(True), arm)
        seconds = before + time.process_time() - began
        path.parent.mkdir(parents=True, exist_ok=True)
        save_model(student, path)
        clock.write_text(f"{seconds:.2f}")
        return freeze(student), seconds

    def _start(self, arm: Arm) -> tuple[PreTrainedModel, float]:
        if not arm.middle:
            return prune(self.teacher, arm.blocks), 0.0
        middle, seconds = self.healed(replace(arm, blocks=arm.middle, middle=()))
        return prune(middle, [arm.middle.index(place) for place in arm.blocks]), seconds

    def _heal(self, student: PreTrainedModel, arm: Arm) -> None:
        rows, pool = tuple(self.experiment.rows_for(arm.seed)), self.profile.length_pool
        plan = BatchPlan(rows, self.profile.batch_size, self.experiment.pad, arm.seed, pool=pool)
        settings = replace(
            settings_of(self.profile, arm.rate, arm.seed), epochs=arm.epochs, record_parts_every=NO_PARTS
        )
        loss, step = LOSSES[arm.healing], self._step(student, arm)
        teacher = None if loss is None else self.teacher
        training.distill(student, teacher, plan, settings, loss, step, name=arm.key)
        if arm.healing.endswith("hidden states"):
            drop_projections(student)

    def _step(self, student: PreTrainedModel, arm: Arm) -> Callable:
        if LOSSES[arm.healing] is None:
            return training.ce_only_step
        if not arm.healing.endswith("hidden states"):
            return training.train_step
        add_projections(student, len(arm.blocks), text_config(self.teacher).hidden_size, arm.seed)
        return hidden_step(layer_map(len(arm.blocks), self.depth), HIDDEN_WEIGHT)

    def _weights(self, arm: Arm) -> Path:
        return partial_results() / self.name / f"{arm.key}.safetensors"
