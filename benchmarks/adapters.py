"""Which rank does distillation need?  Adapters of rank 1 to 64, distilled and on labels alone, beside full training.

    python -m benchmarks.adapters [--seeds 5] [--profile embedded]

Every cell (what is trained, and on which objective) has its own learning rate, chosen on the tune split; the verdict is
on the validation split, with as many seeds for every rank.  A seed draws the rows, their order and the adapter's start.
How much is forgotten is asked on general text that the student was made from: docstrings of a package of its training.
An interrupted run goes on where it was, and two starts share the work.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from transformers import PreTrainedModel

from benchmarks.common import (
    arguments_of,
    as_numbers,
    from_numbers,
    next_rates,
    pooled_perplexity,
    shared,
    write_result,
)
from benchmarks.effect import Experiment
from utils.data.batches import BatchPlan
from utils.labs import adapters
from utils.losses.core import distillation_loss
from utils.measuring.evaluation import Evaluation, drawn_again, evaluate, paired_effect
from utils.models import loading as models
from utils.models.profiles import Profile, get_profile
from utils.training import loop as training
from utils.training.settings import NO_PARTS, settings_of

RANKS = (1, 2, 4, 8, 16, 32, 64)
OBJECTIVES = ("CE-only", "distilled")
ALL, MATRICES, EVERYTHING = ("c_attn", "c_proj", "c_fc"), "the same matrices in full", "everything"
PARTS = {"attention": ("c_attn", "attn.c_proj"), "MLP": ("c_fc", "mlp.c_proj"), "attention and MLP": ALL}
ADAPTER_RATES, FULL_RATES = (1.25e-3, 2.5e-3, 5e-3, 1e-2, 2e-2), (5e-4, 1e-3, 2e-3, 4e-3)
CHOSEN_RANK = 8  # of the question which matrices
FEWER_SEEDS = 3  # of the questions which matrices and which alpha
GENERAL_DOCUMENTS = 300
NEAR = 1.01  # a rank is as good as rank 64 where its perplexity is at most this many times that


@dataclass(frozen=True)
class Cell:
    """One training but for its rate and seed: the rank (0: no adapter), what is trained, the objective, alpha."""

    trained: str | tuple[str, ...]
    objective: str
    rank: int = 0
    alpha: float = 0.0

    @property
    def key(self) -> str:
        what = self.trained if isinstance(self.trained, str) else "-".join(self.trained)
        return f"{what.replace(' ', '-')}_{self.objective}_rank{self.rank}_alpha{self.alpha:g}"

    @property
    def rates(self) -> Sequence[float]:
        return ADAPTER_RATES if self.rank else FULL_RATES


def cell(rank: int, objective: str, targets: tuple[str, ...] = ALL, alpha: float | None = None) -> Cell:
    """An adapter; alpha is twice its rank unless given, so that the scale is 2 at every rank."""
    return Cell(targets, objective, rank, 2.0 * rank if alpha is None else alpha)


class Arms:
    """The pair, the texts, and every cell's trainings, each done once."""

    def __init__(self, profile: Profile):
        self.profile = replace(profile, train_rows=profile.sweep_rows)
        self.experiment = Experiment(self.profile)
        self.general = adapters.general_rows(self.experiment.pair.tokenizer, self.profile.max_length, GENERAL_DOCUMENTS)

    def model(self, one: Cell, seed: int) -> PreTrainedModel:
        """The student, with what this cell trains left open."""
        student = models.load_model(self.profile.student)
        if one.rank:
            return adapters.with_adapter(student, one.rank, one.alpha, one.trained, seed)
        if one.trained == MATRICES:
            adapters.train_only(student, ALL)
        return student

    def run(self, one: Cell, rate: float, seed: int, split: str) -> dict:
        """Train and judge: perplexity by document on the split, and on general text where the split is validation."""
        student, pad = self.model(one, seed), self.experiment.pad
        loss = None if one.objective == "CE-only" else functools.partial(distillation_loss, temperature=1.0, alpha=0.5)
        rows, pool = tuple(self.experiment.rows_for(seed)), self.profile.length_pool
        training.distill(
            student,
            self.experiment.pair.teacher if loss else None,
            BatchPlan(rows, self.profile.batch_size, pad, seed, pool=pool),
            replace(settings_of(self.profile, rate, seed), record_parts_every=NO_PARTS),
            loss,
            training.ce_only_step if loss is None else training.train_step,
            name=one.key,
        )
        judged = self.experiment.tune if split == "tune" else self.experiment.validation
        found = {"perplexity": as_numbers(evaluate(student, judged, pad))}
        found["trained"] = sum(p.numel() for p in student.parameters() if p.requires_grad)
        if split == "validation":
            found["general"] = as_numbers(evaluate(student, self.general, pad))
        return found

    def name(self, one: Cell, rate: float, seed: int, split: str) -> str:
        return f"adapters/{self.profile.name}/{split}-{one.key}_lr{rate:g}_seed{seed}"

    def best_rates(self, cells: Sequence[Cell]) -> tuple[dict[Cell, float], list[dict]]:
        """Each cell's rate with the lowest perplexity on the tune split, and all that was tried.

        A grid whose best rate is its largest or its smallest grows there until it is not.
        """
        tried: dict[Cell, dict[float, float]] = {one: {} for one in cells}
        open_rates = {one: one.rates for one in cells}
        while any(open_rates.values()):
            asked = {(one, rate): self.name(one, rate, 0, "tune") for one in cells for rate in open_rates[one]}
            jobs = {key: functools.partial(self.run, one, rate, 0, "tune") for (one, rate), key in asked.items()}
            done = shared(jobs)
            for (one, rate), key in asked.items():
                tried[one][rate] = from_numbers(done[key]["perplexity"]).perplexity
            open_rates = {one: next_rates(tried[one]) for one in cells}
        listed = [
            {"cell": one.key, "rate": rate, "perplexity": value}
            for one, some in tried.items()
            for rate, value in sorted(some.items())
        ]
        return {one: min(some, key=some.get) for one, some in tried.items()}, listed

    def judged(self, rates: Mapping[Cell, float], seeds: Sequence[int]) -> dict[Cell, list[dict]]:
        """Every cell's runs on the validation split, one a seed."""
        asked = {(one, seed): self.name(one, rate, seed, "validation") for one, rate in rates.items() for seed in seeds}
        done = shared(
            {
                key: functools.partial(self.run, one, rates[one], seed, "validation")
                for (one, seed), key in asked.items()
            }
        )
        return {one: [done[asked[one, seed]] for seed in seeds] for one in rates}


