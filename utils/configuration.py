"""What a model's own configuration says of its text: sizes and context.

Models that also read images keep these numbers one level deeper, in `text_config`.  So nobody reads `model.config`
for them; this module does.
"""

from __future__ import annotations

from typing import Any

HOLDS_NO_ANSWER = True
# A sliding window or a relative position is no limit: such a model reads a longer text too.
_CONTEXTS = ("max_position_embeddings", "n_positions", "n_ctx")


def text_config(model: Any) -> Any:
    """The part of a model's configuration that has the sizes of its text side; None where the model has none."""
    return text_part(getattr(model, "config", None))


def text_part(config: Any) -> Any:
    """The part of a configuration that has the sizes of the text side: itself, in a model that only reads text."""
    return config.get_text_config(decoder=True) if hasattr(config, "get_text_config") else config


def context_of(model: Any) -> int | None:
    """The longest row that the model has positions for, in tokens; None where its configuration names no limit."""
    config = text_config(model)
    limits = (getattr(config, name, None) for name in _CONTEXTS)
    return next((limit for limit in limits if isinstance(limit, int) and limit > 0), None)
