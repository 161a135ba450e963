"""Does a draft save time?  Wall clock against gamma, beside the speed model with the measured cost ratio.

    python -m benchmarks.speculation_speed [--profile embedded]

Run it with nothing else running, after benchmarks.speculation, whose best forward-KL draft it takes.  Two targets:
the embedded teacher in float32, and SmolLM2-135M with bfloat16 weights where its package is installed.  Settings take
turns on each prompt, so a machine that slows down slows all of them.  Reading the prompt is not counted.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

import torch
from transformers import PreTrainedTokenizerBase

from benchmarks.common import write_result
from benchmarks.speculation_drafts import Draft, Drafts
from benchmarks.speculation_pruned import KEPT, healed
from utils.configuration import text_config
from utils.data.corpus import load_corpus
from utils.data.documents import Document
from utils.decoding.drafts import ModelDraft, PromptLookupDraft, TrigramDraft
from utils.labs.dark_knowledge import load_smollm2, smollm2_folder
from utils.labs.racing import raced, reading_times, settings_of
from utils.models.forward import with_fast_forward
from utils.models.profiles import get_profile
from utils.notebook import committed

EMBEDDED_PROMPTS, EMBEDDED_TOKENS = 16, 64
SMOLLM2_PROMPTS, SMOLLM2_TOKENS = 8, 40
COPIED = "Repeat this text word by word.\n\nText: {text}\n\nRepeated: {start}"


def embedded(drafts: Drafts) -> dict:
    """The course's own pair."""
    target = with_fast_forward(drafts.target, torch.float32)
    vocabulary = text_config(target).vocab_size
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
    reading, by_draft = (reading_times(model, text) for model in (target, distilled))
    return {
        "rows": rows,
        "table": shown(rows),
        "cost ratio": next(row["cost ratio"] for row in rows if row["draft"] == "forward KL" and row["gamma"] == 4),
        "reading": beside({"target": reading, "draft": by_draft}),
    }


def shown(rows: Sequence[Mapping], text: str = "") -> list[dict]:
    """The rows of a race as a table, without the target alone; text: what was written."""
    keys = ("draft", "gamma", "times as fast", "low", "high", "acceptance", "tokens a round", "cost ratio", "predicted")
    first = {"text": text} if text else {}
    return [first | {key: row[key] for key in keys} for row in rows if row["gamma"]]


def beside(readings: Mapping[str, Sequence[Mapping]]) -> list[dict]:
    """Several readings as one table: tokens, and milliseconds by name."""
    columns = {name: [one["ms"] for one in some] for name, some in readings.items()}
    counts = [one["tokens"] for one in next(iter(readings.values()))]
    return [
        {"tokens": count} | {f"{name}, ms": times[place] for name, times in columns.items()}
        for place, count in enumerate(counts)
    ]


def smollm2(train: Sequence[Document], validation: Sequence[str]) -> dict | None:
    """SmolLM2-135M with bfloat16 weights; None where its package is not installed."""
    folder = smollm2_folder()
    if folder is None:
        return None
    model, tokenizer = load_smollm2(folder)
    pruned = healed(model, tokenizer, train).to(torch.bfloat16)
    prompts = _ids(tokenizer, validation, 48)[:SMOLLM2_PROMPTS]
    text = [token for prompt in prompts for token in prompt]
    single = reading_times(model, text)
    target = model.to(torch.bfloat16)
    vocabulary = text_config(target).vocab_size
    proposers = {
        "trigrams": (TrigramDraft(_ids(tokenizer, [one.text for one in train]), vocabulary), (1, 2, 3, 4)),
        "prompt lookup": (PromptLookupDraft(vocabulary), (2, 4)),
        "three blocks, healed": (ModelDraft(pruned, vocabulary), (1, 2)),
    }
    reading = beside({"float32": single, "bfloat16": reading_times(target, text)})
    races = {
        f"documentation, T = {temperature:g}": raced(
            settings_of(target, proposers, SMOLLM2_TOKENS, temperature), prompts
        )
        for temperature in (1.0, 0.3)
    }
    copies = [COPIED.format(text=one[:200], start=one[:20]) for one in validation[:SMOLLM2_PROMPTS]]
    lookups = {"prompt lookup": (PromptLookupDraft(vocabulary), (4, 8))}
    races["repeating a text"] = raced(settings_of(target, lookups, SMOLLM2_TOKENS, 0.3), _ids(tokenizer, copies))
    return {
        "kept": ", ".join(map(str, KEPT)),
        "reading": reading,
        "races": races,
        "table": [row for text, rows in races.items() for row in shown(rows, text)],
    }


def _ids(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], first: int | None = None) -> list[list[int]]:
    found = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    return [ids[:first] for ids in found if len(ids) > (first or 0)]


def main() -> None:
    """Time both targets and write benchmarks/results/speculation_speed.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="embedded")
    profile = get_profile(parser.parse_args().profile)
    text = load_corpus(profile.text, profile.min_characters)
    real = smollm2(text.train, [document.text for document in text.validation])
    result = {"profile": profile.name, "embedded": embedded(Drafts(profile)), "smollm2": real}
    print(write_result("speculation_speed", result))
    for row in result["embedded"]["rows"]:
        print(f"{row['draft']:>14} gamma {row['gamma']}: {row['times as fast']:.2f}")


if __name__ == "__main__":
    main()
