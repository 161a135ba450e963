"""What does a rank cost?  Numbers that learn, the optimizer's memory, a saved adapter's bytes, seconds of a step.

    python -m benchmarks.adapters_cost [--rounds 60] [--profile embedded]

Counts and bytes are exact on any machine; for the seconds, run it with nothing else running.  The settings take turns
on one batch after another, so a machine that slows down slows all of them; the median counts.  Each round begins with
another setting: the first to meet a new shape of batch also pays for what the backend prepares for that shape.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import TypeVar

import torch
from transformers import PreTrainedModel

from benchmarks.adapters import ALL, CHOSEN_RANK, EVERYTHING, MATRICES, RANKS
from benchmarks.common import write_result
from utils.data.batches import Batch, BatchPlan, model_inputs, rows_of, valid_tokens
from utils.data.corpus import load_corpus
from utils.labs import adapters
from utils.machine.allocator import keep_freed_memory
from utils.models.loading import load_model, load_pair
from utils.models.profiles import Profile, get_profile
from utils.training.history import History
from utils.training.loop import ce_only_step, optimizer_of
from utils.training.settings import settings_of

T = TypeVar("T")
WARM_UP = 2  # rounds that do not count


def students(profile: Profile) -> dict[str, PreTrainedModel]:
    """A student for each rank, and both controls."""
    found = {
        f"rank {rank}": adapters.with_adapter(load_model(profile.student), rank, 2.0 * rank, ALL) for rank in RANKS
    }
    found |= {MATRICES: load_model(profile.student), EVERYTHING: load_model(profile.student)}
    adapters.train_only(found[MATRICES], ALL)
    return found


def state_bytes(optimizer: torch.optim.Optimizer) -> int:
    """What the optimizer keeps, once it has stepped."""
    kept = (value for state in optimizer.state.values() for value in state.values())
    return sum(value.numel() * value.element_size() for value in kept if torch.is_tensor(value))


def stored_bytes(student: PreTrainedModel) -> int:
    """The file that holds what has learned: the adapter as `peft` saves it, or the weights in single precision."""
    if not hasattr(student, "peft_config"):
        return sum(4 * parameter.numel() for parameter in student.parameters() if parameter.requires_grad)
    with tempfile.TemporaryDirectory() as folder:
        return adapters.bytes_of_adapter(student, Path(folder))


def median_milliseconds(
    asked: Mapping[str, T], batches: Sequence[Batch], use: Callable[[str, T, Batch], object]
) -> dict[str, float]:
    """How long `use` takes with each setting; the rounds that warm up are left out."""
    taken: dict[str, list[float]] = {name: [] for name in asked}
    order = deque(asked)
    for batch in batches:
        for name in order:
            began = time.perf_counter()
            use(name, asked[name], batch)
            taken[name].append(time.perf_counter() - began)
        order.rotate(-1)
    return {name: 1000 * median(some[WARM_UP:]) for name, some in taken.items()}


def steps(profile: Profile, batches: Sequence[Batch]) -> list[dict]:
    """One row for each student: numbers, bytes, and the median milliseconds of a step on labels alone."""
    asked = students(profile)
    optimizers = {
        name: optimizer_of(student, settings_of(profile, 1e-3), History(name, len(batches), len(batches)))[0]
        for name, student in asked.items()
    }
    milliseconds = median_milliseconds(
        asked, batches, lambda name, student, batch: ce_only_step(student, None, batch, optimizers[name], None)
    )
    return [
        {
            "what": name,
            "trained": sum(p.numel() for p in student.parameters() if p.requires_grad),
            "optimizer MB": state_bytes(optimizers[name]) / 1e6,
            "saved MB": stored_bytes(student) / 1e6,
            "milliseconds": milliseconds[name],
        }
        for name, student in asked.items()
    ]


@torch.no_grad()
def forward(profile: Profile, batches: Sequence[Batch]) -> list[dict]:
    """The median milliseconds of reading a batch: untouched, with an adapter beside each matrix, and merged."""
    beside = adapters.with_adapter(load_model(profile.student), CHOSEN_RANK, 2.0 * CHOSEN_RANK, ALL)
    merged = copy.deepcopy(beside).merge_and_unload()
    asked = {"untouched": load_model(profile.student), "adapter beside": beside, "merged": merged}
    found = median_milliseconds(asked, batches, lambda _, student, batch: student.eval()(**model_inputs(batch)))
    return [{"what": name, "rank": CHOSEN_RANK, "milliseconds": value} for name, value in found.items()]


def measured(profile: Profile, rounds: int) -> Mapping:
    """Everything that the page shows."""
    tokenizer = load_pair(profile).tokenizer
    text = load_corpus(profile.text, profile.min_characters)
    rows = rows_of(text.train, tokenizer, profile.max_length, profile.sweep_rows)
    plan = BatchPlan(tuple(rows), profile.batch_size, tokenizer.pad_token_id, profile.seed, pool=profile.length_pool)
    batches = list(islice(cycle(plan.epoch(0)), WARM_UP + rounds))
    return {
        "profile": profile.name,
        "rounds": rounds,
        "tokens": sum(map(valid_tokens, batches[WARM_UP:])) // rounds,
        "student": sum(p.numel() for p in load_model(profile.student).parameters()),
        "rows": steps(profile, batches),
        "reading": forward(profile, batches),
    }


def main() -> None:
    """Measure, and write benchmarks/results/adapters_cost.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--profile", default="embedded")
    arguments = parser.parse_args()
    keep_freed_memory()
    print(write_result("adapters_cost", measured(get_profile(arguments.profile), arguments.rounds)))


if __name__ == "__main__":
    main()
