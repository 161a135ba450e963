"""The texts and trainings of `benchmarks.data`: which rows an arm reads, at which rate, judged on which documents."""

from __future__ import annotations

import functools
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.common import as_numbers, from_numbers, next_rates, shared, train_and_judge
from benchmarks.effect import Experiment
from utils.data.batches import Row, rows_of
from utils.data.corpus import load_corpus, python_documents
from utils.data.documents import SPLITS, Document, all_shingles, name_point, overlap, split_of
from utils.data.general import general_documents
from utils.losses.core import distillation_loss
from utils.measuring.evaluation import Evaluation, evaluate
from utils.models.loading import load_model
from utils.models.profiles import Profile

CE, DISTILLED, TEACHER_ALONE = "CE-only", "distilled", "teacher alone"
LOSSES = {
    CE: None,
    DISTILLED: functools.partial(distillation_loss, temperature=1.0, alpha=0.5),
    TEACHER_ALONE: functools.partial(distillation_loss, temperature=1.0, alpha=1.0),
}
FIRST_RATES = {CE: 5e-4, DISTILLED: 1e-3, TEACHER_ALONE: 2e-3}  # from where the best one is searched by factors of 2
GENERIC = ("torch", "pytest", "traitlets")  # of the course's requirements; neither model of the pair has read them
SEEN_AGAIN = 0.2  # as utils.data.documents: a document is a near-duplicate from this share of its 13-word runs on
TUNING_ROWS = 150


@dataclass(frozen=True)
class Text:
    """Tokens to read, in units of N: from the domain, from outside, and how often."""

    domain: float
    generic: float
    epochs: int


TEXTS = {
    "in-domain N, twice": Text(1, 0, 2),
    "generic N, twice": Text(0, 1, 2),
    "half and half, twice": Text(0.5, 0.5, 2),
    "in-domain N, ten times": Text(1, 0, 10),
    "generic 10 N, once": Text(0, 10, 1),
    "in-domain 10 N, once": Text(10, 0, 1),
}
WITH_TEACHER_ALONE = ("in-domain N, ten times", "generic 10 N, once")
OBJECTIVES = {name: (CE, DISTILLED, TEACHER_ALONE) if name in WITH_TEACHER_ALONE else (CE, DISTILLED) for name in TEXTS}


@dataclass(frozen=True)
class Leak:
    """What of the judged text stands in the training text: this share of it, all its natural repetitions, or nothing.

    reworded: the leaked text has its words in a slightly other order.  distinct: documents that repeat an earlier one
    of the training text are left out.  copies: each document is in the training text so often.
    """

    share: float = 0.0
    natural: bool = False
    reworded: bool = False
    distinct: bool = False
    copies: int = 1


CLEAN = "clean"
LEAKS = {
    CLEAN: Leak(),
    "1 % leaked": Leak(0.01),
    "10 % leaked": Leak(0.1),
    "100 % leaked": Leak(1.0),
    "100 % leaked, reworded": Leak(1.0, reworded=True),
    "near-duplicates kept": Leak(natural=True),
}
REPEATS = {  # none of them leaks: they differ in how often the training text repeats itself
    CLEAN: LEAKS[CLEAN],
    "its own repetitions removed": Leak(distinct=True),
    "each document twice": Leak(copies=2),
    "each document ten times": Leak(copies=10),
}
LEAK_ROWS, LEAK_EPOCHS = 750, 2


class Data:
    """The pair, the texts from inside and outside the domain, and every training, done once."""

    def __init__(self, profile: Profile, unit: int):
        self.profile, self.unit = profile, unit
        self.experiment = Experiment(profile)
        tokenizer = self.experiment.pair.tokenizer
        self._rows = functools.partial(rows_of, tokenizer=tokenizer, max_length=profile.max_length)
        self.generic = self._rows(general_documents(GENERIC, ("test", "tests", "testing", "_vendor")))
        corpus = load_corpus(profile.text, profile.min_characters)
        raw = raw_splits(profile.min_characters)
        self.clean, self.judged = corpus.train, raw["validation"]
        judged_runs = all_shingles(self.judged)
        kept = {document.name for document in corpus.train}
        self.repeating = [d for d in raw["train"] if d.name not in kept and overlap(d, judged_runs) > SEEN_AGAIN]
        runs = all_shingles(self.repeating)
        self.hit = [document.name for document in self.judged if overlap(document, runs) > SEEN_AGAIN]
        self.apart = corpus.tune
        self.distinct = distinct(corpus.train)

    def text_rows(self, text: Text, seed: int) -> list[Row]:
        """The rows of an arm, drawn from a seed, up to its tokens."""
        domain = up_to(shuffled(self.experiment.train, seed), text.domain * self.unit)
        return domain + up_to(shuffled(self.generic, seed), text.generic * self.unit)

    def leaked(self, leak: Leak) -> list[Document]:
        """The judged documents that are leaked: the same for every seed."""
        return self.judged[: round(leak.share * len(self.judged))]

    def leak_rows(self, leak: Leak, seed: int) -> list[Row]:
        """As many tokens as the clean rows have: what is leaked, then rows that leak nothing."""
        clean = shuffled(self.experiment.train, seed)
        budget = sum(row.valid for row in clean[:LEAK_ROWS])
        documents = self.repeating if leak.natural else self.leaked(leak)
        if leak.reworded:
            documents = [replace(one, text=reworded(one.text)) for one in documents]
        first = self._rows(documents) if documents else []
        rest = shuffled(self._rows(self.distinct), seed) if leak.distinct else clean
        return up_to(first, budget) + leak.copies * up_to(
            rest, (budget - sum(row.valid for row in first)) / leak.copies
        )

    def run(self, rows: Sequence[Row], epochs: int, objective: str, rate: float, seed: int, judged: list[Row]) -> dict:
        """Train a student on the rows and judge it."""
        profile, loss = replace(self.profile, epochs=epochs), LOSSES[objective]
        teacher = self.experiment.pair.teacher if loss else None
        return train_and_judge(profile, list(rows), judged, self.experiment.pad, rate, seed, teacher, loss)

    def run_text(self, name: str, objective: str, rate: float, seed: int, split: str) -> dict:
        """One arm of the question which text."""
        text = TEXTS[name]
        judged = self.experiment.tune[:TUNING_ROWS] if split == "tune" else self.experiment.validation
        return self.run(self.text_rows(text, seed), text.epochs, objective, rate, seed, judged)

    def run_leak(self, name: str, objective: str, rate: float, seed: int, split: str) -> dict:
        """One arm of the question what a leak does: judged on the raw validation text and on the text apart."""
        judged = [] if split == "tune" else self._rows(self.judged)
        judged += self.experiment.tune
        return self.run(self.leak_rows({**LEAKS, **REPEATS}[name], seed), LEAK_EPOCHS, objective, rate, seed, judged)

    def references(self) -> dict[str, Evaluation]:
        """Teacher and untouched student on the validation rows, and the student on the text of the leaks."""
        pair, pad, profile = self.experiment.pair, self.experiment.pad, self.profile
        rows = self._rows(self.judged) + self.experiment.tune
        jobs = {
            "teacher": lambda: self.experiment.judge(pair.teacher),
            "untouched": lambda: self.experiment.judge(load_model(profile.student)),
            "untouched, leaks": lambda: as_numbers(evaluate(load_model(profile.student), rows, pad)),
        }
        done = shared({f"data/{profile.name}/{name}": job for name, job in jobs.items()})
        return {name: from_numbers(done[f"data/{profile.name}/{name}"]) for name in jobs}


