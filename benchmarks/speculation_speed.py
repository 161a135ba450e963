"""Does a draft save time?  Wall clock against gamma, beside the speed model with the measured cost ratio.

    python -m benchmarks.speculation_speed [--profile embedded]

Run it with nothing else running, after benchmarks.speculation, whose best forward-KL draft it takes.  Two targets:
the embedded teacher in float32, and SmolLM2-135M with bfloat16 weights where its package is installed.  Settings take
turns on each prompt, so a machine that slows down slows all of them.  Reading the prompt is not counted.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from benchmarks.common import write_result
from benchmarks.speculation_drafts import Draft, Drafts
from utils.data.corpus import load_corpus
from utils.decoding.chance import Seeded
from utils.decoding.drafts import Draft as Proposer
from utils.decoding.drafts import ModelDraft, PromptLookupDraft, TrigramDraft
from utils.decoding.reader import Reader
from utils.decoding.rules import expected_tokens, speedup
from utils.decoding.speculative import Writing, decode, speculate
from utils.labs.dark_knowledge import load_smollm2, smollm2_folder
from utils.measuring.evaluation import drawn_again
from utils.models.forward import with_fast_forward
from utils.models.profiles import get_profile
from utils.notebook import committed

READ_AT_ONCE, READ_AFTER, READINGS = (1, 2, 3, 5, 9, 17), 40, 12
EMBEDDED_PROMPTS, EMBEDDED_TOKENS = 16, 64
SMOLLM2_PROMPTS, SMOLLM2_TOKENS = 8, 40
PLAIN = "target alone"
COPIED = "Repeat this text word by word.\n\nText: {text}\n\nRepeated: {start}"

Run = Callable[[Sequence[int], int], Writing]


def settings_of(
    target: PreTrainedModel, drafts: Mapping[str, tuple[Proposer, Sequence[int]]], tokens: int, temperature: float
) -> dict[tuple[str, int], Run]:
    """How each setting writes after a prompt: (draft, gamma) -> run(prompt, seed); gamma 0 is the target alone."""

    def alone(prompt: Sequence[int], seed: int) -> Writing:
        return decode(target, prompt, tokens, temperature, Seeded(seed))

    def with_draft(draft: Proposer, gamma: int, prompt: Sequence[int], seed: int) -> Writing:
        return speculate(target, draft, prompt, tokens, gamma, temperature, Seeded(seed))

    found: dict[tuple[str, int], Run] = {(PLAIN, 0): alone}
    for name, (draft, gammas) in drafts.items():
        found |= {(name, gamma): functools.partial(with_draft, draft, gamma) for gamma in gammas}
    return found


def raced(settings: Mapping[tuple[str, int], Run], prompts: Sequence[Sequence[int]]) -> list[dict]:
    """Every setting on every prompt, in turns; a row for each with its speed over that of the target alone."""
    names = list(settings)
    done: dict[tuple[str, int], list[Writing]] = {name: [] for name in names}
    for run in settings.values():
        run(prompts[0], 0)  # warm
    for number, prompt in enumerate(prompts):
        turned = names[number % len(names) :] + names[: number % len(names)]
        for name in turned:
            done[name].append(settings[name](prompt, number))
    plain = done[PLAIN, 0]
    return [{"draft": name, "gamma": gamma, **row_of(some, plain, gamma)} for (name, gamma), some in done.items()]


def row_of(some: Sequence[Writing], plain: Sequence[Writing], gamma: int) -> dict:
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
        "the model's": speedup(acceptance, gamma, cost),
        "the model's, with the measured reading": expected_tokens(acceptance, gamma) / (gamma * cost + reading),
    }


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


def embedded(drafts: Drafts) -> dict:
    """The course's own pair."""
    target = with_fast_forward(drafts.target, torch.float32)
    vocabulary = target.config.vocab_size
    rate = committed("speculation")["learning_rates"]["forward KL"]
    distilled = with_fast_forward(drafts.trained(Draft("forward KL", rate=rate)), torch.float32)
    proposers = {
        "forward KL": (ModelDraft(distilled, vocabulary), (1, 2, 3, 4, 6, 8)),
        "trigrams": (TrigramDraft((row.input_ids for row in drafts.experiment.train), vocabulary), (1, 2, 4)),
        "prompt lookup": (PromptLookupDraft(vocabulary), (1, 2, 4)),
    }
    prompts = drafts.prompts()[:EMBEDDED_PROMPTS]
    rows = raced(settings_of(target, proposers, EMBEDDED_TOKENS, 1.0), prompts)
    text = [token for prompt in prompts for token in prompt]
    return {
        "rows": rows,
        "reading": reading_times(target, text),
        "reading by the draft": reading_times(distilled, text),
    }


def smollm2(texts: Sequence[str], validation: Sequence[str]) -> dict | None:
    """SmolLM2-135M with bfloat16 weights; None where its package is not installed."""
    folder = smollm2_folder()
    if folder is None:
        return None
    model, tokenizer = load_smollm2(folder)
    prompts = _ids(tokenizer, validation, 48)[:SMOLLM2_PROMPTS]
    text = [token for prompt in prompts for token in prompt]
    single = reading_times(model, text)
    target = model.to(torch.bfloat16)
    vocabulary = target.config.vocab_size
    trigrams = TrigramDraft(_ids(tokenizer, texts), vocabulary)
    proposers = {"trigrams": (trigrams, (1, 2, 3, 4)), "prompt lookup": (PromptLookupDraft(vocabulary), (2, 4))}
    found: dict = {"reading float32": single, "reading bfloat16": reading_times(target, text)}
    for name, temperature in (("text at T = 1", 1.0), ("text at T = 0.3", 0.3)):
        found[name] = raced(settings_of(target, proposers, SMOLLM2_TOKENS, temperature), prompts)
    copies = [COPIED.format(text=one[:200], start=one[:20]) for one in validation[:SMOLLM2_PROMPTS]]
    lookups = {"prompt lookup": (PromptLookupDraft(vocabulary), (4, 8))}
    found["repeated text"] = raced(settings_of(target, lookups, SMOLLM2_TOKENS, 0.3), _ids(tokenizer, copies))
    return found


def _ids(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], first: int | None = None) -> list[list[int]]:
    found = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    return [ids[:first] for ids in found if len(ids) > (first or 0)]


def main() -> None:
    """Time both targets and write benchmarks/results/speculation_speed.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="embedded")
    profile = get_profile(parser.parse_args().profile)
    text = load_corpus(profile.text, profile.min_characters)
    train, validation = ([document.text for document in split] for split in (text.train, text.validation))
    result = {"profile": profile.name, "embedded": embedded(Drafts(profile)), "smollm2": smollm2(train, validation)}
    print(write_result("speculation_speed", result))
    for row in result["embedded"]["rows"]:
        print(f"{row['draft']:>14} gamma {row['gamma']}: {row['times as fast']:.2f}")


if __name__ == "__main__":
    main()
