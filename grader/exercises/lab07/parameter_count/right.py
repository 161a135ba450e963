"""Right ways to write parameter_count, in other styles."""

from __future__ import annotations

import torch

from grader.exercises.lab07.parameter_count.rule import key_numbers, query_numbers
from grader.exercises.lab07.parameter_count.wrong import catalogue

right = catalogue.right


@right
def built_without_memory(config):
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    return sum(parameter.numel() for parameter in model.parameters())


@right
def by_shapes(config):
    d, f, h, k, e = (
        config.hidden_size, config.intermediate_size, config.num_attention_heads, config.num_key_value_heads,
        config.head_dim,
    )  # fmt: skip
    block = [(d, h * e), (d, k * e), (d, k * e), (h * e, d), (d, f), (d, f), (f, d), (1, d), (1, d)]
    if config.attention_bias:
        block += [(1, h * e), (1, k * e), (1, k * e), (1, d)]
    ends = [(config.vocab_size, d), (1, d)] + [(config.vocab_size, d)] * (not config.tie_word_embeddings)
    return sum(rows * columns for rows, columns in block * config.num_hidden_layers + ends)


@right
def with_a_loop(config):
    total = config.vocab_size * config.hidden_size
    for _ in range(config.num_hidden_layers):
        for out in (query_numbers(config), key_numbers(config), key_numbers(config)):
            total += config.hidden_size * out + (out if config.attention_bias else 0)
        total += query_numbers(config) * config.hidden_size + (config.hidden_size if config.attention_bias else 0)
        total += 3 * config.hidden_size * config.intermediate_size + 2 * config.hidden_size
    total += config.hidden_size
    if not config.tie_word_embeddings:
        total += config.hidden_size * config.vocab_size
    return total


@right
def with_a_helper(config):
    def linear(inputs, outputs, bias=False):
        return inputs * outputs + outputs * bias

    bias, width = config.attention_bias, config.hidden_size
    attention = linear(width, query_numbers(config), bias) + 2 * linear(width, key_numbers(config), bias)
    attention += linear(query_numbers(config), width, bias)
    mlp = 2 * linear(width, config.intermediate_size) + linear(config.intermediate_size, width)
    embedding = linear(width, config.vocab_size)
    outer = embedding if config.tie_word_embeddings else 2 * embedding
    return outer + config.num_hidden_layers * (attention + mlp + 2 * width) + width


@right
def factored(config):
    heads = 2 * config.head_dim * (config.num_attention_heads + config.num_key_value_heads)
    block = config.hidden_size * (heads + 3 * config.intermediate_size + 2)
    if config.attention_bias:
        block += (config.num_attention_heads + 2 * config.num_key_value_heads) * config.head_dim + config.hidden_size
    tables = 1 if config.tie_word_embeddings else 2
    return config.num_hidden_layers * block + config.hidden_size * (tables * config.vocab_size + 1)


@right
def from_a_dict(config):
    c = config.to_dict()
    q, kv = c["num_attention_heads"] * c["head_dim"], c["num_key_value_heads"] * c["head_dim"]
    block = 2 * c["hidden_size"] * (q + kv) + 3 * c["hidden_size"] * c["intermediate_size"] + 2 * c["hidden_size"]
    block += (q + 2 * kv + c["hidden_size"]) if c["attention_bias"] else 0
    table = c["vocab_size"] * c["hidden_size"]
    return table * [2, 1][int(config.tie_word_embeddings)] + c["num_hidden_layers"] * block + c["hidden_size"]


@right
def as_a_tensor_product(config):
    width = config.hidden_size
    outs = torch.tensor([query_numbers(config), key_numbers(config), key_numbers(config)])
    block = (
        int((outs * width).sum()) + query_numbers(config) * width + int(config.attention_bias) * int(outs.sum() + width)
    )
    block += 3 * width * config.intermediate_size + 2 * width
    total = block * config.num_hidden_layers + width + config.vocab_size * width
    return total if config.tie_word_embeddings else total + config.vocab_size * width


@right
def real_modules(config):
    from transformers.models.llama.modeling_llama import LlamaDecoderLayer

    with torch.device("meta"):
        block = LlamaDecoderLayer(config, 0)
    each = sum(parameter.numel() for parameter in block.parameters())
    table = config.vocab_size * config.hidden_size
    return config.num_hidden_layers * each + config.hidden_size + table * (1 if config.tie_word_embeddings else 2)
