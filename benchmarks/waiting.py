"""What does a second program beside a lab cost, by how torch's threads wait for each other?

    python -m benchmarks.waiting

A short training of the embedded pair, in a process of its own: alone, and beside an equal one. Each with threads that
wait as torch has it, asleep at once, asleep after a short while (what the course sets), and with one thread. Rounds
alternate, the median counts. Writes benchmarks/results/waiting.json. Run it with nothing else running.
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import subprocess
import sys
import time
from dataclasses import replace

from benchmarks.common import write_result
from utils.machine.waiting import SETTINGS
from utils.machine.workspace import ROOT

WAYS = {
    "as torch has it": {},
    "asleep at once": SETTINGS | {"GOMP_SPINCOUNT": "0"},
    "asleep after a short while": SETTINGS,
    "one thread": {"OMP_NUM_THREADS": "1"},
}
ROWS, ROUNDS = 240, 5


def train() -> float:
    """Seconds of one training, without loading."""
    from utils.data import batches
    from utils.data.corpus import load_corpus
    from utils.losses.core import distillation_loss
    from utils.models.loading import load_pair
    from utils.models.profiles import get_profile
    from utils.training.loop import distill
    from utils.training.settings import settings_of

    profile = replace(get_profile("embedded"), epochs=1)
    pair, text = load_pair(profile), load_corpus(profile.text, profile.min_characters)
    rows = tuple(batches.rows_of(text.train, pair.tokenizer, profile.max_length, ROWS))
    plan = batches.BatchPlan(rows, profile.batch_size, pair.tokenizer.pad_token_id, 0, pool=profile.length_pool)
    loss = functools.partial(distillation_loss, temperature=profile.temperature, alpha=profile.alpha)
    began = time.perf_counter()
    distill(pair.student, pair.teacher, plan, settings_of(profile, profile.learning_rate, 0), loss=loss)
    return time.perf_counter() - began


def seconds(way: dict[str, str], at_once: int) -> float:
    """The mean seconds of so many trainings that run at the same time."""
    left_out = {*SETTINGS, "OMP_NUM_THREADS"}
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    environment = {**kept, **way, "TQDM_DISABLE": "1"}
    command = [sys.executable, "-m", "benchmarks.waiting", "--one"]
    started = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(at_once)
    ]
    return statistics.mean(float(process.communicate()[0].splitlines()[-1]) for process in started)


def main() -> None:
    """Measure every way alone and beside another, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", action="store_true", help="one training in this process: prints its seconds")
    if parser.parse_args().one:
        print(train())
        return
    taken: dict[tuple[str, int], list[float]] = {(way, count): [] for way in WAYS for count in (1, 2)}
    for _ in range(ROUNDS):
        for way, count in taken:
            taken[way, count].append(seconds(WAYS[way], count))
    middle = {key: statistics.median(values) for key, values in taken.items()}
    rows = [
        {
            "threads wait": way,
            "alone": round(middle[way, 1], 1),
            "beside another": round(middle[way, 2], 1),
            "times as long": round(middle[way, 2] / middle[way, 1], 2),
        }
        for way in WAYS
    ]
    print(write_result("waiting", {"rows": rows, "train_rows": ROWS, "rounds": ROUNDS}), *rows, sep="\n")


if __name__ == "__main__":
    main()
