"""What is right, and the pieces that wrong and right ways to write kv_cache_bytes share."""

from __future__ import annotations


def key_heads(config):
    return getattr(config, "num_key_value_heads", None) or config.num_attention_heads


def head_of(config):
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


def kv_cache_bytes(config, batch, tokens, bytes_per_number):
    numbers = 2 * config.num_hidden_layers * key_heads(config) * head_of(config)
    return float(numbers * batch * tokens * bytes_per_number)
