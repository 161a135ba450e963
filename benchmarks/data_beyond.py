"""What perplexity does not see, before and after distilling: calibration, agreement, faithfulness, refusal.

The first two are asked of the embedded pair, at several temperatures of the loss; the last two of Lab 5's pair, whose
task has questions that no number answers, at several temperatures of writing.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from transformers import PreTrainedModel

from benchmarks.common import (
    RESULTS,
    as_numbers,
    drawn_again,
    from_numbers,
    pooled_perplexity,
    share_with_interval,
    shared,
)
from benchmarks.data_arms import Data, shuffled
from utils.data.batches import BatchPlan
from utils.labs import reasoning
from utils.labs.arithmetic import Question, questions
from utils.labs.refusals import is_faithful, refuses
from utils.losses.core import distillation_loss
from utils.measuring.agreement import fidelity
from utils.measuring.evaluation import evaluate, paired_effect
from utils.models.loading import Pair, load_model
from utils.training import loop as training
from utils.training.settings import NO_PARTS, TrainingSettings, settings_of

ROWS, JUDGED = 500, 300
SETTINGS = {
    "CE-only": None, "T 1, alpha 0.5": (1.0, 0.5), "T 3, alpha 0.5": (3.0, 0.5), "T 10, alpha 0.5": (10.0, 0.5),
    "T 1, alpha 1": (1.0, 1.0),
}  # fmt: skip

QUESTIONS, EPOCHS, BATCH, RATE = 1000, 4, 16, 3e-3  # as benchmarks.reasoning
ASKED, ASKED_UNKNOWN = 200, 100
WRITING = (0.0, 1.5)
KNOWN_ONLY, SOME_UNKNOWN = "no question without an answer", "one in ten without an answer"
SHARES = {KNOWN_ONLY: 0.0, SOME_UNKNOWN: 0.1}


def beyond(data: Data, seeds: int) -> dict:
    """Both tables."""
    return {
        "fidelity": fidelity_table(data, seeds),
        "honesty": honesty_table(seeds, small=data.profile.name == "smoke"),
    }


def fidelity_table(data: Data, seeds: int) -> list[dict]:
    """Perplexity, calibration and agreement of every setting, and of both models as they are."""
    rates = json.loads((RESULTS / "sweeps.json").read_text(encoding="utf-8"))["learning_rates"]
    jobs, keys = {}, {}
    for seed in range(seeds):
        for name, setting in SETTINGS.items():
            rate = rates[f"{name}, {ROWS} rows, 2 epochs"]
            keys[name, seed] = f"data/{data.profile.name}/beyond-{name}-lr{rate:g}-seed{seed}".replace(" ", "_")
            jobs[keys[name, seed]] = functools.partial(distilled, data, setting, rate, seed)
    for name in ("teacher", "untouched"):
        model = data.experiment.pair.teacher if name == "teacher" else load_model(data.profile.student)
        keys[name, 0] = f"data/{data.profile.name}/beyond-{name}"
        jobs[keys[name, 0]] = functools.partial(looked_at, data, model)
    done = shared(jobs)
    runs = {name: [done[keys[name, seed]] for seed in range(seeds)] for name in SETTINGS}
    every = {name: [done[keys[name, 0]]] for name in ("teacher", "untouched")} | runs
    control = runs["CE-only"]
    rows = []
    for name, some in every.items():
        row = {"setting": name, "rate": rates.get(f"{name}, {ROWS} rows, 2 epochs")}
        row["perplexity"] = pooled_perplexity([from_numbers(run["perplexity"]) for run in some])
        row |= {"ECE": calibration_error(some), "overconfidence": overconfidence(some), **agreements(some)}
        if name in runs:
            pairs = ([from_numbers(run["perplexity"]) for run in each] for each in (some, control))
            row["perplexity over CE-only"] = paired_effect(*pairs).as_dict()
            row["ECE minus CE-only"] = calibration_error(some, control)
            row["same choice minus CE-only"] = agreements(some, control)["same choice"]
        rows.append(row)
    return rows


def distilled(data: Data, setting: tuple[float, float] | None, rate: float, seed: int) -> dict:
    """Train a student at a temperature and an alpha, and look at it."""
    profile, experiment = data.profile, data.experiment
    student, step, loss = load_model(profile.student), training.ce_only_step, None
    if setting is not None:
        loss, step = functools.partial(distillation_loss, temperature=setting[0], alpha=setting[1]), training.train_step
    rows = tuple(shuffled(experiment.train, seed)[:ROWS])
    plan = BatchPlan(rows, profile.batch_size, experiment.pad, seed, pool=profile.length_pool)
    settings = replace(settings_of(profile, rate, seed), record_parts_every=NO_PARTS)
    training.distill(student, experiment.pair.teacher if loss else None, plan, settings, loss, step)
    return looked_at(data, student)


def looked_at(data: Data, model: PreTrainedModel) -> dict:
    """Plain numbers a document: nats, calibration sums, agreement with the teacher."""
    rows, pad = data.experiment.validation[:JUDGED], data.experiment.pad
    found = fidelity(model, data.experiment.pair.teacher, rows, pad)
    columns = {name: getattr(found, name).tolist() for name in ("tokens", "same", "nats", "bins")}
    return {"perplexity": as_numbers(evaluate(model, rows, pad)), **columns}


def column(runs: Sequence[Mapping], name: str) -> np.ndarray:
    return np.array([run[name] for run in runs], dtype=np.float64)


def calibration_error(runs: Sequence[Mapping], control: Sequence[Mapping] | None = None) -> dict[str, float]:
    """Expected calibration error, or what it is more than the control's; a 95 % interval over documents and seeds."""
    value, draws = _calibration(runs)
    if control is not None:
        other, others = _calibration(control)
        value, draws = value - other, draws - others
    low, high = np.percentile(draws, [2.5, 97.5])
    return {"value": float(value), "low": float(low), "high": float(high)}


