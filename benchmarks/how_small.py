"""Which blocks may go, how is a pruned student healed, and in how many steps?  Five seeds, paired over documents.

    python -m benchmarks.how_small [--seeds 5] [--profile embedded]     the cells that no main claim rests on take three

Lab 7's students, cut from the embedded teacher and healed on as many rows as the sweeps take.  First, without healing:
the teacher without each block, and every choice of half of its blocks.  Then healed: the choices by influence, by a
trial, the first, the last, evenly spaced and random ones, on labels alone and distilled; all blocks with fewer heads
and neurons; fresh weights; hidden states matched; other sizes; and progressive against direct.  An interrupted run
goes on where it was, and two starts share the work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from benchmarks.common import arguments_of, from_numbers, pooled_perplexity, write_result
from benchmarks.how_small_arms import CE, HIDDEN, KD, Arm, Arms
from benchmarks.how_small_speed import relative_seconds
from utils.measuring.evaluation import paired_effect
from utils.measuring.influence import kept_layers
from utils.models.profiles import get_profile

RATES = {CE: (5e-4, 1e-3, 2e-3), KD: (1e-3, 2e-3, 4e-3)}
HIDDEN_WEIGHTS = (0.01, 0.1, 1.0)
SEEDS_BESIDE = 3
MAIN_RULES = ("by influence", "by trial", "evenly spaced", "the first")
LONGER = 3  # epochs of CE-only that cost at least the seconds of 2 of distilling
WIDTHS = {"half": (4, 512), "a third": (3, 320)}  # heads and neurons that give about the parameters of fewer blocks
EQUAL_TOKENS, EQUAL_SECONDS = 4, 5  # epochs of the direct student, against 2 of the middle and 2 of its student


@dataclass(frozen=True)
class Cell:
    """A line of the table: a student, how it is healed, and the arm of each seed."""

    student: str
    arms: tuple[Arm, ...]

    @property
    def healing(self) -> str:
        return self.arms[0].healing

    @property
    def epochs(self) -> int:
        return self.arms[0].epochs


def main() -> None:
    """Cut, heal and judge every arm, and write benchmarks/results/how_small.json."""
    arguments = arguments_of(__doc__)
    arms = Arms(get_profile(arguments.profile))
    before = unhealed(arms)
    rates, tried = tuned(arms)
    cells = cells_of(arms, rates, arguments.seeds)
    done = arms.judged(in_turn(cells, arguments.seeds))
    teacher = arms.judged([whole(arms)])[whole(arms)]
    result = {
        "profile": arms.profile.name,
        "seeds": arguments.seeds,
        "train_rows": arms.profile.train_rows,
        "influence": arms.influence(),
        "unhealed": before,
        "tried on the tune split": tried,
        "rows": [row(cell, [done[arm] for arm in cell.arms], teacher) for cell in cells],
        "effects": effects(cells, done),
        "seconds a token": relative_seconds(arms, shapes(cells)),
    }
    print(write_result("how_small", result))


def whole(arms: Arms) -> Arm:
    """The teacher itself."""
    return Arm(tuple(range(arms.depth)))


def unhealed(arms: Arms) -> dict:
    """Perplexities without healing: with all blocks, without each one, and of every choice of half of them."""
    every, half = range(arms.depth), arms.depth // 2
    single = {place: Arm(tuple(other for other in every if other != place)) for place in every}
    halves = [Arm(blocks) for blocks in combinations(every, half)]
    done = arms.judged([whole(arms), *single.values(), *halves])
    tune = arms.judged(halves, "tune")
    perplexity = {arm: from_numbers(run).perplexity for arm, run in done.items()}
    influence = arms.influence()
    return {
        "teacher": perplexity[whole(arms)],
        "without": [
            {"block": place, "influence": influence[place], "perplexity": perplexity[arm]}
            for place, arm in single.items()
        ],
        "halves": sorted(
            (
                {"kept": str(arm.blocks), "perplexity": perplexity[arm], "tune": from_numbers(tune[arm]).perplexity}
                for arm in halves
            ),
            key=lambda found: found["perplexity"],
        ),
    }


def tuned(arms: Arms) -> tuple[dict[tuple[str, str], float], list[dict]]:
    """The best learning rates on the tune split for fewer blocks and for fewer heads, one seed; and all that was tried.

    The weight of the hidden states is chosen there too.
    """
    depth = Arm(tuple(kept_layers(arms.influence(), arms.depth // 2)))
    width = replace(whole(arms), heads=WIDTHS["half"][0], neurons=WIDTHS["half"][1])
    asked = {
        (shape, healing, rate): replace(arm, healing=healing, rate=rate)
        for shape, arm in (("blocks", depth), ("heads", width))
        for healing, some in RATES.items()
        for rate in some
    }
    found = {key: _perplexity(arms, arm) for key, arm in asked.items()}
    best = {
        key: min(RATES[key[1]], key=lambda rate, key=key: found[*key, rate])
        for key in {(shape, healing) for shape, healing, _ in asked}
    }
    weights = {
        weight: replace(depth, healing=HIDDEN, rate=best["blocks", KD], hidden_weight=weight)
        for weight in HIDDEN_WEIGHTS
    }
    found |= {("blocks", f"{HIDDEN}, weight {weight:g}", arm.rate): _perplexity(arms, arm)
              for weight, arm in weights.items()}  # fmt: skip
    best["blocks", HIDDEN] = min(HIDDEN_WEIGHTS, key=lambda weight: _perplexity(arms, weights[weight]))
    tried = [
        {"fewer": shape, "healing": healing, "learning rate": rate, "perplexity": perplexity}
        for (shape, healing, rate), perplexity in found.items()
    ]
    return best, tried


def _perplexity(arms: Arms, arm: Arm) -> float:
    return from_numbers(arms.judged([arm], "tune")[arm]).perplexity


def rules(arms: Arms, seed: int) -> dict[str, tuple[int, ...]]:
    """The half of the blocks that each rule keeps, by the rule's name; the random ones are drawn for each seed."""
    depth, keep = arms.depth, arms.depth // 2
    halves = [Arm(blocks) for blocks in combinations(range(depth), keep)]
    random = np.random.Generator(np.random.PCG64(seed)).permutation(depth)[:keep]
    return {
        "by influence": tuple(kept_layers(arms.influence(), keep)),
        "by trial": min(halves, key=lambda arm: _perplexity(arms, arm)).blocks,
        "evenly spaced": tuple(round(place) for place in np.linspace(0, depth - 1, keep)),
        "the first": tuple(range(keep)),
        "the last": tuple(range(depth - keep, depth)),
        "random": tuple(sorted(int(place) for place in random)),
    }


