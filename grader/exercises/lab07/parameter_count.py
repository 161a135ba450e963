"""parameter_count(config): how many parameters a Llama of this configuration has."""

from __future__ import annotations

import torch

from grader.exercises.lab07 import configs
from grader.exercises.ordinary import Catalogue, exercise
from utils.checks.records import Probe

catalogue = Catalogue()
wrong, right = catalogue.wrong, catalogue.right


def _counted(config, **other):
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
    return _counted(config)


def draw(random):
    yield Probe("plain", {"config": configs.llama(random)})
    yield Probe("plain too", {"config": configs.llama(random)})
    yield Probe("tied", {"config": configs.llama(random, tie_word_embeddings=True)})
    yield Probe("grouped", {"config": configs.grouped(random)})
    yield Probe("wide heads", {"config": configs.wide_heads(random)})
    yield Probe("with biases", {"config": configs.llama(random, attention_bias=True)})


# Embeddings and output layer


@wrong(
    "a tied output layer is counted a second time",
    "Adds the output layer although it is the embedding.",
    "If tie_word_embeddings is True, how many tables does the file hold?",
)
def tied_twice(config):
    return _counted(config, output=config.vocab_size * config.hidden_size)


@wrong(
    "the output layer is never counted",
    "Leaves the output layer out even where it has weights of its own.",
    "What turns the last state into logits, and whose weights are these if they are not tied?",
)
def no_output(config):
    return _counted(config, output=0)


@wrong(
    "tie_word_embeddings is read the wrong way round",
    "Adds the output layer where it is tied, and leaves it out where it is not.",
    "Does tied mean one table or two?",
)
def tied_inverted(config):
    return _counted(config, output=config.vocab_size * config.hidden_size * config.tie_word_embeddings)


@wrong(
    "no embedding is counted",
    "Counts blocks and norms alone.",
    "Where does the vector of a token come from?",
)
def no_embedding(config):
    return _counted(config) - config.vocab_size * config.hidden_size * (2 - config.tie_word_embeddings)


@wrong(
    "a table of positions is counted",
    "Adds context times width, as in GPT-2.",
    "Where does a Llama keep its positions: in a table, or in how it turns queries and keys?",
)
def with_positions(config):
    return _counted(config) + config.max_position_embeddings * config.hidden_size


@wrong(
    "the output layer has a bias",
    "Adds one number for each token of the vocabulary.",
    "Does a Llama's output layer have a bias?",
)
def output_bias(config):
    return _counted(config) + config.vocab_size


# Attention


@wrong(
    "the query heads are taken for the key-value heads",
    "Gives every query head a key and a value of its own.",
    "What does num_key_value_heads say, and which two matrices does it shrink?",
)
def query_heads(config):
    return _counted(config, key_heads=config.num_attention_heads)


