"""What does each error of the printed listing cost?  A student is trained with each error alone and judged correctly.

    python -m benchmarks.listing [--seeds 3]

Settings are the embedded profile's; an error changes the loss and nothing else.  The first row makes no error.
"""

from __future__ import annotations

import argparse
import math

from benchmarks.common import from_numbers, remembered, train_and_judge, write_result
from benchmarks.effect import Experiment
from utils.evaluation import paired_effect
from utils.listing import ALONE, Errors, listing_with
from utils.profiles import get_profile

TEMPERATURE, ALPHA = 3.0, 0.5  # the printed defaults


def main() -> None:
    """Train every variant over the seeds and write benchmarks/results/listing.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    profile = get_profile("embedded")
    experiment = Experiment(profile)

    def runs(name: str, errors: Errors) -> list:
        loss = listing_with(errors, TEMPERATURE, ALPHA, experiment.pad)
        return [
            from_numbers(
                remembered(
                    f"listing/{name.replace(' ', '_')}-seed{seed}",
                    lambda seed=seed: train_and_judge(
                        profile, experiment.rows_for(seed), experiment.validation, experiment.pad,
                        profile.learning_rate, seed, experiment.pair.teacher, loss,
                    ),
                )
            )
            for seed in range(arguments.seeds)
        ]  # fmt: skip

    right = runs("no error", Errors())
    rows = []
    for name, variant in {"no error": right, **{name: runs(name, errors) for name, errors in ALONE.items()}}.items():
        effect = paired_effect(variant, right)
        nats, tokens = sum(run.nats.sum() for run in variant), sum(run.tokens.sum() for run in variant)
        rows.append({"variant": name, "perplexity": math.exp(nats / tokens), **effect.as_dict()})
    print(write_result("listing", {"temperature": TEMPERATURE, "alpha": ALPHA, "rows": rows}))


if __name__ == "__main__":
    main()
