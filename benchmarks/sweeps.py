"""Which temperature, which alpha, how much text, and do hidden states help?  Five seeds, with intervals.

    python -m benchmarks.sweeps [--seeds 5] [--profile embedded]

Lab 3's sweeps, on the rows that it takes for them.  The teacher's answers are computed once, into outputs/teacher.
Each (T, alpha), and each number of rows for CE-only and for distilled, has its own learning rate, chosen on the tune
split with seed 0; the hidden states share that of the logits alone.  Everything is compared in pairs with CE-only at
its best rate.  The two knobs' lines through the map have all seeds, the rest of the map two.  Calibration by T is
measured once more at rates that all T share.  More rows mean more updates, so the effect of text is measured twice: by
rows at the profile's epochs, and once more for few rows that are read until they had the updates of more.  Start it
twice and the two share the work; an interrupted run goes on.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from benchmarks.common import arguments_of, from_numbers, pooled_perplexity, shared, write_result
from benchmarks.sweep_jobs import COSINE, ROWS, Point, Sweeps
from utils.data.batches import BatchPlan
from utils.losses.hidden_states import hidden_state_loss
from utils.losses.topk import truncation_bias
from utils.measuring.calibration import Calibration
from utils.measuring.evaluation import paired_effect
from utils.measuring.sweeps import Hidden, wins
from utils.models.profiles import get_profile

TEMPERATURES = (1.0, 3.0, 5.0, 10.0)
ALPHAS = (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)
FEW_ROWS, MORE_ROWS = 250, 1000  # the few are read so often that both give as many updates
WEIGHTS, COSINE_WEIGHTS = (0.001, 0.01, 0.1, 1.0), (0.1, 1.0)
DISTANCES = {"MSE": hidden_state_loss, "cosine": COSINE}
# One weight that suits the states' size, one that is large beside it, and a distance for which their size is nothing.
CONTROLS = (("MSE", 0.001), ("MSE", 0.1), ("cosine", 0.1))
KEPT, BATCHES_TRUNCATED = (8, 64, 512), 4  # tokens of an answer, and on how many batches that is tried
SEEDS_OF_CALIBRATION = 3
FEWER_SEEDS = 2  # for the points of the map that lie on neither knob's own line


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


def calibration_by_rate(sweeps: Sweeps, best: Mapping[Point, float]) -> list[dict]:
    """Confidence minus accuracy by T at each rate that was best for one of them: is it the temperature or the rate?

    low, high: the seed that promises least and the one that promises most.
    """
    points = [sweeps.point(t, sweeps.profile.alpha) for t in TEMPERATURES]
    rates = sorted({best[point] for point in points})
    jobs = {(rate, point): sweeps.over_seeds(point, rate)[:SEEDS_OF_CALIBRATION] for rate in rates for point in points}
    done = sweeps.run([job for some in jobs.values() for job in some])
    found = []
    for (rate, point), some in jobs.items():
        runs = [done[job] for job in some]
        by_seed = [_calibrations([run]).overconfidence for run in runs]
        found.append(
            {
                "learning rate": rate,
                "temperature": point.temperature,
                "confidence minus accuracy": _calibrations(runs).overconfidence,
                "low": min(by_seed),
                "high": max(by_seed),
                "calibration error": _calibrations(runs).error,
                "perplexity": pooled_perplexity([from_numbers(run) for run in runs]),
                "seeds": len(runs),
            }
        )
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
    arms = {"logits alone": jobs()}
    arms |= {f"MSE, weight {weight:g}": jobs(Hidden(weight, layers)) for weight in WEIGHTS}
    arms |= {f"cosine, weight {weight:g}": jobs(Hidden(weight, layers, loss=COSINE)) for weight in COSINE_WEIGHTS}
    for distance, weight in CONTROLS:
        name, matched = f"control, {distance}, weight {weight:g}", Hidden(weight, layers, loss=DISTANCES[distance])
        arms |= {
            f"{name}: projection random and frozen": jobs(replace(matched, frozen=True)),
            f"{name}: layers in reverse": jobs(replace(matched, teacher_layers=layers[::-1])),
            f"{name}: states of an untrained teacher": jobs(matched, untrained=True),
        }
    done = sweeps.run([job for some in arms.values() for job in some])
    runs = {name: [done[job] for job in some] for name, some in arms.items()}
    return [
        {"hidden states": name, **_row(some, runs["logits alone"], "logits alone"), "to CE-only": _row(some, control)}
        for name, some in runs.items()
    ]


def truncation(sweeps: Sweeps) -> list[dict]:
    """What is lost of the soft part where the k most likely tokens of an answer are kept, for the untouched student."""
    pair, profile = sweeps.experiment.pair, sweeps.profile
    rows = tuple(sweeps.rows(profile.sweep_rows, 0))
    plan = BatchPlan(rows, profile.batch_size, sweeps.experiment.pad, pool=profile.length_pool)
    some = list(itertools.islice(plan.epoch(0), BATCHES_TRUNCATED))
    found = []
    for temperature in TEMPERATURES:
        for k in KEPT:
            bias = truncation_bias(pair.student, pair.teacher, some, k, temperature)
            told = {"whole": bias.whole, "one bin": bias.with_tail, "scaled up": bias.without_tail}
            found.append({"temperature": temperature, "k": k, **told, "mass of the others": bias.tail_mass})
    return found


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
        "calibration by rate": calibration_by_rate(sweeps, best),
        "hidden": hidden(sweeps, control, best[middle]),
        "text": text(sweeps, best, by_rows),
        "text at equal updates": text(sweeps, best, equal_updates),
        "truncation": truncation(sweeps),
        "layer_map": list(sweeps.layers),
        "cache": {"bytes_per_token": sweeps.teacher.cache.bytes_per_token, "tokens": sweeps.teacher.cache.tokens},
    }
    print(write_result("sweeps", result))


if __name__ == "__main__":
    main()