def evaluations(runs: Sequence[dict], text: str = "perplexity") -> list[Evaluation]:
    return [from_numbers(run[text]) for run in runs]


def named(one: Cell) -> dict:
    """What tells a cell from the others, in the words of the page."""
    adapted = not isinstance(one.trained, str)
    return {
        "what": f"rank {one.rank}" if adapted else one.trained,
        "matrices": next((name for name, targets in PARTS.items() if targets == one.trained), one.trained),
        "rank": one.rank,
        "alpha": one.alpha,
        "objective": one.objective,
    }


def row(one: Cell, runs: Sequence[dict], full: Sequence[dict], rate: float) -> dict:
    """A cell as a line: its perplexity, and its ratio to the same matrices in full with its interval."""
    here = evaluations(runs)
    return {
        **named(one),
        "parameters": runs[0]["trained"],
        "rate": rate,
        "perplexity": pooled_perplexity(here),
        **paired_effect(here, evaluations(full)).as_dict(),
        "by seed": [each.perplexity for each in here],
    }


def forgotten(one: Cell, runs: Sequence[dict], untouched: Evaluation) -> dict:
    """What a cell forgot: its perplexity on the general text over the untouched student's."""
    general = evaluations(runs, "general")
    return {**named(one), **paired_effect(general, [untouched] * len(general)).as_dict()}


def gap_of_gaps(done: Mapping[Cell, list[dict]], rank: int) -> dict:
    """How much more a rank costs when distilling than with labels: (distilled / full) over (CE-only / full)."""
    nats, tokens = {}, None
    for objective in OBJECTIVES:
        low = evaluations(done[cell(rank, objective)])
        full = evaluations(done[Cell(MATRICES, objective)])
        nats[objective] = np.stack([a.nats - b.nats for a, b in zip(low, full, strict=True)])
        tokens = low[0].tokens
    both = nats["distilled"] - nats["CE-only"]
    drawn = drawn_again(both) / drawn_again(tokens[None])
    low, high = np.exp(np.percentile(drawn, [2.5, 97.5]))
    return {
        "rank": rank, "ratio": math.exp(both.sum() / tokens.sum() / len(both)), "low": float(low), "high": float(high)
    }  # fmt: skip


