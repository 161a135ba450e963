"""The students that Lab 7 compares: each cut from the teacher, healed and judged once for a seed.

A student is named by what is kept of the teacher (blocks, and heads and neurons in each), how it was healed, for how
many epochs, and from which start: the teacher, a middle model that was itself cut and healed (progressive), or fresh
weights.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path

from safetensors.torch import load_model, save_model
from torch import nn
from transformers import AutoModelForCausalLM, PreTrainedModel, set_seed

from benchmarks.common import as_numbers, partial_results, shared
from benchmarks.effect import Experiment
from benchmarks.how_small_width import narrow
from utils.data.batches import Batch, BatchPlan, in_order
from utils.losses.core import distillation_loss
from utils.measuring.evaluation import evaluate
from utils.measuring.influence import influence_over
from utils.models.loading import count_parameters, freeze
from utils.models.profiles import Profile
from utils.models.pruning import blocks_of, prune
from utils.teachers.remembering import RememberingTeacher
from utils.training import loop as training
from utils.training.hidden_step import drop_projections, hidden_step
from utils.training.settings import NO_PARTS, settings_of

NOT_HEALED, CE, KD = "not healed", "CE-only", "distilled"
SOFT, HIDDEN = "distilled, soft part alone", "distilled, and hidden states"
LOSSES = {
    CE: None,
    KD: partial(distillation_loss, temperature=1.0, alpha=0.5),
    SOFT: partial(distillation_loss, temperature=1.0, alpha=1.0),
    HIDDEN: partial(distillation_loss, temperature=1.0, alpha=0.5),
}
MATCHED_ROWS = 64  # tune rows over which blocks, heads and neurons are judged


@dataclass(frozen=True)
class Arm:
    """blocks: places in the teacher.  heads, neurons: kept in each block; 0: all.  fresh: with weights drawn anew.

    middle: the blocks of the model that it is cut from, healed alike; empty: it is cut from the teacher.
    taught_by_middle: the middle model is its teacher too.  hidden_weight: of the hidden states in the loss.
    """

    blocks: tuple[int, ...]
    healing: str = NOT_HEALED
    rate: float = 0.0
    epochs: int = 2
    seed: int = 0
    middle: tuple[int, ...] = ()
    taught_by_middle: bool = False
    heads: int = 0
    neurons: int = 0
    fresh: bool = False
    hidden_weight: float = 0.0

    @property
    def key(self) -> str:
        """Its name among the partial results."""
        blocks, middle = ("".join(map(str, some)) for some in (self.blocks, self.middle))
        parts = [blocks, self.healing.replace(" ", "-").replace(",", ""), f"lr{self.rate:g}", f"epochs{self.epochs}"]
        parts += [f"from{middle}"] * bool(middle) + ["taught-by-it"] * self.taught_by_middle
        parts += [f"heads{self.heads}-neurons{self.neurons}"] * bool(self.heads) + ["fresh"] * self.fresh
        parts += [f"weight{self.hidden_weight:g}"] * bool(self.hidden_weight)
        return "_".join([*parts, f"seed{self.seed}"])


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
        key = f"{self.name}/influence"
        compute = {key: lambda: {"influence": influence_over(self.teacher, self._some_batches()).tolist()}}
        return shared(compute)[key]["influence"]

    def judged(self, arms: Sequence[Arm], split: str = "validation") -> dict[Arm, dict]:
        """Every arm's nats by document, its parameters and the processor's seconds of its healing; computed once."""
        keys = {arm: f"{self.name}/{split}-{arm.key}" for arm in arms}
        done = shared({key: partial(self._judge, arm, split) for arm, key in keys.items()})
        return {arm: done[key] for arm, key in keys.items()}

    def cut(self, arm: Arm) -> PreTrainedModel:
        """The arm's student before it is healed, where it is cut from the teacher or fresh."""
        student = prune(self.teacher, arm.blocks)
        if arm.fresh:
            set_seed(arm.seed)
            return AutoModelForCausalLM.from_config(student.config)
        return narrow(student, self._some_batches(), arm.heads, arm.neurons) if arm.heads else student

    def healed(self, arm: Arm) -> tuple[PreTrainedModel, float]:
        """The arm's student and the seconds that its healing took, its middle model's included."""
        if arm.healing == NOT_HEALED:
            return self.cut(arm), 0.0
        student, teacher, before = self._start(arm)
        path = self._weights(arm)
        clock = path.with_suffix(".seconds")
        if path.exists() and clock.exists():
            load_model(student, path)
            return freeze(student), float(clock.read_text())
        began = time.process_time()
        self._heal(student.requires_grad_(True), teacher, arm)
        seconds = before + time.process_time() - began
        path.parent.mkdir(parents=True, exist_ok=True)
        save_model(student, path)
        clock.write_text(f"{seconds:.2f}")
        return freeze(student), seconds

    def _some_batches(self) -> list[Batch]:
        return in_order(self.experiment.tune[:MATCHED_ROWS], 16, self.experiment.pad)

    def _judge(self, arm: Arm, split: str) -> dict:
        model, seconds = self.healed(arm)
        rows = {"validation": self.experiment.validation, "tune": self.experiment.tune}[split]
        found = as_numbers(evaluate(model, rows, self.experiment.pad))
        return found | {"parameters": count_parameters(model), "seconds": seconds}

    def _start(self, arm: Arm) -> tuple[PreTrainedModel, PreTrainedModel, float]:
        """The student to heal, who teaches it, and the seconds that were spent on both."""
        if not arm.middle:
            return self.cut(arm), self.teacher, 0.0
        middle, seconds = self.healed(replace(arm, blocks=arm.middle, middle=(), taught_by_middle=False))
        student = prune(middle, [arm.middle.index(place) for place in arm.blocks])
        return student, freeze(middle) if arm.taught_by_middle else self.teacher, seconds

    def _heal(self, student: PreTrainedModel, teacher: PreTrainedModel, arm: Arm) -> None:
        rows, pool = tuple(self.experiment.rows_for(arm.seed)), self.profile.length_pool
        plan = BatchPlan(rows, self.profile.batch_size, self.experiment.pad, arm.seed, pool=pool)
        settings = replace(
            settings_of(self.profile, arm.rate, arm.seed), epochs=arm.epochs, record_parts_every=NO_PARTS
        )
        loss, step = LOSSES[arm.healing], self._step(student, arm)
        asked = None if loss is None else RememberingTeacher(teacher)
        training.distill(student, asked, plan, settings, loss, step, name=arm.key)
        if arm.healing == HIDDEN:
            drop_projections(student)

    def _step(self, student: PreTrainedModel, arm: Arm) -> Callable:
        if arm.healing == CE:
            return training.ce_only_step
        if arm.healing != HIDDEN:
            return training.train_step
        student.projections = nn.ModuleList(nn.Identity() for _ in arm.blocks)  # student and teacher are equally wide
        return hidden_step(followed(arm.blocks, self.depth), arm.hidden_weight)

    def _weights(self, arm: Arm) -> Path:
        return partial_results() / self.name / f"{arm.key}.safetensors"


def followed(blocks: Sequence[int], depth: int) -> list[int]:
    """For each kept block the teacher's state that it is to write: what the next kept block read there; at last, all's.

    A state's number counts the blocks before it: (0, 2, 5) of 6 gives [2, 5, 6].
    """
    return [after for _, after in pairwise([*blocks, depth])]
