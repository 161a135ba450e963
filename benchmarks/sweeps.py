"""Which temperature, which alpha, how much text, and do hidden states help?  Five seeds, with intervals.

    python -m benchmarks.sweeps [--seeds 5] [--profile embedded]

Lab 3's sweeps, on the rows that it takes for them; a seed draws the rows and their order, the same for every setting.
The teacher's answers are computed once, into outputs/teacher.  Each alpha, and each number of rows for CE-only and
for distilled, has its own learning rate, chosen on the tune split with seed 0; the temperatures and the hidden states
share that of their alpha.  Everything is compared in pairs with CE-only at its best rate.  The two knobs' lines through
the map have all seeds, the rest of the map two.  Start it twice and the two share the work; an interrupted run goes on.
"""

from __future__ import annotations

import functools
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
from utils.sweeps import Hidden, Outcome, Setting, Sweep, wins
from utils.teacher_cache import cache_answers
from utils.workspace import ROOT

TEMPERATURES = (1.0, 3.0, 5.0, 10.0)
ALPHAS = (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)
ROWS = (125, 250, 500, 1000, 2000)
RATES = (5e-4, 1e-3, 2e-3, 4e-3)
WEIGHTS = (0.01, 0.1, 1.0)
FEWER_SEEDS = 2  # for the points of the map that lie on neither knob's own line
COSINE = functools.partial(hidden_state_loss, distance="cosine")


@dataclass(frozen=True)
class Job:
    """One training: a setting, how many rows, which seed, and what it is judged on."""

    setting: Setting
    rows: int
    seed: int
    split: str = "validation"
    untrained: bool = False

    def key(self, profile: Profile) -> str:
        """Its name among the partial results."""
        setting = self.setting
        parts = [f"T{setting.temperature:g}", f"a{setting.alpha:g}", f"lr{setting.learning_rate or 0:g}"]
        parts += [f"rows{self.rows}", f"seed{self.seed}", self.split]
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

    def over_seeds(self, setting: Setting, rows: int | None = None, untrained: bool = False) -> list[Job]:
        """The jobs of one setting, a seed each."""
        return [Job(setting, rows or self.profile.sweep_rows, seed, untrained=untrained) for seed in self.seeds]

    def best_rates(self, places: Sequence[tuple[float, int]]) -> dict[tuple[float, int], float]:
        """For each (alpha, rows) the learning rate with the lowest perplexity on the tune split."""
        jobs = {
            (place, rate): Job(Setting(self.profile.temperature, place[0], None, rate), place[1], 0, "tune")
            for place in places
            for rate in RATES
        }
        tried = self.run(list(jobs.values()))
        found = {key: from_numbers(tried[job]).perplexity for key, job in jobs.items()}
        return {place: min(RATES, key=lambda rate: found[place, rate]) for place in places}

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
        sweep = Sweep(self.profile, teacher, rows, judged, pad, seed=job.seed)
        return _numbers(sweep.outcome(job.setting))


def _numbers(outcome: Outcome) -> dict:
    return {**as_numbers(outcome.evaluation), "calibration": asdict(outcome.calibration)}


def _calibrations(runs: Sequence[dict]) -> Calibration:
    """The bins of several runs, added up."""
    parts = [Calibration(**run["calibration"]) for run in runs]
    return Calibration(*(tuple(map(sum, zip(*(getattr(p, n) for p in parts), strict=True))) for n in _COLUMNS))


_COLUMNS = ("tokens", "confidence", "right")


def _row(runs: Sequence[dict], control: Sequence[dict]) -> dict:
    """Perplexity over seeds, and the ratio to the control with its interval."""
    evaluations, others = ([from_numbers(run) for run in some] for some in (runs, control[: len(runs)]))
    effect = paired_effect(evaluations, others)
    return {
        "perplexity": pooled_perplexity(evaluations),
        "ratio to CE-only": effect.ratio,
        "low": effect.low,
        "high": effect.high,
        "calibration error": _calibrations(runs).error,
        "seeds": effect.seeds,
        "by seed": [evaluation.perplexity for evaluation in evaluations],
    }


def knobs(sweeps: Sweeps, control: list[dict], rates: Mapping[float, float]) -> dict:
    """The grid of T and alpha; each knob's row of it, with the share of draws that each value wins."""
    profile = sweeps.profile
    grid = {
        (t, a): sweeps.over_seeds(Setting(t if a else profile.temperature, a, None, rates[a]))
        for t in TEMPERATURES
        for a in ALPHAS
    }
    for (t, alpha), jobs in grid.items():
        if t != profile.temperature and alpha not in (0.0, profile.alpha):
            del jobs[FEWER_SEEDS:]
    done = sweeps.run([job for jobs in grid.values() for job in jobs])
    runs = {point: [done[job] for job in jobs] for point, jobs in grid.items()}
    by_t = {t: runs[t, profile.alpha] for t in TEMPERATURES}
    by_alpha = {a: runs[profile.temperature, a] for a in ALPHAS}
    found = {
        "surface": [{"temperature": t, "alpha": a, **_row(some, control)} for (t, a), some in runs.items()],
        "temperature": [{"temperature": t, **_row(some, control)} for t, some in by_t.items()],
        "alpha": [{"alpha": a, **_row(some, control)} for a, some in by_alpha.items()],
        "calibration": {f"{t:g}": asdict(_calibrations(some)) for t, some in by_t.items()},
    }
    for name, some in (("temperature", by_t), ("alpha", by_alpha)):
        shares = wins({value: [from_numbers(run) for run in each] for value, each in some.items()})
        for row in found[name]:
            row["share of draws won"] = shares[row[name]]
    return found


