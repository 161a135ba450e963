"""What does each error of the printed listing cost?  A student is trained with each error alone and judged correctly.

    python -m benchmarks.listing [--seeds 3]

Settings are the profile's, but for the batches: rows are drawn as they come, as the listing does, so that there is
padding to count.  An error changes the loss and nothing else.  The first row makes no error.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from benchmarks.common import arguments_of, from_numbers, pooled_perplexity, shared, train_and_judge, write_result
from benchmarks.effect import Experiment
from utils.labs.listing import ALONE, Errors, listing_with
from utils.measuring.evaluation import paired_effect
from utils.models.profiles import get_profile

TEMPERATURE, ALPHA = 3.0, 0.5  # the printed defaults


def main() -> None:
    """Train every variant over the seeds and write benchmarks/results/listing.json."""
    arguments = arguments_of(__doc__, seeds=3)
    profile = replace(get_profile(arguments.profile), length_pool=1)
    experiment = Experiment(profile)

    variants = {"no error": Errors(), **ALONE}
    keys = {(name, seed): f"listing/{name}-seed{seed}" for seed in range(arguments.seeds) for name in variants}

    def run(name: str, seed: int) -> dict:
        loss = listing_with(variants[name], TEMPERATURE, ALPHA, experiment.pad)
        return train_and_judge(
            profile, experiment.rows_for(seed), experiment.validation, experiment.pad,
            profile.learning_rate, seed, experiment.pair.teacher, loss,
        )  # fmt: skip

    results = shared({key: partial(run, name, seed) for (name, seed), key in keys.items()})
    evaluations = {
        name: [from_numbers(results[keys[name, seed]]) for seed in range(arguments.seeds)] for name in variants
    }
    rows = []
    for name, variant in evaluations.items():
        effect = paired_effect(variant, evaluations["no error"])
        rows.append({"variant": name, "perplexity": pooled_perplexity(variant), **effect.as_dict()})
    print(write_result("listing", {"temperature": TEMPERATURE, "alpha": ALPHA, "rows": rows}))


if __name__ == "__main__":
    main()