def cells_of(arms: Arms, rates: Mapping[tuple[str, str], float], seeds: int) -> list[Cell]:
    """Every line of the table: the main ones with so many seeds, the others with at most three."""
    ce, kd, beside = rates["blocks", CE], rates["blocks", KD], min(seeds, SEEDS_BESIDE)
    kept, influence = rules(arms, 0), arms.influence()
    by_influence, ends = Arm(kept["by influence"]), Arm(tuple(kept_layers(influence, 2)))
    teaches = {"middle": True, "teacher": False}
    of_rules = [rules(arms, seed) for seed in range(seeds)]
    found = [
        Cell(rule, tuple(Arm(some[rule], healing, rate, seed=seed) for seed, some in enumerate(of_rules[:count])))
        for rule, count in ((rule, seeds if rule in MAIN_RULES else beside) for rule in kept)
        for healing, rate in ((CE, ce), (KD, kd))
    ]

    def add(student: str, first: Arm, healing: str, rate: float, count: int, **more: object) -> None:
        every = (replace(first, healing=healing, rate=rate, seed=seed, **more) for seed in range(count))
        found.append(Cell(student, tuple(every)))

    for (size, (heads, neurons)), count in zip(WIDTHS.items(), (seeds, beside), strict=True):
        for healing in (CE, KD):
            narrow = replace(whole(arms), heads=heads, neurons=neurons)
            add(f"narrow, {size}", narrow, healing, rates["heads", healing], count)
    for epochs, count in ((2, seeds), (EQUAL_TOKENS, seeds), (EQUAL_SECONDS, beside)):
        add("2 by influence", ends, KD, kd, count, epochs=epochs)
    for (who, by_middle), count in zip(teaches.items(), (seeds, beside), strict=True):
        middle = by_influence.blocks
        add(f"progressive, taught by the {who}", ends, KD, kd, count, middle=middle, taught_by_middle=by_middle)
    for rule in ("by influence", "the first"):
        add(rule, Arm(kept[rule]), CE, ce, beside, epochs=LONGER)
    add("by influence", by_influence, HIDDEN, kd, beside, hidden_weight=rates["blocks", HIDDEN])
    add("fresh weights", by_influence, KD, kd, beside, fresh=True)
    add("2 by influence", ends, CE, ce, beside)
    for keep in (1, 4, 5):
        add(f"{keep} by influence", Arm(tuple(kept_layers(influence, keep))), KD, kd, beside)
    return found


