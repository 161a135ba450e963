"""Does distilling beat training on labels alone?  Five seeds, a control with its own best learning rate, an interval.

    python -m benchmarks.effect [--seeds 5] [--profile embedded] [--skip-tuning]

Both arms' learning rates are chosen on the tune split, the verdict is on the validation split, and nothing of either
is trained on.  A seed draws which rows are trained on and in which order, the same for both arms.  An interrupted run
goes on where it stopped, and a second start of the same command shares the work; partial results lie in
outputs/benchmarks.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

import numpy as np
import torch

from benchmarks.common import arguments_of, as_numbers, from_numbers, shared, train_and_judge, write_result
from utils.data.batches import Row, rows_of
from utils.data.corpus import load_corpus
from utils.losses.core import distillation_loss
from utils.measuring.evaluation import comparison_row, evaluate, paired_effect
from utils.measuring.shown import interval
from utils.models import loading as models
from utils.models.profiles import Profile, get_profile

LEARNING_RATES = (1e-3, 2e-3, 4e-3, 8e-3)
ARMS = ("ce_only", "distilled")


class Experiment:
    """The pair, the text and the two arms of the comparison."""

    def __init__(self, profile: Profile):
        self.profile = profile
        self.pair = models.load_pair(profile)
        corpus = load_corpus(profile.text, profile.min_characters)
        rows = partial(rows_of, tokenizer=self.pair.tokenizer, max_length=profile.max_length)
        self.train, self.tune = rows(corpus.train), rows(corpus.tune)
        self.validation = rows(corpus.validation, limit=profile.evaluation_rows)
        self.pad = self.pair.tokenizer.pad_token_id

    def rows_for(self, seed: int) -> list[Row]:
        """The training rows of a seed; those of seed 0 are the lab's own."""
        if seed == 0:
            return self.train[: self.profile.train_rows]
        order = np.random.Generator(np.random.PCG64(seed)).permutation(len(self.train))
        return [self.train[index] for index in order[: self.profile.train_rows]]

    def run(self, arm: str, learning_rate: float, seed: int, judged: list[Row]) -> dict:
        """Train one arm and judge it on the given rows."""
        loss = None
        if arm == "distilled":
            loss = partial(distillation_loss, temperature=self.profile.temperature, alpha=self.profile.alpha)
        teacher = self.pair.teacher if loss else None
        return train_and_judge(self.profile, self.rows_for(seed), judged, self.pad, learning_rate, seed, teacher, loss)

    def judge(self, model: torch.nn.Module) -> dict:
        """A model as it is, on the validation rows."""
        return as_numbers(evaluate(model, self.validation, self.pad))

    def best_learning_rates(self) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
        """Each arm's best learning rate on the tune split, and the perplexities it was chosen from."""
        jobs = {
            (arm, rate): f"effect/{self.profile.name}/tune-{arm}-{rate:g}" for rate in LEARNING_RATES for arm in ARMS
        }
        runs = shared({key: partial(self.run, arm, rate, 0, self.tune) for (arm, rate), key in jobs.items()})
        tried = {arm: {f"{rate:g}": _perplexity(runs[jobs[arm, rate]]) for rate in LEARNING_RATES} for arm in ARMS}
        best = {arm: float(min(perplexities, key=perplexities.get)) for arm, perplexities in tried.items()}
        return best, tried


def _perplexity(numbers: dict) -> float:
    return from_numbers(numbers).perplexity


def main() -> None:
    """Tune, run every seed, and write benchmarks/results/effect.json."""
    arguments = arguments_of(__doc__, tunes=True)
    profile = get_profile(arguments.profile)
    experiment = Experiment(profile)
    best, tried = {"ce_only": profile.ce_learning_rate, "distilled": profile.learning_rate}, {}
    if not arguments.skip_tuning:
        best, tried = experiment.best_learning_rates()

    name = f"effect/{profile.name}"
    keys = {(arm, seed): f"{name}/{arm}-{best[arm]:g}-seed{seed}" for seed in range(arguments.seeds) for arm in ARMS}
    jobs = {
        key: partial(experiment.run, arm, best[arm], seed, experiment.validation) for (arm, seed), key in keys.items()
    }
    for model in ("teacher", "student"):
        jobs[f"{name}/{model}"] = partial(experiment.judge, getattr(experiment.pair, model))
    runs = {key: from_numbers(numbers) for key, numbers in shared(jobs).items()}
    arms = {arm: [runs[keys[arm, seed]] for seed in range(arguments.seeds)] for arm in ARMS}
    references = {"teacher": runs[f"{name}/teacher"], "untouched": runs[f"{name}/student"]}
    effect = paired_effect(arms["distilled"], arms["ce_only"])
    sizes = {name: models.count_parameters(experiment.pair.student) for name in ("untouched", *ARMS)}
    sizes["teacher"] = models.count_parameters(experiment.pair.teacher)
    first = {**references, **{arm: runs[0] for arm, runs in arms.items()}}
    path = write_result(
        "effect",
        {
            "profile": asdict(profile) | {"teacher": "embedded teacher", "student": "embedded student"},
            "documents": len(arms["ce_only"][0].documents),
            "learning_rates": best,
            "tuning": tried,
            "rows": [comparison_row(name, sizes[name], first[name]) for name in ("teacher", "untouched", *ARMS)],
            "perplexity_by_seed": {arm: [run.perplexity for run in runs] for arm, runs in arms.items()},
            "effects": {"distilled_vs_ce_only": effect.as_dict()},
        },
    )
    bounds = interval(effect.as_dict(), ".4f")
    print(f"distilled / CE-only: {effect.ratio:.4f} ({bounds}), {effect.seeds} seeds; {path}")


if __name__ == "__main__":
    main()
