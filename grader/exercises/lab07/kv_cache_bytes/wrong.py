"""Wrong ways to write kv_cache_bytes."""

from __future__ import annotations

from grader.exercises.lab07.kv_cache_bytes.rule import head_of, key_heads, kv_cache_bytes
from grader.exercises.ordinary import Catalogue

catalogue = Catalogue()
wrong = catalogue.wrong


@wrong(
    "the query heads are counted instead of the key-value heads",
    "Multiplies by num_attention_heads.",
    "How many heads have keys of their own? Look at num_key_value_heads.",
)
def query_heads(config, batch, tokens, bytes_per_number):
    heads = config.num_attention_heads
    return float(2 * config.num_hidden_layers * heads * head_of(config) * batch * tokens * bytes_per_number)


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


@wrong(
    "bytes_per_number is rounded to a whole number",
    "Counts nothing for 4 bits, which are half a byte.",
    "How many bytes has a number of 4 bits, and what does int make of that?",
)
def whole_bytes(config, batch, tokens, bytes_per_number):
    return kv_cache_bytes(config, batch, tokens, int(bytes_per_number))


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
def derivedhead_of(config, batch, tokens, bytes_per_number):
    head = config.hidden_size // config.num_attention_heads
    return float(2 * config.num_hidden_layers * key_heads(config) * head * batch * tokens * bytes_per_number)


@wrong(
    "a GPT-2 has no num_key_value_heads, and this stops there",
    "Reads an entry that not every configuration has.",
    "If a configuration names no key-value heads, how many are there?",
)
def no_default(config, batch, tokens, bytes_per_number):
    heads = config.num_key_value_heads
    return float(2 * config.num_hidden_layers * heads * head_of(config) * batch * tokens * bytes_per_number)


@wrong(
    "head_dim is read where a configuration has none, and this stops there",
    "Reads an entry that not every configuration has.",
    "If a configuration names no head_dim, from which two entries does the size of a head follow?",
)
def no_defaulthead_of(config, batch, tokens, bytes_per_number):
    head = config.head_dim
    return float(2 * config.num_hidden_layers * key_heads(config) * head * batch * tokens * bytes_per_number)


@wrong(
    "where no head_dim is named, the width is divided by the key-value heads",
    "Takes hidden_size / num_key_value_heads for the size of a head.",
    "The width is divided among heads. Among which: those of the queries or those of the keys?",
)
def head_of_thekey_heads(config, batch, tokens, bytes_per_number):
    head = getattr(config, "head_dim", None) or config.hidden_size // key_heads(config)
    return float(2 * config.num_hidden_layers * key_heads(config) * head * batch * tokens * bytes_per_number)


@wrong(
    "the size of a group is taken for the number of key-value heads",
    "Uses num_attention_heads / num_key_value_heads.",
    "Which number is it: how many heads share a key, or how many keys there are?",
)
def group_size(config, batch, tokens, bytes_per_number):
    heads = config.num_attention_heads // key_heads(config)
    return float(2 * config.num_hidden_layers * heads * head_of(config) * batch * tokens * bytes_per_number)


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
    return float(2 * config.num_hidden_layers * key_heads(config) * batch * tokens * bytes_per_number)
