"""Right ways to write kv_cache_bytes, in other styles."""

from __future__ import annotations

import math

from grader.exercises.lab07.kv_cache_bytes.rule import head_of, key_heads
from grader.exercises.lab07.kv_cache_bytes.wrong import catalogue

right = catalogue.right


@right
def step_by_step(config, batch, tokens, bytes_per_number):
    heads = config.num_attention_heads
    if hasattr(config, "num_key_value_heads"):
        heads = config.num_key_value_heads
    size = config.head_dim if hasattr(config, "head_dim") else config.hidden_size // config.num_attention_heads
    key = heads * size * bytes_per_number
    both = key + key
    return both * config.num_hidden_layers * tokens * batch


@right
def with_a_product(config, batch, tokens, bytes_per_number):
    return math.prod((2, config.num_hidden_layers, batch, key_heads(config), tokens, head_of(config), bytes_per_number))


@right
def with_loops(config, batch, tokens, bytes_per_number):
    total = 0
    for _layer in range(config.num_hidden_layers):
        for _which in ("key", "value"):
            total += batch * key_heads(config) * tokens * head_of(config)
    return total * bytes_per_number


@right
def by_exceptions(config, batch, tokens, bytes_per_number):
    try:
        heads = config.num_key_value_heads
    except AttributeError:
        heads = config.num_attention_heads
    try:
        head = config.head_dim
    except AttributeError:
        head = config.hidden_size / config.num_attention_heads
    return 2.0 * heads * head * config.num_hidden_layers * batch * tokens * bytes_per_number


@right
def from_a_dict(config, batch, tokens, bytes_per_number):
    c = config.to_dict()
    width, heads = config.hidden_size, config.num_attention_heads
    each = c.get("num_key_value_heads", heads) * c.get("head_dim", width // heads)
    return int(each) * 2 * config.num_hidden_layers * batch * tokens * bytes_per_number


@right
def real_shapes(config, batch, tokens, bytes_per_number):
    import torch

    key = torch.empty(batch, key_heads(config), tokens, head_of(config), device="meta")
    return (key.numel() + key.numel()) * config.num_hidden_layers * bytes_per_number


@right
def per_token_first(config, batch, tokens, bytes_per_number):
    def of_one_token():
        share = key_heads(config) / config.num_attention_heads
        queries = head_of(config) * config.num_attention_heads
        return 2 * share * queries * config.num_hidden_layers

    return round(of_one_token()) * (batch * tokens) * bytes_per_number


@right
def in_gigabytes_and_back(config, batch, tokens, bytes_per_number):
    gigabytes = 2 * config.num_hidden_layers * key_heads(config) * head_of(config) * bytes_per_number / 1e9
    return gigabytes * batch * tokens * 1e9
