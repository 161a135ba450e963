"""The configurations of published models, without the hub: enough of each to build it and to say what it costs."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from transformers import AutoConfig, PreTrainedConfig

from utils.errors import CourseError

HOLDS_NO_ANSWER = True
TABLE = Path(__file__).with_name("published.toml")


@cache
def _entries() -> dict[str, dict]:
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def published() -> dict[str, int]:
    """How many parameters each published model has, by its name on the hub."""
    return {name: entry["parameters"] for name, entry in _entries().items()}


def published_config(name: str) -> PreTrainedConfig:
    """The configuration of a published model, by its name on the hub or the part behind the slash.

    Raises CourseError that lists the models there are.
    """
    found = next((known for known in _entries() if name in (known, known.partition("/")[2])), None)
    if found is None:
        raise CourseError(f"There are no figures of {name!r}. There are: {', '.join(_entries())}.")
    settings = {key: value for key, value in _entries()[found].items() if key not in ("parameters", "model_type")}
    return AutoConfig.for_model(_entries()[found]["model_type"], **settings)
