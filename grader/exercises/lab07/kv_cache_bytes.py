"""kv_cache_bytes(config, batch, tokens, bytes_per_number): the memory that keys and values take."""

from __future__ import annotations

import math

from grader.exercises.lab07 import configs
from grader.exercises.ordinary import Catalogue, exercise
from utils.checks.records import Probe

catalogue = Catalogue()
wrong, right = catalogue.wrong, catalogue.right


def _key_heads(config):
    return getattr(config, "num_key_value_heads", None) or config.num_attention_heads


def _head(config):
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


def kv_cache_bytes(config, batch, tokens, bytes_per_number):
    numbers = 2 * config.num_hidden_layers * _key_heads(config) * _head(config)
    return float(numbers * batch * tokens * bytes_per_number)


def draw(random):
    made = {
        "every head has its own": configs.llama(random),
        "every head has its own, again": configs.llama(random),
        "grouped": configs.grouped(random),
        "one for all": configs.llama(random, num_key_value_heads=1),
        "wide heads": configs.wide_heads(random, "qwen3"),
        "GPT-2": configs.gpt2(random),
    }
    sizes = zip(random.permutation([2, 3, 5, 6, 7, 9]), random.permutation([16, 17, 33, 40, 50, 100]), strict=True)
    for (name, config), (batch, tokens), size in zip(made.items(), sizes, (2, 4, 2, 1, 4, 2), strict=True):
        yield Probe(name, {"config": config, "batch": int(batch), "tokens": int(tokens), "bytes_per_number": size})


@wrong(
    "the query heads are counted instead of the key-value heads",
    "Multiplies by num_attention_heads.",
    "How many heads have keys of their own? Look at num_key_value_heads.",
)
def query_heads(config, batch, tokens, bytes_per_number):
    heads = config.num_attention_heads
    return float(2 * config.num_hidden_layers * heads * _head(config) * batch * tokens * bytes_per_number)


@wrong(
    "the whole width is kept for each token, whatever the heads",
    "Multiplies by hidden_size.",
    "Are key-value heads times head_dim always the width?",
)
def whole_width(config, batch, tokens, bytes_per_number):
    return float(2 * config.num_hidden_layers * config.hidden_size * batch * tokens * bytes_per_number)


@wrong(
    "keys without values: the 2 is missing",
    "Counts one of both.",
    "Which two vectors does a layer keep for a token?",
)
def keys_only(config, batch, tokens, bytes_per_number):
    return kv_cache_bytes(config, batch, tokens, bytes_per_number) / 2


@wrong("the batch is forgotten", "Counts one text.", "Can two texts share their keys?")
def no_batch(config, batch, tokens, bytes_per_number):
    return kv_cache_bytes(config, 1, tokens, bytes_per_number)


@wrong("the layers are forgotten", "Counts one layer.", "Which layers attend, and do they share their keys?")
def one_layer(config, batch, tokens, bytes_per_number):
    return kv_cache_bytes(config, batch, tokens, bytes_per_number) / config.num_hidden_layers


@wrong("the tokens are forgotten", "Counts one token.", "For how many tokens does the cache keep something?")
def one_token(config, batch, tokens, bytes_per_number):
    return kv_cache_bytes(config, batch, 1, bytes_per_number)


@wrong(
    "the bytes of a number are forgotten: this counts numbers",
    "Does not multiply by bytes_per_number.",
    "What unit has your answer?",
)
def numbers_only(config, batch, tokens, bytes_per_number):
    return kv_cache_bytes(config, batch, tokens, 1)


@wrong("bits instead of bytes", "Multiplies by 8.", "Is bytes_per_number in bits or in bytes?")
def in_bits(config, batch, tokens, bytes_per_number):
    return 8 * kv_cache_bytes(config, batch, tokens, bytes_per_number)


@wrong(
    "bytes_per_number is read as bits",
    "Divides by 8.",
    "How many bytes has a number for which bytes_per_number is 2?",
)
def from_bits(config, batch, tokens, bytes_per_number):
    return kv_cache_bytes(config, batch, tokens, bytes_per_number) / 8


@wrong("gibibytes instead of bytes", "Divides by 2^30.", "In which unit is the answer due?")
def in_gib(config, batch, tokens, bytes_per_number):
    return kv_cache_bytes(config, batch, tokens, bytes_per_number) / 2**30


@wrong("gigabytes instead of bytes", "Divides by 10^9.", "In which unit is the answer due?")
def in_gb(config, batch, tokens, bytes_per_number):
    return kv_cache_bytes(config, batch, tokens, bytes_per_number) / 1e9


