"""Which blocks may go, how is a pruned student healed, and in how many steps?  Five seeds, paired over documents.

    python -m benchmarks.how_small [--seeds 5] [--profile embedded]

Lab 7's students, cut from the embedded teacher and healed on as many rows as the sweeps take.  First, without healing:
the teacher without each block, and every choice of half of its blocks.  Then healed: the choices by influence, the
first, the last, evenly spaced ones and a random one, each on labels alone and distilled, for equal steps; on labels
alone also for as many more epochs as cost about the seconds of distilling.  Then progressive against direct, at equal
tokens.  An interrupted run goes on where it was, and two starts share the work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from benchmarks.common import arguments_of, from_numbers, pooled_perplexity, write_result
from benchmarks.how_small_arms import LOSSES, NOT_HEALED, Arm, Arms
from utils.measuring.evaluation import paired_effect
from utils.measuring.influence import kept_layers
from utils.models.profiles import get_profile

RATES = {"CE-only": 1e-3}  # one seed showed 1e-3 (of 1e-3, 2e-3, 4e-3) best for labels, 2e-3 for distilling
OTHER_RATE = 2e-3
LONGER = 3  # epochs of CE-only that cost about as many seconds as 2 of distilling


def choices(influence: Sequence[float], keep: int) -> dict[str, tuple[int, ...]]:
    """The blocks that each rule keeps, by the rule's name."""
    depth = len(influence)
    random = np.random.Generator(np.random.PCG64(0)).permutation(depth)[:keep]
    return {
        "by influence": tuple(kept_layers(influence, keep)),
        "the first": tuple(range(keep)),
        "the last": tuple(range(depth - keep, depth)),
        "evenly spaced": tuple(round(place) for place in np.linspace(0, depth - 1, keep)),
        "random": tuple(sorted(int(place) for place in random)),
    }


def unhealed(arms: Arms) -> dict:
    """Perplexities without healing: with all blocks, without each one, and of every choice of half of them."""
    every, half = range(arms.depth), arms.depth // 2
    single = {place: Arm(tuple(other for other in every if other != place)) for place in every}
    halves = [Arm(blocks) for blocks in combinations(every, half)]
    done = arms.judged([Arm(tuple(every)), *single.values(), *halves])
    perplexity = {arm: from_numbers(run).perplexity for arm, run in done.items()}
    influence = arms.influence()
    return {
        "teacher": perplexity[Arm(tuple(every))],
        "without": [
            {"block": place, "influence": influence[place], "perplexity without it": perplexity[arm]}
            for place, arm in single.items()
        ],
        "halves": sorted(({"kept": str(arm.blocks), "perplexity": perplexity[arm]} for arm in halves),
                         key=lambda row: row["perplexity"]),
    }  # fmt: skip


def healed(arms: Arms, seeds: Sequence[int]) -> dict:
    """Every rule, not healed and healed in each way, over all seeds; and distilled over CE-only in pairs."""
    kept = choices(arms.influence(), arms.depth // 2)
    asked = {
        (rule, healing, epochs): [Arm(blocks, healing, RATES.get(healing, OTHER_RATE), epochs, seed) for seed in seeds]
        for rule, blocks in kept.items()
        for healing, epochs in (*((healing, 2) for healing in LOSSES), ("CE-only", LONGER))
    }
    done = arms.judged([arm for some in asked.values() for arm in some])
    before = arms.judged([Arm(blocks) for blocks in kept.values()])
    rows = [
        {"blocks": rule, "kept": str(blocks), "healing": NOT_HEALED, "epochs": 0} | measured([before[Arm(blocks)]])
        for rule, blocks in kept.items()
    ]
    rows += [
        {"blocks": rule, "kept": str(kept[rule]), "healing": healing, "epochs": epochs}
        | measured([done[arm] for arm in some])
        for (rule, healing, epochs), some in asked.items()
    ]
    effects = [
        {"blocks": rule, "against": f"CE-only, {epochs} epochs"}
        | effect(
            [done[arm] for arm in asked[rule, "distilled", 2]], [done[arm] for arm in asked[rule, "CE-only", epochs]]
        )
        for rule in kept
        for epochs in (2, LONGER)
    ]
    return {"rows": rows, "distilled over CE-only": effects}


def progressive(arms: Arms, seeds: Sequence[int]) -> list[dict]:
    """First and last block: cut from a healed middle model, against cut from the teacher for as many tokens."""
    ends = (0, arms.depth - 1)
    middle = tuple(sorted({*ends, *kept_layers(arms.influence(), arms.depth // 2)}))
    found = []
    for healing in ("distilled", "distilled, soft part alone"):
        two_steps = [Arm(ends, healing, OTHER_RATE, 2, seed, middle) for seed in seeds]
        direct = {epochs: [Arm(ends, healing, OTHER_RATE, epochs, seed) for seed in seeds] for epochs in (2, 4)}
        done = arms.judged([*two_steps, *direct[2], *direct[4]])
        runs = [done[arm] for arm in two_steps]
        for epochs, some in direct.items():
            other = [done[arm] for arm in some]
            found.append(
                {"healing": healing, "middle": str(middle), "direct epochs": epochs}
                | {"progressive": measured(runs), "direct": measured(other), "ratio": effect(runs, other)}
            )
    return found


def measured(runs: Sequence[Mapping]) -> dict:
    """The pooled perplexity of an arm, each seed's, its size, and the processor's seconds a seed."""
    each = [from_numbers(run) for run in runs]
    return {
        "parameters": runs[0]["parameters"],
        "perplexity": pooled_perplexity(each),
        "by seed": [one.perplexity for one in each],
        "seeds": len(runs),
        "seconds": sum(run["seconds"] for run in runs) / len(runs),
    }


def effect(runs: Sequence[Mapping], others: Sequence[Mapping]) -> dict:
    """The ratio of two arms' perplexities with its 95 % interval over documents and seeds."""
    return paired_effect([from_numbers(run) for run in runs], [from_numbers(run) for run in others]).as_dict()


def main() -> None:
    """Cut, heal and judge every arm, and write benchmarks/results/how_small.json."""
    arguments = arguments_of(__doc__)
    arms, seeds = Arms(get_profile(arguments.profile)), range(arguments.seeds)
    result = {
        "profile": arms.profile.name,
        "train_rows": arms.profile.train_rows,
        "influence": arms.influence(),
        "unhealed": unhealed(arms),
        **healed(arms, seeds),
        "progressive": progressive(arms, seeds),
    }
    print(write_result("how_small", result))


if __name__ == "__main__":
    main()
