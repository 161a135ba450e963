"""Near-duplicates at scale: all pairs, `utils.measuring.repeats`, and `datasketch`'s MinHash with LSH.

    pip install datasketch; python -m benchmarks.near_duplicates [--sizes 1000 10000 100000]

The documents are made up: words as frequent as in a language, lengths as of docstrings, and every tenth is a copy of an
earlier one with up to one word in eight replaced.  Each method runs in a process of its own; time is the processor's,
memory is what the process needed beyond its documents.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import multiprocessing
import time
from collections.abc import Callable, Sequence

import numpy as np
import psutil

from benchmarks.common import shared, write_result
from utils.measuring.repeats import SHINGLE, near_duplicates, runs

THRESHOLD, WIDER = 0.7, 0.5
SIZES = (1_000, 10_000, 100_000)
VOCABULARY, MEAN_WORDS, MOST_WORDS = 20_000, 60, 400
COPIES, MOST_REPLACED = 0.1, 0.125
PERMUTATIONS = 128  # datasketch's default
MOST_OF_ALL_PAIRS = 1_000


def made_up(count: int, seed: int = 0) -> list[str]:
    """So many documents, a tenth of them copies of earlier ones with some words replaced."""
    random = np.random.Generator(np.random.PCG64(seed))
    chances = 1 / np.arange(10, VOCABULARY + 10)
    limits = np.cumsum(chances / chances.sum())
    lengths = np.minimum(5 + random.exponential(MEAN_WORDS - 5, count).astype(int), MOST_WORDS)
    documents: list[np.ndarray] = []
    for place, length in enumerate(lengths):
        if place and random.random() < COPIES:
            words = documents[int(random.integers(place))].copy()
            replaced = random.random(len(words)) < random.uniform(0, MOST_REPLACED)
            words[replaced] = np.searchsorted(limits, random.random(int(replaced.sum())))
        else:
            words = np.searchsorted(limits, random.random(length))
        documents.append(words)
    return [" ".join(map("w{}".format, words)) for words in documents]


def all_pairs(documents: Sequence[str], threshold: float) -> list[tuple[int, int]]:
    """Every pair, compared."""
    sets = [runs(document) for document in documents]
    return [
        (i, j)
        for i, j in itertools.combinations(range(len(sets)), 2)
        if len(sets[i] & sets[j]) / len(sets[i] | sets[j]) >= threshold
    ]


def with_datasketch(documents: Sequence[str], threshold: float, wider: float | None = None) -> list[tuple[int, int]]:
    """The pairs that MinHash with LSH proposes; with a `wider` threshold to propose at, those that are alike enough."""
    from datasketch import MinHash, MinHashLSH

    sets = [shingles_in_words(document) for document in documents]
    index = MinHashLSH(threshold=wider or threshold, num_perm=PERMUTATIONS)
    found = []
    for place, own in enumerate(sets):
        sketch = MinHash(num_perm=PERMUTATIONS)
        sketch.update_batch([shingle.encode() for shingle in own])
        for other in index.query(sketch):
            if wider is None or len(own & sets[other]) / len(own | sets[other]) >= threshold:
                found.append((other, place))
        index.insert(place, sketch)
    return found


def shingles_in_words(document: str) -> set[str]:
    """The same shingles as texts, as `datasketch` takes them."""
    words = document.split()
    return {" ".join(words[start : start + SHINGLE]) for start in range(max(1, len(words) - SHINGLE + 1))}


METHODS: dict[str, Callable] = {
    "all pairs": all_pairs,
    "rarest shingles": near_duplicates,
    "datasketch": with_datasketch,
    f"datasketch from {WIDER:g}, pairs compared": functools.partial(with_datasketch, wider=WIDER),
}


def measured(method: str, size: int) -> dict:
    """Seconds, bytes, and the documents that are in some pair or group, measured in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (method, size))


def _measure(method: str, size: int) -> dict:
    documents = made_up(size)
    before, started = psutil.Process().memory_info().rss, time.process_time()
    found = METHODS[method](documents, THRESHOLD)
    seconds = time.process_time() - started
    import resource  # Windows has none, and reads recorded results all the same

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    members = sorted({place for some in found for place in some})
    return {"seconds": seconds, "bytes": max(0, peak - before), "members": members}


def main() -> None:
    """Measure every method at every size, and write benchmarks/results/near_duplicates.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    sizes = parser.parse_args().sizes
    asked = [(m, size) for size in sizes for m in METHODS if m != "all pairs" or size <= MOST_OF_ALL_PAIRS]
    keys = {one: f"near-duplicates/{one[0]}-{one[1]}".replace(" ", "-") for one in asked}
    done = shared({key: lambda one=one: measured(*one) for one, key in keys.items()})
    rows = []
    for method, size in asked:
        run, exact = done[keys[method, size]], set(done[keys["rarest shingles", size]]["members"])
        members = set(run["members"])
        rows.append(
            {
                "method": method, "documents": size, "seconds": run["seconds"], "bytes": run["bytes"],
                "found": len(members & exact), "missed": len(exact - members), "wrongly named": len(members - exact),
            }
        )  # fmt: skip
    print(write_result("near_duplicates", {"threshold": THRESHOLD, "permutations": PERMUTATIONS, "rows": rows}))


if __name__ == "__main__":
    main()