@wrong(
    "a head is taken as width over heads although the configuration names its size",
    "Ignores head_dim.",
    "Read head_dim. Must heads times head_dim be the width?",
)
def derived_head(config):
    return _counted(config, head=config.hidden_size // config.num_attention_heads)


@wrong(
    "attention as four square matrices",
    "Takes 4 width^2, which ignores grouped heads and head_dim.",
    "Which of the four matrices is square if there are fewer key-value heads?",
)
def four_squares(config):
    return _counted(config, matrices=4 * config.hidden_size**2)


@wrong(
    "the matrix behind the heads (o_proj) is forgotten",
    "Counts queries, keys and values only.",
    "What brings the heads' outputs back to the width of the model?",
)
def no_output_projection(config):
    return _counted(config) - config.num_hidden_layers * config.hidden_size * _queries(config)


@wrong(
    "the values are forgotten",
    "Counts one matrix for keys and values together.",
    "What are K and V: one matrix or two?",
)
def no_values(config):
    keys = config.num_key_value_heads * config.head_dim
    return _counted(config) - config.num_hidden_layers * config.hidden_size * keys


@wrong(
    "the size of a group is taken for the number of key-value heads",
    "Uses heads / num_key_value_heads as the number of heads.",
    "Which number is it: how many heads share a key, or how many keys there are?",
)
def group_size(config):
    return _counted(config, key_heads=config.num_attention_heads // config.num_key_value_heads)


@wrong(
    "biases are forgotten",
    "Ignores attention_bias.",
    "What does attention_bias add to q, k, v and o?",
)
def no_biases(config):
    return _counted(config, biases=0)


@wrong(
    "only q, k and v get a bias, o does not",
    "Leaves the bias behind the heads out.",
    "Which of the four matrices has a bias here? How long is it for o?",
)
def no_bias_behind(config):
    return _counted(config, biases=(_queries(config) + 2 * _keys(config)) * config.attention_bias)


@wrong(
    "biases are counted although the configuration has none",
    "Adds them whatever attention_bias says.",
    "What does attention_bias say?",
)
def always_biases(config):
    return _counted(config, biases=_queries(config) + 2 * _keys(config) + config.hidden_size)


# Everything else of a block


@wrong(
    "the feed-forward part has two matrices instead of three",
    "Leaves the gate out.",
    "What are gate_proj, up_proj and down_proj?",
)
def two_matrices(config):
    return _counted(config, mlp=2 * config.hidden_size * config.intermediate_size)


@wrong(
    "the feed-forward part is four times as wide as the model",
    "Takes 4 width instead of intermediate_size.",
    "Which entry of the configuration says how wide the feed-forward part is?",
)
def four_times_as_wide(config):
    return _counted(config, mlp=3 * config.hidden_size * 4 * config.hidden_size)


@wrong(
    "two feed-forward matrices, four times as wide as the model: a GPT-2's",
    "Counts 8 width^2 for the feed-forward part.",
    "How many matrices has the feed-forward part here, and how wide is it?",
)
def gpt2_mlp(config):
    return _counted(config, mlp=8 * config.hidden_size**2)


@wrong(
    "all norms are forgotten", "Counts matrices alone.", "What stands before attention, and what after the last block?"
)
def no_norms(config):
    return _counted(config, norms=0, final_norm=0)


@wrong(
    "the final norm is forgotten",
    "Counts the norms in the blocks only.",
    "What does the last state go through before the output layer?",
)
def no_final_norm(config):
    return _counted(config, final_norm=0)


@wrong(
    "the norms in the blocks are forgotten",
    "Counts the final norm only.",
    "What do attention and feed-forward part read: the state itself?",
)
def only_final_norm(config):
    return _counted(config, norms=0)


@wrong("one norm a block instead of two", "Counts one.", "How many parts of a block have a norm in front?")
def one_norm(config):
    return _counted(config, norms=config.hidden_size)


@wrong(
    "norms have a bias: they are RMS norms here, with a weight alone",
    "Counts two numbers for each feature of a norm, as in GPT-2.",
    "What does an RMS norm learn besides its weight?",
)
def norms_with_bias(config):
    return _counted(config, norms=4 * config.hidden_size, final_norm=2 * config.hidden_size)


@wrong("one block only", "Does not multiply by the number of layers.", "How many blocks are there?")
def one_block(config):
    return _counted(config, layers=1)


@wrong(
    "everything is multiplied by the number of layers",
    "Counts embeddings once a layer.",
    "Is there an embedding in every block?",
)
def all_in_layers(config):
    table = config.vocab_size * config.hidden_size * (2 - config.tie_word_embeddings)
    return _counted(config) + (config.num_hidden_layers - 1) * (table + config.hidden_size)


@wrong("bytes instead of parameters", "Multiplies by 2 bytes.", "How many numbers, not how many bytes, are there?")
def in_bytes(config):
    return 2 * _counted(config)


def _queries(config):
    return config.num_attention_heads * config.head_dim


def _keys(config):
    return config.num_key_value_heads * config.head_dim


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
        for out in (_queries(config), _keys(config), _keys(config)):
            total += config.hidden_size * out + (out if config.attention_bias else 0)
        total += _queries(config) * config.hidden_size + (config.hidden_size if config.attention_bias else 0)
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
    attention = linear(width, _queries(config), bias) + 2 * linear(width, _keys(config), bias)
    attention += linear(_queries(config), width, bias)
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
    outs = torch.tensor([_queries(config), _keys(config), _keys(config)])
    block = int((outs * width).sum()) + _queries(config) * width + int(config.attention_bias) * int(outs.sum() + width)
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


PARTS = (
    ("matrices, norms and tables", 2.0, ("plain", "plain too")),
    ("a tied output layer", 1.0, ("tied", "plain")),
    ("grouped key-value heads", 1.0, ("grouped", "plain")),
    ("heads of a size of their own", 1.0, ("wide heads", "plain")),
    ("biases", 1.0, ("with biases", "plain")),
)
EXERCISE = exercise("parameter_count", "07", parameter_count, draw, PARTS, catalogue)
