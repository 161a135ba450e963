"""What every benchmark shares: the machine's description, results written whole, runs that go on where they stopped."""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import IO

import numpy as np
import torch
import transformers

from utils.data import corpus
from utils.data.batches import BatchPlan, Row
from utils.machine.workspace import ROOT, write_whole
from utils.measuring.evaluation import Evaluation, drawn_again, evaluate
from utils.models import forward
from utils.models import loading as models
from utils.models.profiles import PROFILES, Profile
from utils.training import loop as training
from utils.training.settings import NO_PARTS, settings_of

RESULTS = ROOT / "benchmarks" / "results"


def machine() -> dict[str, str | int]:
    """What the figures were measured on: enough to read them, nothing that tells whose machine it is."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count() or 0,
        "threads": torch.get_num_threads(),
        "device": forward.best_device(),
        "forward": str(forward.fastest_dtype(forward.best_device())).removeprefix("torch."),
        "date": datetime.date.today().isoformat(),
    }


def write_result(name: str, result: dict) -> Path:
    """Write benchmarks/results/NAME.json with the machine beside the figures."""
    path = RESULTS / f"{name}.json"
    write_whole(path, json.dumps({**result, "machine": machine()}, indent=1) + "\n")
    return path


def shared(jobs: Mapping[str, Callable[[], dict]]) -> dict[str, dict]:
    """The result of every job, by its key; a result that an earlier run left is taken as it is.

    Start the same benchmark twice and the two share the work: a job belongs to whoever claims it first, and a claim
    ends with its process.
    """
    results: dict[str, dict] = {}
    while len(results) < len(jobs):
        done_before = len(results)
        for key, compute in jobs.items():
            path = partial_results() / f"{key}.json"
            if key not in results and not path.exists() and (claim := _claim(path)):
                with claim:
                    write_whole(path, json.dumps(compute()))
                print(f"{key}: done", file=sys.stderr, flush=True)
            if key not in results and path.exists():
                results[key] = json.loads(path.read_text(encoding="utf-8"))
        if len(results) == done_before:
            time.sleep(1)
    return results


@cache
def partial_results() -> Path:
    """Where partial results lie: a folder for each version of pair, text and profiles, so that none is stale."""
    digest = hashlib.sha256(repr((corpus.CACHE_SCHEMA, PROFILES)).encode())
    for model in ("teacher", "student"):
        digest.update((ROOT / "utils" / "pretrained" / model / "model.safetensors").read_bytes())
    return ROOT / "outputs" / "benchmarks" / digest.hexdigest()[:12]


def _claim(path: Path) -> IO[str] | None:
    """An open file that holds a lock on the job until it is closed or the process ends; None where another has it."""
    import fcntl  # Windows has none, and reads recorded results all the same

    path.parent.mkdir(parents=True, exist_ok=True)
    claim = open(path.with_suffix(".claim"), "w", encoding="utf-8")  # noqa: SIM115
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        claim.close()
        return None
    if path.exists():  # finished by the one that let go just now
        claim.close()
        return None
    return claim


def arguments_of(description: str | None, seeds: int = 5, tunes: bool = False) -> argparse.Namespace:
    """The options that experiments share: how many seeds, which profile, and whether learning rates are tuned."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--profile", default="embedded")
    if tunes:
        parser.add_argument("--skip-tuning", action="store_true", help="take the profile's learning rates")
    return parser.parse_args()


def next_rates(tried: Mapping[float, float]) -> tuple[float, ...]:
    """The rates beside the best one, by a factor of 2, that were not tried.  tried: what is to be small, by rate."""
    best = min(tried, key=tried.get)
    return tuple(rate for rate in (best * 2, best / 2) if rate not in tried)


def pooled_perplexity(runs: Sequence[Evaluation]) -> float:
    """The perplexity of several runs: the nats of all over the tokens of all, one division."""
    return math.exp(sum(run.nats.sum() for run in runs) / sum(run.tokens.sum() for run in runs))


def share_with_interval(sums: np.ndarray, tokens: np.ndarray) -> dict[str, float]:
    """sums / tokens with a 95 % interval over documents and seeds; sums: (seeds, documents), tokens: (documents,)."""
    low, high = np.percentile(drawn_again(sums) / drawn_again(tokens[None]), [2.5, 97.5])
    return {"share": float(sums.sum() / tokens.sum() / len(sums)), "low": float(low), "high": float(high)}


def train_and_judge(
    profile: Profile,
    train_rows: list[Row],
    judged_rows: list[Row],
    pad_token_id: int,
    learning_rate: float,
    seed: int,
    teacher: torch.nn.Module | None = None,
    loss: Callable | None = None,
) -> dict:
    """Train a fresh student (CE-only without a loss, else distilled) and evaluate it; plain numbers a document."""
    student = models.load_model(profile.student)
    plan = BatchPlan(tuple(train_rows), profile.batch_size, pad_token_id, seed, pool=profile.length_pool)
    step = training.ce_only_step if loss is None else training.train_step
    history = training.distill(
        student,
        teacher,
        plan,
        replace(settings_of(profile, learning_rate, seed), record_parts_every=NO_PARTS),
        loss,
        step,
    )
    return {**as_numbers(evaluate(student, judged_rows, pad_token_id)), "train_tokens": history.tokens}


def as_numbers(evaluation: Evaluation) -> dict:
    """An evaluation as JSON holds it."""
    return {
        "documents": list(evaluation.documents),
        **{name: getattr(evaluation, name).tolist() for name in ("nats", "tokens", "bytes")},
    }


def from_numbers(numbers: dict) -> Evaluation:
    """The evaluation that `as_numbers` wrote down."""
    columns = [np.array(numbers[name]) for name in ("nats", "tokens", "bytes")]
    return Evaluation(tuple(numbers["documents"]), *columns)
