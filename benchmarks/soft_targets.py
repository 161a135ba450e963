"""Is it the likeness between tokens that helps, or only that targets are soft?  And how soft should they be?

    python -m benchmarks.soft_targets [--seeds 5] [--profile embedded] [--skip-tuning]

Lab 1's arms on as many rows as its sweeps take: hard labels, soft targets, soft targets shuffled beyond the top token,
label smoothing; then the soft targets at T = 1, 5 and 20.  Each arm has its own learning rate, chosen on the tune split
with seed 0; the temperatures share that of the soft targets.  The verdict is on the validation split, in pairs with
hard labels.  A seed draws the rows and their order, the same for every arm.  An interrupted run goes on where it was.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import replace

from benchmarks.common import (
    arguments_of,
    from_numbers,
    pooled_perplexity,
    shared,
    train_and_judge,
    write_result,
)
from benchmarks.effect import Experiment
from utils.labs.soft_target_controls import HARD, SHUFFLED, SOFT, arms, soft_target_loss
from utils.measuring.evaluation import Evaluation, paired_effect
from utils.measuring.shown import interval
from utils.models.profiles import Profile, get_profile
from utils.training.loop import LossFunction

LEARNING_RATES = (5e-4, 1e-3, 2e-3, 4e-3)
TEMPERATURES = (1.0, 5.0, 20.0)


class Arms:
    """The losses by name, and how one of them is trained and judged."""

    def __init__(self, profile: Profile):
        self.profile = replace(profile, train_rows=profile.sweep_rows)
        self.experiment = Experiment(self.profile)
        self.losses: dict[str, LossFunction] = arms(profile.temperature, profile.alpha)
        self.temperatures = {f"T = {t:g}": soft_target_loss(t, profile.alpha) for t in TEMPERATURES}

    def evaluations(self, runs: Iterable[tuple[str, float, int]], split: str = "validation") -> list[Evaluation]:
        """One training for each (arm, learning rate, seed), judged on a split; computed once, shared by all starts."""
        runs = [(self._same_loss(arm), rate, seed) for arm, rate, seed in runs]
        name = f"soft_targets/{self.profile.name}/{split}"
        keys = [f"{name}-{arm.replace(' ', '_')}-{rate:g}-seed{seed}" for arm, rate, seed in runs]
        jobs = {key: functools.partial(self._train, *run, split) for key, run in zip(keys, runs, strict=True)}
        results = shared(jobs)
        return [from_numbers(results[key]) for key in keys]

    def _same_loss(self, arm: str) -> str:
        return SOFT if arm == f"T = {self.profile.temperature:g}" else arm

    def _train(self, arm: str, rate: float, seed: int, split: str) -> dict:
        experiment = self.experiment
        judged = experiment.tune if split == "tune" else experiment.validation
        rows, loss = experiment.rows_for(seed), (self.losses | self.temperatures)[arm]
        teacher = experiment.pair.teacher
        return train_and_judge(self.profile, rows, judged, experiment.pad, rate, seed, teacher, loss)

    def best_rates(self) -> dict[str, float]:
        """For each arm the learning rate with the lowest perplexity on the tune split."""
        runs = [(arm, rate, 0) for arm in self.losses for rate in LEARNING_RATES]
        tried = zip(runs, self.evaluations(runs, "tune"), strict=True)
        perplexities = {(arm, rate): evaluation.perplexity for (arm, rate, _), evaluation in tried}
        return {arm: min(LEARNING_RATES, key=lambda rate: perplexities[arm, rate]) for arm in self.losses}


def main() -> None:
    """Tune, run every arm with every seed, and write benchmarks/results/soft_targets.json."""
    arguments = arguments_of(__doc__, tunes=True)
    profile = get_profile(arguments.profile)
    compared = Arms(profile)

    given = {arm: profile.learning_rate for arm in compared.losses} | {HARD: profile.ce_learning_rate}
    rates = given if arguments.skip_tuning else compared.best_rates()
    rates |= {arm: rates[SOFT] for arm in compared.temperatures}
    asked = [(arm, rate, seed) for seed in range(arguments.seeds) for arm, rate in rates.items()]
    found = dict(zip(asked, compared.evaluations(asked), strict=True))
    runs = {arm: [found[arm, rate, seed] for seed in range(arguments.seeds)] for arm, rate in rates.items()}
    effects = {arm: paired_effect(evaluations, runs[HARD]).as_dict() for arm, evaluations in runs.items()}
    effects["soft_vs_shuffled"] = paired_effect(runs[SOFT], runs[SHUFFLED]).as_dict()
    rows = [
        {
            "trained on": arm,
            "learning_rate": rates[arm],
            "perplexity": pooled_perplexity(runs[arm]),
            "ratio to hard labels": effects[arm]["ratio"],
            "low": effects[arm]["low"],
            "high": effects[arm]["high"],
        }
        for arm in rates
    ]
    by_seed = {arm: [run.perplexity for run in evaluations] for arm, evaluations in runs.items()}
    sizes = {"train_rows": compared.profile.train_rows, "seeds": arguments.seeds, "alpha": profile.alpha}
    result = {"profile": profile.name, **sizes, "tuned": not arguments.skip_tuning}
    result |= {"learning_rates": rates, "rows": rows, "effects": effects, "perplexity_by_seed": by_seed}
    path = write_result("soft_targets", result)
    for arm, effect in effects.items():
        print(f"{arm:>24}: {effect['ratio']:.4f} ({interval(effect, '.4f')})")
    print(path)


if __name__ == "__main__":
    main()