@wrong("mebibytes instead of bytes", "Divides by 2^20.", "In which unit is the answer due?")
def in_mib(config, batch, tokens, bytes_per_number):
    return kv_cache_bytes(config, batch, tokens, bytes_per_number) / 2**20


@wrong("megabytes instead of bytes", "Divides by 10^6.", "In which unit is the answer due?")
def in_mb(config, batch, tokens, bytes_per_number):
    return kv_cache_bytes(config, batch, tokens, bytes_per_number) / 1e6


@wrong(
    "the size of a head is taken as width over heads although the configuration names it",
    "Ignores head_dim.",
    "Read head_dim where there is one. Must heads times head_dim be the width?",
)
def derived_head(config, batch, tokens, bytes_per_number):
    head = config.hidden_size // config.num_attention_heads
    return float(2 * config.num_hidden_layers * _key_heads(config) * head * batch * tokens * bytes_per_number)


@wrong(
    "a GPT-2 has no num_key_value_heads, and this stops there",
    "Reads an entry that not every configuration has.",
    "If a configuration names no key-value heads, how many are there?",
)
def no_default(config, batch, tokens, bytes_per_number):
    heads = config.num_key_value_heads
    return float(2 * config.num_hidden_layers * heads * _head(config) * batch * tokens * bytes_per_number)


@wrong(
    "the size of a group is taken for the number of key-value heads",
    "Uses num_attention_heads / num_key_value_heads.",
    "Which number is it: how many heads share a key, or how many keys there are?",
)
def group_size(config, batch, tokens, bytes_per_number):
    heads = config.num_attention_heads // _key_heads(config)
    return float(2 * config.num_hidden_layers * heads * _head(config) * batch * tokens * bytes_per_number)


@wrong("one token too few", "Leaves the last token out.", "Does the newest token have a key?")
def one_token_less(config, batch, tokens, bytes_per_number):
    return kv_cache_bytes(config, batch, tokens - 1, bytes_per_number)


@wrong(
    "the square of the tokens: the attention matrix, not the cache",
    "Counts a number for every pair of tokens.",
    "What is kept from step to step: the scores of all pairs, or the keys and values?",
)
def squared(config, batch, tokens, bytes_per_number):
    return tokens * kv_cache_bytes(config, batch, tokens, bytes_per_number)


@wrong(
    "the size of a head is forgotten",
    "Counts one number for each head.",
    "How many numbers has a key?",
)
def no_head_size(config, batch, tokens, bytes_per_number):
    return float(2 * config.num_hidden_layers * _key_heads(config) * batch * tokens * bytes_per_number)


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
    return math.prod((2, config.num_hidden_layers, batch, _key_heads(config), tokens, _head(config), bytes_per_number))


@right
def with_loops(config, batch, tokens, bytes_per_number):
    total = 0
    for _layer in range(config.num_hidden_layers):
        for _which in ("key", "value"):
            total += batch * _key_heads(config) * tokens * _head(config)
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

    key = torch.empty(batch, _key_heads(config), tokens, _head(config), device="meta")
    return (key.numel() + key.numel()) * config.num_hidden_layers * bytes_per_number


@right
def per_token_first(config, batch, tokens, bytes_per_number):
    def of_one_token():
        share = _key_heads(config) / config.num_attention_heads
        queries = _head(config) * config.num_attention_heads
        return 2 * share * queries * config.num_hidden_layers

    return round(of_one_token()) * (batch * tokens) * bytes_per_number


@right
def in_gigabytes_and_back(config, batch, tokens, bytes_per_number):
    gigabytes = 2 * config.num_hidden_layers * _key_heads(config) * _head(config) * bytes_per_number / 1e9
    return gigabytes * batch * tokens * 1e9


PARTS = (
    (
        "keys and values of every layer, token and text",
        1.0,
        ("every head has its own", "every head has its own, again"),
        (
            "keys without values",
            "the batch is forgotten",
            "the layers are forgotten",
            "the tokens are forgotten",
            "the bytes of a number",
            "bits instead of bytes",
            "bytes_per_number is read",
            "gibibytes",
            "gigabytes",
            "mebibytes",
            "megabytes",
            "one token too few",
        ),
    ),
    (
        "fewer heads for keys and values",
        1.0,
        ("grouped", "one for all"),
        ("the whole width is kept", "the size of a group"),
    ),
    ("a head of a size of its own", 0.5, ("wide heads", "every head has its own")),
    ("a configuration that names neither", 0.5, ("GPT-2", "every head has its own")),
)
EXERCISE = exercise("kv_cache_bytes", "07", kv_cache_bytes, draw, PARTS, catalogue)