def in_turn(cells: Sequence[Cell], seeds: int) -> list[Arm]:
    """Every arm, those of the main cells first: what an interrupted run leaves is then worth most."""
    turns = [
        (seed if len(cell.arms) == seeds else 2 * seed + 0.5, arm)
        for cell in cells
        for seed, arm in enumerate(cell.arms)
    ]
    return [arm for _, arm in sorted(turns, key=lambda turn: turn[0])]


def row(cell: Cell, runs: Sequence[Mapping], teacher: Mapping) -> dict:
    """An arm's pooled perplexity, each seed's, its ratio to the teacher's, its size, and processor's seconds a seed."""
    each, kept = [from_numbers(run) for run in runs], {str(arm.blocks) for arm in cell.arms}
    over = paired_effect(each, [from_numbers(teacher)] * len(each))
    return {
        "student": cell.student,
        "seeds": len(each),
        "kept": kept.pop() if len(kept) == 1 else "drawn for each seed",
        "healing": cell.healing,
        "epochs": cell.epochs,
        "learning rate": cell.arms[0].rate,
        "parameters": runs[0]["parameters"],
        "perplexity": pooled_perplexity(each),
        "over the teacher": over.ratio,
        "low": over.low,
        "high": over.high,
        "by seed": [one.perplexity for one in each],
        "seconds": sum(run["seconds"] for run in runs) / len(runs),
    }


def effects(cells: Sequence[Cell], done: Mapping[Arm, Mapping]) -> list[dict]:
    """The pairs that the lab's claims rest on: perplexity over perplexity, with an interval."""
    named = {(cell.student, cell.healing, cell.epochs): cell for cell in cells}
    pairs = [((cell.student, KD, 2), (cell.student, CE, 2)) for cell in cells if (cell.student, KD, 2) in named]
    pairs = [pair for pair in dict.fromkeys(pairs) if pair[1] in named]
    pairs += [((rule, KD, 2), (rule, CE, LONGER)) for rule in ("by influence", "the first")]
    pairs += [
        ((rule, healing, 2), ("by influence", healing, 2))
        for rule in ("by trial", "evenly spaced", "the first", "the last", "random", "narrow, half")
        for healing in (CE, KD)
    ]
    pairs += [(("narrow, half", healing, 2), ("evenly spaced", healing, 2)) for healing in (CE, KD)]
    pairs += [(("by influence", HIDDEN, 2), ("by influence", KD, 2))]
    pairs += [(("narrow, a third", healing, 2), ("2 by influence", healing, 2)) for healing in (CE, KD)]
    pairs += [
        ((f"progressive, taught by the {who}", KD, 2), ("2 by influence", KD, epochs))
        for who in ("middle", "teacher")
        for epochs in (2, EQUAL_TOKENS, EQUAL_SECONDS)
    ]
    return [
        {"student": ", ".join(map(str, one)), "against": ", ".join(map(str, other))}
        | compared(named[one], named[other], done)
        for one, other in pairs
    ]


def compared(one: Cell, other: Cell, done: Mapping[Arm, Mapping]) -> dict:
    """Perplexity over perplexity, over the seeds that both have."""
    pairs = list(zip(one.arms, other.arms, strict=False))
    return paired_effect(*([from_numbers(done[arm]) for arm in arms] for arms in zip(*pairs, strict=True))).as_dict()


def shapes(cells: Sequence[Cell]) -> dict[str, Arm]:
    """One unhealed student of each shape, by a short name: their seconds do not depend on what they learned."""
    found = {}
    for cell in cells:
        arm = cell.arms[0]
        name = f"{len(arm.blocks)} blocks" + (f", {arm.heads} heads, {arm.neurons} neurons" if arm.heads else "")
        found.setdefault(name, Arm(arm.blocks, heads=arm.heads, neurons=arm.neurons))
    return found


if __name__ == "__main__":
    main()