def over_seeds(data: Data, kind: str, rates: Mapping[tuple[str, str], float], seeds: int) -> dict[tuple, list[dict]]:
    """Every arm at its rate, a run a seed."""
    keys = {(arm, seed): _key(data, kind, *arm, rates[arm], seed) for seed in range(seeds) for arm in rates}
    run = data.run_text if kind == "text" else data.run_leak
    done = shared(
        {key: functools.partial(run, *arm, rates[arm], seed, "validation") for (arm, seed), key in keys.items()}
    )
    return {arm: [done[keys[arm, seed]] for seed in range(seeds)] for arm in rates}


def best_rates(data: Data, kind: str, arms: Sequence[tuple[str, str]]) -> tuple[dict[tuple, float], list[dict]]:
    """Each arm's rate with the lowest perplexity on the tune split, seed 0, and all that was tried."""
    run, best, tried = (data.run_text if kind == "text" else data.run_leak), {}, []
    for arm in arms:

        def perplexity(rate: float, arm: tuple[str, str] = arm) -> float:
            key = _key(data, kind, *arm, rate, 0, "tune")
            return from_numbers(shared({key: functools.partial(run, *arm, rate, 0, "tune")})[key]).perplexity

        best[arm], values = searched(perplexity, FIRST_RATES[arm[1]])
        tried += [{"arm": arm[0], "objective": arm[1], "rate": rate, "perplexity": values[rate]} for rate in values]
    return best, tried


def searched(value: Callable[[float], float], first: float) -> tuple[float, dict[float, float]]:
    """The rate with the least value, and all that were tried: by factors of 2, until both neighbours are worse."""
    values = {first: value(first)}
    while True:
        least = min(values, key=values.get)
        new = next_rates(values)
        if not new:
            return least, values
        values[new[0]] = value(new[0])


def _key(data: Data, kind: str, arm: str, objective: str, rate: float, seed: int, split: str = "validation") -> str:
    size = data.unit if kind == "text" else LEAK_ROWS
    words = f"{kind}{size}-{arm}-{objective}-lr{rate:g}-seed{seed}-{split}"
    return f"data/{data.profile.name}/" + words.replace(" ", "_").replace("%", "percent")


def raw_splits(min_characters: int) -> dict[str, list[Document]]:
    """Python's documentation split by name alone: near-duplicates stay in."""
    documents = python_documents(Path(sysconfig.get_path("stdlib")))
    longer = sorted((d for d in documents if len(d.text) > min_characters), key=lambda d: name_point(d.name))
    return {split: [document for document in longer if split_of(document.name) == split] for split in SPLITS}


def distinct(documents: Sequence[Document]) -> list[Document]:
    """Those that repeat no earlier one."""
    kept: list[Document] = []
    seen: set[int] = set()
    for document in documents:
        if overlap(document, seen) <= SEEN_AGAIN:
            kept.append(document)
            seen |= all_shingles([document])
    return kept


def shuffled(rows: Sequence[Row], seed: int) -> list[Row]:
    """The rows in the order of a seed."""
    return [rows[place] for place in np.random.Generator(np.random.PCG64([seed, 9])).permutation(len(rows))]


def up_to(rows: Sequence[Row], tokens: float) -> list[Row]:
    """The first rows, until they hold so many tokens to predict."""
    found, so_far = [], 0
    for row in rows:
        if so_far >= tokens:
            break
        found.append(row)
        so_far += row.valid
    return found


def reworded(text: str) -> str:
    """The text with every fifth word and the next one swapped: hardly a run of 13 words is left as it was."""
    words = text.split(" ")
    for place in range(3, len(words) - 1, 5):
        words[place], words[place + 1] = words[place + 1], words[place]
    return " ".join(words)