def _calibration(runs: Sequence[Mapping]) -> tuple[float, np.ndarray]:
    bins = column(runs, "bins")  # (seeds, documents, bins, 3)
    gaps = bins[..., 2] - bins[..., 1]
    value = np.abs(gaps.sum(axis=1)).sum(axis=-1).mean() / bins[0, ..., 0].sum()
    random = np.random.Generator(np.random.PCG64(0))
    documents = gaps.shape[1]
    weights = random.multinomial(documents, np.full(documents, 1 / documents), size=1000).astype(np.float64)
    errors = np.stack([np.abs(weights @ some).sum(axis=1) for some in gaps]) / (weights @ bins[0, ..., 0].sum(axis=-1))
    seeds = random.integers(len(gaps), size=(len(gaps), 1000))
    return float(value), np.take_along_axis(errors, seeds, axis=0).mean(axis=0)


def overconfidence(runs: Sequence[Mapping]) -> dict[str, float]:
    """Mean confidence minus accuracy."""
    bins = column(runs, "bins").sum(axis=2)
    return share_with_interval(bins[..., 1] - bins[..., 2], bins[0, :, 0])


def agreements(runs: Sequence[Mapping], control: Sequence[Mapping] | None = None) -> dict[str, dict[str, float]]:
    """Same choice as the teacher, and KL(teacher || student) in nats per token; or the difference from the control."""
    tokens = column(runs, "tokens")[0]
    found = {}
    for name, key in (("same choice", "same"), ("KL", "nats")):
        values = column(runs, key) - (column(control, key) if control is not None else 0)
        found[name] = share_with_interval(values, tokens)
    return found


