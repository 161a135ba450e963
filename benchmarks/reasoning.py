"""The answer, or the way to it?  What a small student learns from answers, from traces, and from filtered traces.

    python -m benchmarks.reasoning [--seeds 5] [--arm NAME ...]

One teacher writes solutions at a temperature at which it errs.  Every arm is one student, trained by the course's own
loop: on the same questions, for as many steps, at one learning rate, unless its name says otherwise.  A seed draws the
questions, the teacher's samples and the order.  Accuracy is of greedy answers on questions that nobody trained on, its
interval over questions and seeds.  An interrupted run goes on where it was, and two starts share the work.  With --arm
only these are trained and compared with each other; all else stays as it was written last.
"""

from __future__ import annotations

import argparse
import functools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.common import RESULTS, share_with_interval, shared, write_result
from utils.data.batches import BatchPlan, Row
from utils.labs import arithmetic, reasoning, traces
from utils.labs.arithmetic import Question, questions
from utils.models.loading import Pair, load_model
from utils.training import loop as training
from utils.training.settings import NO_PARTS, TrainingSettings

N, MANY = 1000, 10_000
BATCH, EPOCHS, RATE = 16, 4, 3e-3
RATES = (1.5e-3, 3e-3, 6e-3)
ASKED, ASKED_LONGER = 400, 200
LONGEST = max(arithmetic.TRAINED)
SAMPLES = (1, 4, 16)
VOTES_OVER, VOTE_TEMPERATURE = 200, 1.0
CLAIM, UNFILTERED = "all three filters", "unfiltered"
VOTING = ("answers alone", CLAIM)

Solved = tuple[Question, str]


@dataclass(frozen=True)
class Arm:
    """What one student is trained on.  pool: the solutions it may draw from; form: what of them it reads.

    count: how many different solutions; times: how many epochs' worth of steps of N solutions it takes.
    """

    pool: str
    form: str = "verbose"
    count: int = N
    times: float = EPOCHS

    @property
    def key(self) -> str:
        return f"{self.pool}_{self.form}_{self.count}_x{self.times:g}".replace(" ", "-")


ARMS = {
    "answers alone": Arm("reference", "answer"),
    "answers alone, as many tokens": Arm("reference", "answer", count=MANY, times=EPOCHS * 8),
    "answers alone, as many seconds": Arm("reference", "answer", count=MANY, times=EPOCHS * 2.7),  # of ours
    "reference traces": Arm("reference"),
    "reference traces, shuffled steps": Arm("reference", "shuffled"),
    UNFILTERED: Arm("any"),
    "answer is right": Arm("answer"),
    "steps are consistent": Arm("steps"),
    "not repetitive": Arm("length"),
    CLAIM: Arm("all"),
    "10 N unfiltered, as many steps": Arm("any", count=MANY),
    "10 N unfiltered, 2.5 times the steps": Arm("any", count=MANY, times=10),
    "N verified, 2.5 times the steps": Arm("all", times=10),
    "all verified of 10 N, as many steps": Arm("all", count=MANY),
    "compact": Arm("all", "compact"),
    "compact, as many tokens": Arm("all", "compact", count=MANY, times=EPOCHS * 1.8),
    "right answers behind wrong steps": Arm("lucky", count=250),
    "as many unfiltered": Arm("any", count=250),
    "as many verified": Arm("all", count=250),
}
POOLS: dict[str, Callable[[Question, str], bool]] = {
    "any": lambda question, trace: True,
    "answer": lambda question, trace: traces.extract_answer(trace) == question.answer,
    "steps": lambda question, trace: traces.steps_are_consistent(trace),
    "length": lambda question, trace: not traces.is_repetitive(trace, LONGEST),
    "all": lambda question, trace: all(POOLS[name](question, trace) for name in ("answer", "steps", "length")),
    "lucky": lambda question, trace: POOLS["answer"](question, trace) and not POOLS["steps"](question, trace),
}


