"""A race: the same prompts with and without a draft, in turns, beside what the speed model says."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from transformers import PreTrainedModel

from utils.decoding.chance import Seeded
from utils.decoding.drafts import Draft
from utils.decoding.reader import Reader
from utils.decoding.rules import speedup
from utils.decoding.speculative import Writing, decode, speculate
from utils.measuring.evaluation import drawn_again

READ_AT_ONCE, READ_AFTER, READINGS = (1, 2, 3, 5, 9, 17), 40, 12
PLAIN = "target alone"

Run = Callable[[Sequence[int], int], Writing]
SpeedModel = Callable[[float, int, float], float]


def settings_of(
    target: PreTrainedModel, drafts: Mapping[str, tuple[Draft, Sequence[int]]], tokens: int, temperature: float
) -> dict[tuple[str, int], Run]:
    """How each setting writes after a prompt: (draft, gamma) -> run(prompt, seed); gamma 0 is the target alone."""

    def alone(prompt: Sequence[int], seed: int) -> Writing:
        return decode(target, prompt, tokens, temperature, Seeded(seed))

    def with_draft(draft: Draft, gamma: int, prompt: Sequence[int], seed: int) -> Writing:
        return speculate(target, draft, prompt, tokens, gamma, temperature, Seeded(seed))

    found: dict[tuple[str, int], Run] = {(PLAIN, 0): alone}
    for name, (draft, gammas) in drafts.items():
        found |= {(name, gamma): functools.partial(with_draft, draft, gamma) for gamma in gammas}
    return found


def raced(
    settings: Mapping[tuple[str, int], Run], prompts: Sequence[Sequence[int]], model: SpeedModel = speedup
) -> list[dict]:
    """Every setting on every prompt, in turns; a row for each with its speed over that of the target alone.

    model: the speed model that is asked for its prediction, as `speedup`.
    """
    names = list(settings)
    done: dict[tuple[str, int], list[Writing]] = {name: [] for name in names}
    for run in settings.values():
        run(prompts[0], 0)  # warm
    for number, prompt in enumerate(prompts):
        turned = names[number % len(names) :] + names[: number % len(names)]
        for name in turned:
            done[name].append(settings[name](prompt, number))
    plain = done[PLAIN, 0]
    return [
        {"draft": name, "gamma": gamma, **row_of(some, plain, gamma, model)} for (name, gamma), some in done.items()
    ]


def row_of(some: Sequence[Writing], plain: Sequence[Writing], gamma: int, model: SpeedModel) -> dict:
    """Measured speed with its interval over prompts, what it was made of, and what the model says."""
    call = _per_token(plain)
    found = {"times as fast": call / _per_token(some), **_interval(some, plain)}
    found["ms a token"] = 1000 * _per_token(some)
    if not gamma:
        return found
    rounds = [each for one in some for each in one.statistics.rounds]
    drafted, judged = sum(len(each.drafted) for each in rounds), sum(each.judged for each in rounds)
    acceptance = sum(each.accepted for each in rounds) / max(judged, 1)
    cost = sum(each.draft_seconds for each in rounds) / max(drafted, 1) / call
    reading = sum(each.target_seconds for each in rounds) / len(rounds) / call
    return found | {
        "acceptance": acceptance,
        "tokens a round": sum(len(each.added) for each in rounds) / len(rounds),
        "drafted a round": drafted / len(rounds),
        "cost ratio": cost,
        "a round's reading over one token's": reading,
        "predicted": predicted(model, acceptance, cost, [len(each.drafted) for each in rounds]),
    }


def predicted(model: SpeedModel, acceptance: float, cost: float, drafted: Sequence[int]) -> float:
    """What the model says of rounds that drafted so many tokens each: all their tokens over all their cost.

    A lookup that finds nothing drafts nothing, and such a round adds one token at the cost of one.
    """
    costs = [cost * count + 1 for count in drafted]
    tokens = [model(acceptance, n, cost) * paid if n else 1.0 for n, paid in zip(drafted, costs, strict=True)]
    return sum(tokens) / sum(costs)


def _seconds(one: Writing) -> float:
    return one.statistics.draft_seconds + one.statistics.target_seconds


def _per_token(some: Sequence[Writing]) -> float:
    return sum(map(_seconds, some)) / sum(len(one.tokens) for one in some)


def _interval(some: Sequence[Writing], plain: Sequence[Writing]) -> dict[str, float]:
    """95 % over prompts, drawn again in pairs."""
    columns = [np.array([[value(one) for one in each]], dtype=float) for each in (some, plain) for value in _VALUES]
    seconds, tokens, plain_seconds, plain_tokens = (drawn_again(column) for column in columns)
    low, high = np.percentile((tokens / seconds) / (plain_tokens / plain_seconds), [2.5, 97.5])
    return {"low": float(low), "high": float(high)}


_VALUES = (_seconds, lambda one: len(one.tokens))


def reading_times(model: PreTrainedModel, prompt: Sequence[int]) -> list[dict[str, float]]:
    """Milliseconds of one call that reads so many tokens at once, after a cached text: the median of several."""
    found = []
    for count in READ_AT_ONCE:
        reader, times = Reader(model), []
        reader.logits(prompt[:READ_AFTER], last=1)
        for _ in range(READINGS):
            reader.keep(READ_AFTER)
            started = time.perf_counter()
            reader.logits(prompt[: READ_AFTER + count], last=count)
            times.append(1000 * (time.perf_counter() - started))
        found.append({"tokens": count, "ms": float(np.median(times))})
    return found
