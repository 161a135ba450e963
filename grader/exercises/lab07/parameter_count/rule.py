"""What is right, and the pieces that wrong and right ways to write parameter_count share."""

from __future__ import annotations


def counted_by_parts(config, **other):
    """The count from its parts; other: a part by another number."""
    width, inner, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    head = other.get("head", config.head_dim)
    queries = config.num_attention_heads * head
    keys = other.get("key_heads", config.num_key_value_heads) * head
    matrices = other.get("matrices", 2 * width * queries + 2 * width * keys)
    biases = other.get("biases", (queries + 2 * keys + width) * config.attention_bias)
    norms = other.get("norms", 2 * width)
    block = matrices + biases + norms + other.get("mlp", 3 * width * inner)
    table = config.vocab_size * width
    ends = table + other.get("final_norm", width) + other.get("output", 0 if config.tie_word_embeddings else table)
    return int(other.get("layers", layers) * block + ends)


def parameter_count(config):
    return counted_by_parts(config)


def query_numbers(config):
    return config.num_attention_heads * config.head_dim


def key_numbers(config):
    return config.num_key_value_heads * config.head_dim
