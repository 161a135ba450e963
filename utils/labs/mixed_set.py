"""The made-up data set of Lab 9: short rows of several writers, each with its provenance; some must not be used.

The rows are counted, not real: their texts are one line each.
"""

from __future__ import annotations

import json
from pathlib import Path

from utils.provenance.records import COLUMN, Record, Source

HOLDS_NO_ANSWER = True
USERS = 2_000_000


def _source(model: str, licence: str | None, provider: str | None = None, terms_date: str | None = None) -> Source:
    return Source(model=model, licence=licence, provider=provider, terms_date=terms_date)


_GPT = _source("gpt-4.1", None, "OpenAI", "2026-01-01")
_LLAMA = _source("Llama-3.1-8B", "Llama 3.1")
# writer, base, chain, licence of the data set, subject, rows
_PARTS: tuple[tuple[Source, Source | None, tuple[Source, ...], str | None, str, int], ...] = (
    (_source("Qwen3-32B", "Apache-2.0"), None, (), None, "arithmetic", 420),
    (_source("R1-Distill-Llama-8B", "MIT"), _LLAMA, (_source("DeepSeek-R1", "MIT"),), None, "long reasoning", 360),
    (_source("Llama-3.3-70B", "Llama 3.3"), None, (), None, "code", 300),
    (_GPT, None, (), None, "refusals", 250),
    (_source("chatty-7b", "Apache-2.0"), _source("Mistral-7B", "Apache-2.0"), (_GPT,), None, "small talk", 240),
    (_source("DeepSeek-V4", "MIT", "DeepSeek", "2026-04-29"), None, (), None, "arithmetic", 200),
    (_source("Qwen3-32B (of a set for study)", "Apache-2.0"), None, (), "CC-BY-NC-4.0", "code", 130),
    (_source("unknown writer", None), None, (), "MIT", "refusals", 100),
)


def rows(purpose: str = "product", users: int | None = USERS) -> list[dict]:
    """Rows with text, subject and provenance.  users: of the company, in the month before each release."""
    found = []
    for number in range(max(part[-1] for part in _PARTS)):
        for writer, base, chain, data_licence, subject, count in _PARTS:
            if number < count:
                record = Record(
                    **writer, base=base, chain=list(chain), purpose=purpose, data_licence=data_licence,
                    users_at_release=users, users_now=users, product_users=40_000,
                )  # fmt: skip
                found.append({"text": f"{subject} {number}", "subject": subject, COLUMN: record})
    return found


def write(path: Path, some: list[dict]) -> Path:
    """The rows as JSON lines."""
    path.write_text("\n".join(json.dumps(row) for row in some) + "\n", encoding="utf-8")
    return path