class Reasoning:
    """The pair, the teacher's solutions by seed, and every student, each trained once."""

    def __init__(self) -> None:
        self.pair: Pair = reasoning.load_reasoning_pair()
        self.tokenizer = self.pair.tokenizer
        self.asked = questions(ASKED, split="validation", seed=1)
        self.longer = {n: questions(ASKED_LONGER, (n,), "validation", seed=2) for n in arithmetic.LONGER}

    @functools.cache  # noqa: B019  one object lives as long as the run
    def solved(self, seed: int) -> list[Solved]:
        """The teacher's solution of each of 10 N questions."""
        asked = questions(MANY, split="train", seed=100 + seed)
        key = f"reasoning/solutions-seed{seed}"
        write = functools.partial(self._write, asked, seed)
        return list(zip(asked, shared({key: write})[key]["texts"], strict=True))

    def _write(self, asked: Sequence[Question], seed: int) -> dict:
        texts = reasoning.written(self.pair.teacher, self.tokenizer, asked, reasoning.TEACHER_TEMPERATURE, seed)
        return {"texts": texts}

    def solutions(self, arm: Arm, seed: int) -> list[Solved]:
        """The solutions that an arm reads: the first of its pool, in the form that it asks for."""
        solved = self.solved(seed)
        if arm.pool == "reference":
            solved = [(question, question.trace()) for question, _ in solved]
        else:
            solved = [pair for pair in solved if POOLS[arm.pool](*pair)]
        random = np.random.Generator(np.random.PCG64([seed, 7]))
        return [(question, self._formed(trace, arm.form, random)) for question, trace in solved[: arm.count]]

    def _formed(self, trace: str, form: str, random: np.random.Generator) -> str:
        if form == "compact":
            return traces.compact(trace)
        *steps, answer = trace.split("\n")
        if form == "answer":
            return answer
        if form == "shuffled":
            random.shuffle(steps)
        return "\n".join([*steps, answer])

    def run(self, arm: Arm, rate: float, seed: int, split: str = "validation") -> dict:
        """Train a student and ask it."""
        solutions = self.solutions(arm, seed)
        rows = repeated(reasoning.rows_of(*zip(*solutions, strict=True), self.tokenizer), round(N * arm.times), seed)
        student = load_model(reasoning.STUDENT)
        started = time.perf_counter()
        plan = BatchPlan(tuple(rows), BATCH, self.tokenizer.pad_token_id, seed, pool=25)
        settings = TrainingSettings(rate, 1, seed=seed, record_parts_every=NO_PARTS)
        history = training.distill(student, None, plan, settings, None, training.ce_only_step, name=arm.key)
        seconds = time.perf_counter() - started
        found = {"different": len(solutions), "steps": len(history.records), "tokens": history.tokens}
        if split == "tune":
            asked = questions(ASKED // 2, split="tune", seed=1)
            texts = reasoning.written(student, self.tokenizer, asked)
            return found | {"right": reasoning.right_answers(asked, texts).tolist()}
        found |= self.judged(student) | {"seconds": seconds}
        if arm in [ARMS[name] for name in VOTING]:
            found["votes"] = self.votes(student, seed)
        return found

    def judged(self, model: object) -> dict:
        """Greedy answers to the questions and to longer ones, their lengths in characters, and their steps' marks."""
        texts = reasoning.written(model, self.tokenizer, self.asked)
        marks = [mark for one, text in zip(self.asked, texts, strict=True) for _, mark in arithmetic.marked(one, text)]
        found: dict = {
            "right": reasoning.right_answers(self.asked, texts).tolist(),
            "characters": [len(text) for text in texts],
            "marks": {mark: marks.count(mark) for mark in (arithmetic.RIGHT, arithmetic.WRONG, arithmetic.SKIPPED)},
            "lengths": [len(one.operations) for one in self.asked],
        }
        for length, asked in self.longer.items():
            answers = reasoning.written(model, self.tokenizer, asked)
            found[f"right at {length}"] = reasoning.right_answers(asked, answers).tolist()
        return found

    def votes(self, model: object, seed: int) -> dict[str, list[float]]:
        """Right answers by majority of so many samples, by their number."""
        asked = self.asked[:VOTES_OVER]
        drawn = [
            reasoning.written(model, self.tokenizer, asked, VOTE_TEMPERATURE, seed=1000 * seed + number)
            for number in range(max(SAMPLES))
        ]
        return {
            str(count): [
                float(reasoning.majority([drawn[i][place] for i in range(count)]) == question.answer)
                for place, question in enumerate(asked)
            ]
            for count in SAMPLES
        }


def repeated(rows: Sequence[Row], count: int, seed: int) -> list[Row]:
    """So many rows: all as often as possible, and in the last round some of them, drawn from the seed."""
    random = np.random.Generator(np.random.PCG64([seed, 8]))
    order = [place for _ in range(-(-count // len(rows))) for place in random.permutation(len(rows))]
    return [rows[place] for place in order[:count]]


def share(runs: Sequence[Mapping], name: str = "right") -> dict[str, float]:
    """Right answers over questions, with a 95 % interval over questions and seeds."""
    return _over_questions(np.array([run[name] for run in runs]), "accuracy")


def difference(runs: Sequence[Mapping], others: Sequence[Mapping]) -> dict[str, float]:
    """How much more is right, in pairs over questions and seeds."""
    return _over_questions(np.array([run["right"] for run in runs]) - [run["right"] for run in others], "difference")


def _over_questions(values: np.ndarray, name: str) -> dict[str, float]:
    found = share_with_interval(values, np.ones(values.shape[1]))
    return {name: found["share"], "low": found["low"], "high": found["high"]}


def line(name: str, runs: Sequence[Mapping]) -> dict:
    """An arm as a row of the table."""
    found: dict = {"arm": name, **share(runs)}
    for length in arithmetic.LONGER:
        found[f"accuracy at {length}"] = share(runs, f"right at {length}")["accuracy"]
    marks = {mark: sum(run["marks"][mark] for run in runs) for mark in runs[0]["marks"]}
    found["steps right"] = marks["right"] / max(1, sum(marks.values()))
    found["characters"] = sum(sum(run["characters"]) for run in runs) / sum(len(run["characters"]) for run in runs)
    for key in ("different", "steps", "tokens", "seconds"):
        if key in runs[0]:
            found[key] = sum(run[key] for run in runs) / len(runs)
    return found | {"seeds": len(runs)}


PAIRS = (
    ("reference traces", "answers alone"),
    ("answers alone, as many tokens", "answers alone"),
    ("reference traces", "answers alone, as many tokens"),
    ("reference traces", "answers alone, as many seconds"),
    ("reference traces, shuffled steps", "reference traces"),
    *((name, UNFILTERED) for name in ("answer is right", "steps are consistent", "not repetitive", CLAIM)),
    (CLAIM, "10 N unfiltered, as many steps"),
    ("N verified, 2.5 times the steps", "10 N unfiltered, 2.5 times the steps"),
    ("all verified of 10 N, as many steps", CLAIM),
    ("all verified of 10 N, as many steps", "10 N unfiltered, as many steps"),
    (CLAIM, "reference traces"),
    ("compact", CLAIM),
    ("compact, as many tokens", CLAIM),
    ("right answers behind wrong steps", "as many unfiltered"),
    ("right answers behind wrong steps", "as many verified"),
)


def survivors(solved: Sequence[Solved]) -> list[dict]:
    """How many solutions pass each filter."""
    return [
        {"filter": name, "solutions": sum(POOLS[name](*one) for one in solved), "of": len(solved)} for name in POOLS
    ]


def tuning(reason: Reasoning) -> list[dict]:
    """Accuracy on the tune split by learning rate, of two arms: RATE is to be the best of both."""
    tried = [(name, rate) for name in ("answers alone", UNFILTERED) for rate in RATES]
    keys = {one: f"reasoning/tune-{ARMS[one[0]].key}-lr{one[1]:g}" for one in tried}
    runs = shared({keys[one]: functools.partial(reason.run, ARMS[one[0]], one[1], 0, "tune") for one in tried})
    return [{"arm": n, "rate": rate, "accuracy": float(np.mean(runs[keys[n, rate]]["right"]))} for n, rate in tried]


def main() -> None:
    """Train every student and write benchmarks/results/reasoning.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--arm", nargs="*", choices=ARMS, default=(), metavar="NAME")
    arguments = parser.parse_args()
    reason, seeds = Reasoning(), range(arguments.seeds)
    keys = {(n, seed): f"reasoning/{ARMS[n].key}-seed{seed}" for seed in seeds for n in arguments.arm or ARMS}
    jobs = {key: functools.partial(reason.run, ARMS[name], RATE, seed) for (name, seed), key in keys.items()}
    if arguments.arm:
        done = shared(jobs)
        arms = {name: [done[keys[name, seed]] for seed in seeds] for name in arguments.arm}
        result = beside_recorded(json.loads((RESULTS / "reasoning.json").read_text(encoding="utf-8")), arms)
    else:
        jobs["reasoning/untouched"] = lambda: reason.judged(load_model(reasoning.STUDENT))
        jobs["reasoning/teacher"] = lambda: reason.judged(reason.pair.teacher)
        done = shared(jobs)
        result = of_all(reason, {name: [done[keys[name, seed]] for seed in seeds] for name in ARMS}, done)
    print(write_result("reasoning", result))


def of_all(reason: Reasoning, arms: Mapping[str, list[dict]], done: Mapping[str, dict]) -> dict:
    """The whole result. arms: every arm's runs, one a seed; done: also teacher and untouched student."""
    every = {name: [done[f"reasoning/{name}"]] for name in ("teacher", "untouched")} | arms
    votes = {(name, n): [{"right": run["votes"][str(n)]} for run in arms[name]] for name in VOTING for n in SAMPLES}
    return {
        "questions": {"N": N, "asked": ASKED, "lengths": arithmetic.TRAINED, "longer": arithmetic.LONGER},
        "teacher's temperature": reasoning.TEACHER_TEMPERATURE,
        "learning rate": RATE,
        "tuning": tuning(reason),
        "rows": [line(name, runs) for name, runs in every.items()],
        "differences": differences(arms),
        "survivors": survivors(reason.solved(0)),
        "votes": [{"arm": name, "samples": count, **share(runs)} for (name, count), runs in votes.items()],
        "by length": [
            {"arm": name, "operations": n, **share([_only(run, n) for run in runs])}
            for name, runs in every.items()
            for n in arithmetic.TRAINED
        ],
    }


def differences(arms: Mapping[str, Sequence[Mapping]]) -> list[dict]:
    """What one arm has right beyond another, for all pairs whose two arms are there."""
    there = [(one, other) for one, other in PAIRS if one in arms and other in arms]
    return [{"arm": one, "minus": other, **difference(arms[one], arms[other])} for one, other in there]


def beside_recorded(recorded: dict, arms: Mapping[str, list[dict]]) -> dict:
    """The recorded result with these arms' rows, where it had none, and with their differences."""
    known = {row["arm"] for row in recorded["rows"]}
    rows = recorded["rows"] + [line(name, runs) for name, runs in arms.items() if name not in known]
    order = ["teacher", "untouched", *ARMS]
    pairs = {(one["arm"], one["minus"]): one for one in recorded["differences"] + differences(arms)}
    return recorded | {
        "rows": sorted(rows, key=lambda row: order.index(row["arm"])),
        "differences": [pairs[pair] for pair in PAIRS if pair in pairs],
    }


def _only(run: Mapping, length: int) -> dict:
    return {"right": [right for right, n in zip(run["right"], run["lengths"], strict=True) if n == length]}


if __name__ == "__main__":
    main()