def flat_from(done: Mapping[Cell, list[dict]], objective: str) -> dict:
    """The smallest rank within 1 % of rank 64, and how often each rank is that in draws of documents and seeds."""
    means = {rank: evaluations(done[cell(rank, objective)]) for rank in RANKS}
    tokens = means[RANKS[0]][0].tokens
    drawn = np.stack([drawn_again(np.stack([one.nats for one in means[rank]])) for rank in RANKS])
    drawn /= drawn_again(tokens[None])
    near = drawn <= drawn[-1] + math.log(NEAR)
    first = near.argmax(axis=0)
    pooled = [pooled_perplexity(means[rank]) for rank in RANKS]
    found = next(rank for rank, value in zip(RANKS, pooled, strict=True) if value <= pooled[-1] * NEAR)
    shares = {rank: float((first == place).mean()) for place, rank in enumerate(RANKS)}
    return {"objective": objective, "rank": found, "share of draws": shares}


def main() -> None:
    """Tune, train every cell, and write benchmarks/results/adapters.json."""
    arguments = arguments_of(__doc__)
    arms, seeds = Arms(get_profile(arguments.profile)), range(arguments.seeds)
    cells = [cell(rank, objective) for rank in RANKS for objective in OBJECTIVES]
    full = [Cell(what, objective) for what in (MATRICES, EVERYTHING) for objective in OBJECTIVES]
    places = [
        cell(CHOSEN_RANK, objective, targets)
        for name, targets in PARTS.items()
        for objective in OBJECTIVES
        if targets != ALL
    ]
    rates, tried = arms.best_rates([*cells, *full, *places])
    done = arms.judged({one: rates[one] for one in [*cells, *full]}, seeds)
    alphas = {
        cell(rank, objective, alpha=alpha): rates[cell(CHOSEN_RANK, objective)]
        for rank in (1, 8, 32)
        for objective in OBJECTIVES
        for alpha in (2.0 * CHOSEN_RANK, 2.0 * rank)
    }
    of_alpha = arms.judged(alphas, seeds[:FEWER_SEEDS])
    of_matrices = arms.judged({one: rates[one] for one in places}, seeds[:FEWER_SEEDS])
    of_matrices |= {one: done[one][:FEWER_SEEDS] for one in (cell(CHOSEN_RANK, objective) for objective in OBJECTIVES)}
    untouched = models.load_model(arms.profile.student)
    general = evaluate(untouched, arms.general, arms.experiment.pad)

    def lines(some: Mapping[Cell, list[dict]], chosen: Mapping[Cell, float] = rates) -> list[dict]:
        return [
            row(one, runs, done[Cell(MATRICES, one.objective)][: len(runs)], chosen[one]) for one, runs in some.items()
        ]

    distilling = [
        {"what": name, **paired_effect(*(evaluations(done[each]) for each in pair)).as_dict()}
        for name, pair in (
            *((f"rank {rank}", (cell(rank, "distilled"), cell(rank, "CE-only"))) for rank in RANKS),
            *((what, (Cell(what, "distilled"), Cell(what, "CE-only"))) for what in (MATRICES, EVERYTHING)),
        )
    ]
    result = {
        "profile": arms.profile.name,
        "train_rows": arms.profile.train_rows,
        "seeds": arguments.seeds,
        "rates tried": {"adapters": ADAPTER_RATES, "full": FULL_RATES},
        "tuning": tried,
        "rows": lines({one: done[one] for one in [*cells, *full]}),
        "which matrices": lines(of_matrices),
        "alpha": lines(of_alpha, alphas),
        "distilled over CE-only": distilling,
        "gap of gaps": [gap_of_gaps(done, rank) for rank in RANKS],
        "flat from": [flat_from(done, objective) for objective in OBJECTIVES],
        "documents": len(arms.experiment.validation),
        "untouched": evaluate(untouched, arms.experiment.validation, arms.experiment.pad).perplexity,
        "forgotten": [forgotten(one, done[one], general) for one in [*cells, *full]],
        "general text": {"documents": len(arms.general), "untouched": general.perplexity},
    }
    print(write_result("adapters", result))


if __name__ == "__main__":
    main()