def text(sweeps: Sweeps, best: Mapping[tuple[float, int], float]) -> list[dict]:
    """Distilled against CE-only, each at its best rate, by the number of rows."""
    profile = sweeps.profile
    alphas = (profile.alpha, 0.0)
    jobs = {
        (alpha, rows): sweeps.over_seeds(Setting(profile.temperature, alpha, None, rate), rows)
        for (alpha, rows), rate in best.items()
        if alpha in alphas
    }
    done = sweeps.run([job for some in jobs.values() for job in some])
    distilled, ce_only = ({rows: [done[job] for job in jobs[alpha, rows]] for rows in ROWS} for alpha in alphas)
    return [
        {
            "rows": rows,
            "CE-only": pooled_perplexity([from_numbers(run) for run in ce_only[rows]]),
            **_row(distilled[rows], ce_only[rows]),
        }
        for rows in ROWS
    ]


def hidden(sweeps: Sweeps, control: list[dict], rate: float) -> list[dict]:
    """Hidden states beside the loss: the weight, the distance, and three controls; also against logits alone."""
    profile, layers = sweeps.profile, sweeps.layers

    def jobs(matched: Hidden, untrained: bool = False) -> list[Job]:
        return sweeps.over_seeds(Setting(profile.temperature, profile.alpha, matched, rate), untrained=untrained)

    middle = WEIGHTS[1]
    arms = {"logits alone": sweeps.over_seeds(Setting(profile.temperature, profile.alpha, None, rate))}
    arms |= {f"MSE, weight {weight:g}": jobs(Hidden(weight, layers)) for weight in WEIGHTS}
    arms |= {f"cosine, weight {weight:g}": jobs(Hidden(weight, layers, loss=COSINE)) for weight in WEIGHTS[1:]}
    arms |= {
        "control: projection random and frozen": jobs(Hidden(middle, layers, frozen=True)),
        "control: layers in reverse": jobs(Hidden(middle, layers[::-1])),
        "control: states of an untrained teacher": jobs(Hidden(middle, layers), untrained=True),
    }
    done = sweeps.run([job for some in arms.values() for job in some])
    runs = {name: [done[job] for job in some] for name, some in arms.items()}
    rows = []
    for name, some in runs.items():
        against = paired_effect(*([from_numbers(run) for run in each] for each in (some, runs["logits alone"])))
        rows.append({"hidden states": name, **_row(some, control), "against logits alone": against.as_dict()})
    return rows


def main() -> None:
    """Run every sweep and write benchmarks/results/sweeps.json."""
    arguments = arguments_of(__doc__)
    profile = get_profile(arguments.profile)
    sweeps = Sweeps(profile, arguments.seeds)
    places = [(alpha, profile.sweep_rows) for alpha in ALPHAS]
    places += [(alpha, rows) for alpha in (0.0, profile.alpha) for rows in ROWS if rows != profile.sweep_rows]
    best = sweeps.best_rates(places)
    rates = {alpha: best[alpha, profile.sweep_rows] for alpha in ALPHAS}
    ce_only = sweeps.over_seeds(Setting(profile.temperature, 0.0, None, rates[0.0]))
    done = sweeps.run(ce_only)
    control = [done[job] for job in ce_only]
    pair = sweeps.experiment.pair
    references = shared(
        {
            f"sweeps/{profile.name}/{name}": functools.partial(sweeps.reference, model)
            for name, model in (("teacher", pair.teacher), ("untouched", pair.student))
        }
    )
    references = {key.rsplit("/", 1)[1]: run for key, run in references.items()} | {"ce_only": _merged(control)}
    result = {
        "profile": profile.name,
        "rows_swept": profile.sweep_rows,
        "seeds": arguments.seeds,
        "learning_rates": {f"alpha {alpha:g}, {rows} rows": rate for (alpha, rows), rate in best.items()},
        "at": {"temperature": profile.temperature, "alpha": profile.alpha},
        "references": {
            name: {"perplexity": run["perplexity"] if "perplexity" in run else from_numbers(run).perplexity,
                   "calibration": run["calibration"], "calibration error": Calibration(**run["calibration"]).error}
            for name, run in references.items()
        },
        **knobs(sweeps, control, rates),
        "text": text(sweeps, best),
        "hidden": hidden(sweeps, control, rates[profile.alpha]),
        "layer_map": list(sweeps.layers),
        "cache": {"bytes_a_token": sweeps.teacher.cache.bytes_a_token, "tokens": sweeps.teacher.cache.tokens},
    }  # fmt: skip
    print(write_result("sweeps", result))


def _merged(runs: Sequence[dict]) -> dict:
    perplexity = pooled_perplexity([from_numbers(run) for run in runs])
    return {"perplexity": perplexity, "calibration": asdict(_calibrations(runs))}


if __name__ == "__main__":
    main()
