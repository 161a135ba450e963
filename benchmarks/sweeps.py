"""Which temperature, which alpha, how much text, and do hidden states help?  Five seeds, with intervals.

    python -m benchmarks.sweeps [--seeds 5] [--profile embedded]

Lab 3's sweeps, on the rows that it takes for them; a seed draws the rows and their order, the same for every setting.
The teacher's answers are computed once, into outputs/teacher.  Each (T, alpha), and each number of rows for CE-only
and for distilled, has its own learning rate, chosen on the tune split with seed 0; the hidden states share that of the
logits alone.  Everything is compared in pairs with CE-only at its best rate.  The two knobs' lines through the map have
all seeds, the rest of the map two.  More rows mean more updates, so the effect of text is measured twice: by rows at
the profile's epochs, and once more for few rows that are read until they had the updates of more.  Start it twice and
the two share the work; an interrupted run goes on.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM
from transformers.modeling_outputs import CausalLMOutput

from benchmarks.common import arguments_of, as_numbers, from_numbers, pooled_perplexity, shared, write_result
from benchmarks.effect import Experiment
from utils import models
from utils.batches import Row
from utils.cache_settings import CacheSettings
from utils.cached_teacher import CachedTeacher
from utils.calibration import Calibration, calibration
from utils.evaluation import evaluate, paired_effect
from utils.hidden_states import hidden_state_loss, layer_map
from utils.profiles import Profile, get_profile
from utils.sweeps import Hidden, Outcome, Setting, Sweep, arm_name, wins
from utils.teacher_cache import cache_answers
from utils.workspace import ROOT

TEMPERATURES = (1.0, 3.0, 5.0, 10.0)
ALPHAS = (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)
ROWS = (125, 250, 500, 1000, 2000)
FEW_ROWS, MORE_ROWS = 250, 1000  # the few are read so often that both give as many updates
RATES = (1.25e-4, 2.5e-4, 5e-4, 1e-3, 2e-3, 4e-3, 8e-3)
WEIGHTS, COSINE_WEIGHTS = (0.001, 0.01, 0.1, 1.0), (0.1, 1.0)
WEIGHT_OF_CONTROLS = 0.1
FEWER_SEEDS = 2  # for the points of the map that lie on neither knob's own line
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
        self.layers = tuple(layer_map(*(m.config.num_hidden_layers for m in self._pair())))
        wanted = {row.input_ids: row for seed in self.seeds for row in self._rows(max(ROWS), seed)}
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
        return _numbers(Outcome(evaluate(model, rows, pad), calibration(model, rows, pad)))

    def _pair(self) -> tuple[nn.Module, nn.Module]:
        return self.experiment.pair.student, self.experiment.pair.teacher

    def _rows(self, count: int, seed: int) -> list[Row]:
        experiment = self.experiment
        experiment.profile = replace(self.profile, train_rows=count)
        return experiment.rows_for(seed)

    def _train(self, job: Job) -> dict:
        teacher = self.teacher
        if job.untrained:
            torch.manual_seed(0)
            random = AutoModelForCausalLM.from_config(self.experiment.pair.teacher.config)
            teacher = StatesOfAnother(self.teacher, models.freeze(models.with_positions(random)))
        judged = self.experiment.tune if job.split == "tune" else self.experiment.validation
        rows, pad = self._rows(job.rows, job.seed), self.experiment.pad
        sweep = Sweep(replace(self.profile, epochs=job.epochs), teacher, rows, judged, pad, seed=job.seed)
        return _numbers(sweep.outcome(job.setting))


def _numbers(outcome: Outcome) -> dict:
    return {**as_numbers(outcome.evaluation), "calibration": asdict(outcome.calibration)}


def _calibrations(runs: Sequence[dict]) -> Calibration:
    """The bins of several runs, added up."""
    parts = [Calibration(**run["calibration"]) for run in runs]
    return Calibration(*(tuple(map(sum, zip(*(getattr(p, n) for p in parts), strict=True))) for n in _COLUMNS))


_COLUMNS = ("tokens", "confidence", "right")


def _row(runs: Sequence[dict], control: Sequence[dict], name: str = "CE-only") -> dict:
    """Perplexity over seeds, and the ratio to the control called `name` with its interval."""
    evaluations, others = ([from_numbers(run) for run in some] for some in (runs, control[: len(runs)]))
    effect = paired_effect(evaluations, others)
    return {
        "perplexity": pooled_perplexity(evaluations),
        f"ratio to {name}": effect.ratio,
        "low": effect.low,
        "high": effect.high,
        "calibration error": _calibrations(runs).error,
        "seeds": effect.seeds,
        "by seed": [evaluation.perplexity for evaluation in evaluations],
    }


def knobs(sweeps: Sweeps, control: list[dict], best: Mapping[Point, float]) -> dict:
    """The grid of T and alpha; each knob's row of it, with the share of draws that each value wins."""
    profile = sweeps.profile
    points = {(t, a): sweeps.point(t, a) for t in TEMPERATURES for a in ALPHAS}
    grid = {place: sweeps.over_seeds(point, best[point]) for place, point in points.items()}
    for (t, alpha), jobs in grid.items():
        if t != profile.temperature and alpha not in (0.0, profile.alpha):
            del jobs[FEWER_SEEDS:]
    done = sweeps.run([job for jobs in grid.values() for job in jobs])
    runs = {point: [done[job] for job in jobs] for point, jobs in grid.items()}
    by_t = {t: runs[t, profile.alpha] for t in TEMPERATURES}
    by_alpha = {a: runs[profile.temperature, a] for a in ALPHAS}
    found = {
        "surface": [
            {"temperature": t, "alpha": a, "learning rate": best[points[t, a]], **_row(some, control)}
            for (t, a), some in runs.items()
        ],
        "temperature": [{"temperature": t, **_row(some, control)} for t, some in by_t.items()],
        "alpha": [{"alpha": a, **_row(some, control)} for a, some in by_alpha.items()],
        "calibration": {f"{t:g}": asdict(_calibrations(some)) for t, some in by_t.items()},
    }
    for name, some in (("temperature", by_t), ("alpha", by_alpha)):
        shares = wins({value: [from_numbers(run) for run in each] for value, each in some.items()})
        for row in found[name]:
            row["share of draws won"] = shares[row[name]]
    return found