def honesty_table(seeds: int, small: bool = False) -> list[dict]:
    """Right answers, faithful traces and refusals, by what was read and at which temperature it writes."""
    pair = reasoning.load_reasoning_pair()
    count = QUESTIONS // 10 if small else QUESTIONS
    known = questions(ASKED, split="validation", seed=1)
    unknown = questions(ASKED_UNKNOWN, split="validation", seed=3, unknown=1.0)
    keys = {
        (name, seed): f"data/honesty{count}-{name}-seed{seed}".replace(" ", "_")
        for name in SHARES
        for seed in range(seeds)
    }
    jobs = {
        key: functools.partial(taught, pair, name, seed, count, known, unknown) for (name, seed), key in keys.items()
    }
    for name, model in (("teacher", pair.teacher), ("untouched", load_model(reasoning.STUDENT))):
        jobs[f"data/honesty{count}-{name}"] = functools.partial(answers, model, pair, known, unknown)
    done = shared(jobs)
    every = {name: [done[f"data/honesty{count}-{name}"]] for name in ("teacher", "untouched")}
    every |= {name: [done[keys[name, seed]] for seed in range(seeds)] for name in SHARES}
    return [
        {"model": name, "writes at T": temperature, **honesty([run[f"{temperature:g}"] for run in runs])}
        | {"read": [run["read"] for run in runs if "read" in run]}
        for name, runs in every.items()
        for temperature in WRITING
    ]


def taught(
    pair: Pair, name: str, seed: int, count: int, known: Sequence[Question], unknown: Sequence[Question]
) -> dict:
    """A student of the teacher's traces, and what it writes."""
    asked = questions(count, split="train", seed=300 + seed, unknown=SHARES[name])
    texts = reasoning.written(pair.teacher, pair.tokenizer, asked, reasoning.TEACHER_TEMPERATURE, seed)
    student = load_model(reasoning.STUDENT)
    rows = reasoning.rows_of(asked, texts, pair.tokenizer)
    plan = BatchPlan(tuple(rows), BATCH, pair.tokenizer.pad_token_id, seed, pool=25)
    settings = TrainingSettings(RATE, EPOCHS, seed=seed, record_parts_every=NO_PARTS)
    training.distill(student, None, plan, settings, None, training.ce_only_step, name=name)
    refused = sum(refuses(text) for one, text in zip(asked, texts, strict=True) if one.answer is None)
    return answers(student, pair, known, unknown) | {
        "read": {"without an answer": sum(one.answer is None for one in asked), "of them refused": refused}
    }


def answers(model: PreTrainedModel, pair: Pair, known: Sequence[Question], unknown: Sequence[Question]) -> dict:
    """What the model writes at every temperature: 1 and 0 by question."""
    found = {}
    for temperature in WRITING:
        texts, others = (
            reasoning.written(model, pair.tokenizer, some, temperature, seed=5) for some in (known, unknown)
        )
        faithful = [is_faithful(text) for text in texts]
        found[f"{temperature:g}"] = {
            "right": reasoning.right_answers(known, texts).tolist(),
            "faithful": [float(one is True) for one in faithful],
            "with a number": [float(one is not None) for one in faithful],
            "wrong refusals": [float(refuses(text)) for text in texts],
            "right refusals": [float(refuses(text)) for text in others],
        }
    return found


def honesty(runs: Sequence[Mapping]) -> dict[str, dict[str, float]]:
    """The shares of several runs, with intervals; faithful is of those texts that have a step and a number."""
    found = {}
    for name in ("right", "wrong refusals", "right refusals"):
        values = column(runs, name)
        found[name] = share_with_interval(values, np.ones(values.shape[1]))
    wrong = column(runs, "with a number") * (1 - column(runs, "right"))
    found["faithful"] = of_those(column(runs, "faithful"), column(runs, "with a number"))
    found["faithful where wrong"] = of_those(column(runs, "faithful") * wrong, wrong)
    return found


def of_those(values: np.ndarray, counted: np.ndarray) -> dict[str, float]:
    """A share of what counts in each run, with a 95 % interval over questions and seeds; None where nothing counts."""
    if not counted.sum():
        return {"share": None, "low": None, "high": None, "count": 0}
    drawn = drawn_again(values) / np.maximum(drawn_again(counted), 1e-9)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {
        "share": float(values.sum() / counted.sum()),
        "low": float(low),
        "high": float(high),
        "count": int(counted.sum()),
    }
