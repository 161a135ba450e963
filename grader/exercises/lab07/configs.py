"""Configurations on which the size of a model is asked: small, and each with one thing that is easily forgotten."""

from __future__ import annotations

import numpy as np

from utils.checks.pack import Made


def _drawn(random: np.random.Generator) -> dict[str, int]:
    """Sizes that are all different, so that no two can be exchanged without a trace."""
    heads, head = int(random.choice([4, 6, 8])), int(random.choice([10, 12, 14]))
    return {
        "vocab_size": int(random.integers(300, 900)),
        "hidden_size": heads * head,
        "intermediate_size": int(random.integers(150, 290)),
        "num_hidden_layers": int(random.integers(3, 7)),
        "num_attention_heads": heads,
        "max_position_embeddings": int(random.integers(64, 129)),
    }


def llama(random: np.random.Generator, **changed: object) -> Made:
    """A Llama whose heads all have their own keys, whose output layer is its own, and whose matrices have no biases."""
    return Made("config", {"model_type": "llama", "tie_word_embeddings": False, **_drawn(random), **changed})


def grouped(random: np.random.Generator) -> Made:
    """A Llama with two query heads for each head of keys and values."""
    sizes = _drawn(random)
    return Made(
        "config",
        {"model_type": "llama", "tie_word_embeddings": False, **sizes}
        | {"num_key_value_heads": sizes["num_attention_heads"] // 2},
    )


def wide_heads(random: np.random.Generator, model_type: str = "llama") -> Made:
    """A model whose heads are larger than width over heads, as its configuration says."""
    sizes = _drawn(random)
    head = sizes["hidden_size"] // sizes["num_attention_heads"] + int(random.choice([2, 4, 6]))
    settings = {"head_dim": head, "num_key_value_heads": sizes["num_attention_heads"]}
    return Made("config", {"model_type": model_type, "tie_word_embeddings": False, **sizes, **settings})


def grouped_wide_with_biases(random: np.random.Generator) -> Made:
    """A Llama whose four biases have three lengths: heads x head_dim, key-value heads x head_dim, and the width.

    A head is wider by 2 only: at 4/3 of its plain size, 3 heads x head_dim would be 4 times the width.
    """
    sizes = grouped(random).settings
    head = sizes["hidden_size"] // sizes["num_attention_heads"] + 2
    return Made("config", {**sizes, "head_dim": head, "attention_bias": True})


def grouped_without_head_dim(random: np.random.Generator) -> Made:
    """A Qwen2: two query heads for each head of keys and values, and its configuration has no `head_dim`."""
    return Made("config", {**grouped(random).settings, "model_type": "qwen2"})


def gpt2(random: np.random.Generator) -> Made:
    """A GPT-2, whose configuration has neither `num_key_value_heads` nor `head_dim`."""
    sizes = _drawn(random)
    names = {"n_embd": "hidden_size", "n_layer": "num_hidden_layers", "n_head": "num_attention_heads"}
    return Made("config", {"model_type": "gpt2", **{short: sizes[long] for short, long in names.items()}})