def text(sweeps: Sweeps, best: Mapping[Point, float], sizes: Sequence[tuple[int, int]]) -> list[dict]:
    """Distilled against CE-only, each at its best rate, by (rows, epochs)."""
    profile, found = sweeps.profile, []
    for rows, epochs in sizes:
        points = [sweeps.point(profile.temperature, alpha, rows, epochs) for alpha in (profile.alpha, 0.0)]
        jobs = [sweeps.over_seeds(point, best[point]) for point in points]
        done = sweeps.run([job for some in jobs for job in some])
        distilled, ce_only = ([done[job] for job in some] for some in jobs)
        found.append(
            {
                "rows": rows,
                "updates": epochs * math.ceil(rows / profile.batch_size),
                "CE-only": pooled_perplexity([from_numbers(run) for run in ce_only]),
                **_row(distilled, ce_only),
            }
        )
    return found


def hidden(sweeps: Sweeps, control: list[dict], rate: float) -> list[dict]:
    """Hidden states beside the loss: the weight, the distance, and three controls; also against logits alone."""
    point, layers = sweeps.point(sweeps.profile.temperature, sweeps.profile.alpha), sweeps.layers
    jobs = functools.partial(sweeps.over_seeds, point, rate)
    middle = WEIGHT_OF_CONTROLS
    arms = {"logits alone": jobs()}
    arms |= {f"MSE, weight {weight:g}": jobs(Hidden(weight, layers)) for weight in WEIGHTS}
    arms |= {f"cosine, weight {weight:g}": jobs(Hidden(weight, layers, loss=COSINE)) for weight in COSINE_WEIGHTS}
    arms |= {
        "control: projection random and frozen": jobs(Hidden(middle, layers, frozen=True)),
        "control: layers in reverse": jobs(Hidden(middle, layers[::-1])),
        "control: states of an untrained teacher": jobs(Hidden(middle, layers), untrained=True),
    }
    done = sweeps.run([job for some in arms.values() for job in some])
    runs = {name: [done[job] for job in some] for name, some in arms.items()}
    return [
        {"hidden states": name, **_row(some, runs["logits alone"], "logits alone"), "to CE-only": _row(some, control)}
        for name, some in runs.items()
    ]


def references(sweeps: Sweeps, control: Sequence[dict]) -> dict:
    """Teacher, untouched student and CE-only: perplexity and calibration."""
    pair, profile = sweeps.experiment.pair, sweeps.profile
    models_as_they_are = {
        f"sweeps/{profile.name}/{name}": functools.partial(sweeps.reference, model)
        for name, model in (("teacher", pair.teacher), ("untouched", pair.student))
    }
    runs = {key.rsplit("/", 1)[1]: [run] for key, run in shared(models_as_they_are).items()}
    return {
        name: {
            "perplexity": pooled_perplexity([from_numbers(run) for run in some]),
            "calibration": asdict(_calibrations(some)),
            "calibration error": _calibrations(some).error,
        }
        for name, some in {**runs, "ce_only": control}.items()
    }


def main() -> None:
    """Run every sweep and write benchmarks/results/sweeps.json."""
    arguments = arguments_of(__doc__)
    profile = get_profile(arguments.profile)
    sweeps = Sweeps(profile, arguments.seeds)
    by_rows = [(rows, profile.epochs) for rows in ROWS]
    equal_updates = [(FEW_ROWS, profile.epochs * MORE_ROWS // FEW_ROWS), (MORE_ROWS, profile.epochs)]
    points = {sweeps.point(t, alpha) for t in TEMPERATURES for alpha in ALPHAS} | {
        sweeps.point(profile.temperature, alpha, *size)
        for alpha in (0.0, profile.alpha)
        for size in (*by_rows, *equal_updates)
    }
    best = sweeps.best_rates(sorted(points, key=lambda p: (p.rows * p.epochs, p.temperature, p.alpha)))
    ce_only, middle = sweeps.point(profile.temperature, 0.0), sweeps.point(profile.temperature, profile.alpha)
    jobs = sweeps.over_seeds(ce_only, best[ce_only])
    done = sweeps.run(jobs)
    control = [done[job] for job in jobs]
    result = {
        "profile": profile.name,
        "rows_swept": profile.sweep_rows,
        "seeds": arguments.seeds,
        "learning_rates": {point.name: rate for point, rate in best.items()},
        "at": {"temperature": profile.temperature, "alpha": profile.alpha},
        "references": references(sweeps, control),
        **knobs(sweeps, control, best),
        "hidden": hidden(sweeps, control, best[middle]),
        "text": text(sweeps, best, by_rows),
        "text at equal updates": text(sweeps, best, equal_updates),
        "layer_map": list(sweeps.layers),
        "cache": {"bytes_a_token": sweeps.teacher.cache.bytes_a_token, "tokens": sweeps.teacher.cache.tokens},
    }
    print(write_result("sweeps", result))


if __name__ == "__main__":
    main()
