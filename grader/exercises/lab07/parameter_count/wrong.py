"""Wrong ways to write parameter_count."""

from __future__ import annotations

from grader.exercises.lab07.parameter_count.rule import counted_by_parts, key_numbers, query_numbers
from grader.exercises.ordinary import Catalogue

catalogue = Catalogue()
wrong = catalogue.wrong


# Embeddings and output layer


@wrong(
    "a tied output layer is counted a second time",
    "Adds the output layer although it is the embedding.",
    "If tie_word_embeddings is True, how many tables does the file hold?",
)
def tied_twice(config):
    return counted_by_parts(config, output=config.vocab_size * config.hidden_size)


@wrong(
    "the output layer is never counted",
    "Leaves the output layer out even where it has weights of its own.",
    "What turns the last state into logits, and whose weights are these if they are not tied?",
)
def no_output(config):
    return counted_by_parts(config, output=0)


@wrong(
    "tie_word_embeddings is read the wrong way round",
    "Adds the output layer where it is tied, and leaves it out where it is not.",
    "Does tied mean one table or two?",
)
def tied_inverted(config):
    return counted_by_parts(config, output=config.vocab_size * config.hidden_size * config.tie_word_embeddings)


@wrong(
    "no embedding is counted",
    "Counts blocks and norms alone.",
    "Where does the vector of a token come from?",
)
def no_embedding(config):
    return counted_by_parts(config) - config.vocab_size * config.hidden_size * (2 - config.tie_word_embeddings)


@wrong(
    "a table of positions is counted",
    "Adds context times width, as in GPT-2.",
    "Where does a Llama keep its positions: in a table, or in how it turns queries and keys?",
)
def with_positions(config):
    return counted_by_parts(config) + config.max_position_embeddings * config.hidden_size


@wrong(
    "the output layer has a bias",
    "Adds one number for each token of the vocabulary.",
    "Does a Llama's output layer have a bias?",
)
def output_bias(config):
    return counted_by_parts(config) + config.vocab_size


# Attention


@wrong(
    "the query heads are taken for the key-value heads",
    "Gives every query head a key and a value of its own.",
    "What does num_key_value_heads say, and which two matrices does it shrink?",
)
def query_heads(config):
    return counted_by_parts(config, key_heads=config.num_attention_heads)


@wrong(
    "a head is taken as width over heads although the configuration names its size",
    "Ignores head_dim.",
    "Read head_dim. Must heads times head_dim be the width?",
)
def derived_head(config):
    return counted_by_parts(config, head=config.hidden_size // config.num_attention_heads)


@wrong(
    "attention as four square matrices",
    "Takes 4 width^2, which ignores grouped heads and head_dim.",
    "Which of the four matrices is square if there are fewer key-value heads?",
)
def four_squares(config):
    return counted_by_parts(config, matrices=4 * config.hidden_size**2)


@wrong(
    "the matrix behind the heads (o_proj) is forgotten",
    "Counts queries, keys and values only.",
    "What brings the heads' outputs back to the width of the model?",
)
def no_output_projection(config):
    return counted_by_parts(config) - config.num_hidden_layers * config.hidden_size * query_numbers(config)


@wrong(
    "the values are forgotten",
    "Counts one matrix for keys and values together.",
    "What are K and V: one matrix or two?",
)
def no_values(config):
    keys = config.num_key_value_heads * config.head_dim
    return counted_by_parts(config) - config.num_hidden_layers * config.hidden_size * keys


@wrong(
    "the size of a group is taken for the number of key-value heads",
    "Uses heads / num_key_value_heads as the number of heads.",
    "Which number is it: how many heads share a key, or how many keys there are?",
)
def group_size(config):
    return counted_by_parts(config, key_heads=config.num_attention_heads // config.num_key_value_heads)


@wrong(
    "biases are forgotten",
    "Ignores attention_bias.",
    "What does attention_bias add to q, k, v and o?",
)
def no_biases(config):
    return counted_by_parts(config, biases=0)


@wrong(
    "only q, k and v get a bias, o does not",
    "Leaves the bias behind the heads out.",
    "Which of the four matrices has a bias here? How long is it for o?",
)
def no_bias_behind(config):
    return counted_by_parts(config, biases=(query_numbers(config) + 2 * key_numbers(config)) * config.attention_bias)


@wrong(
    "biases are counted although the configuration has none",
    "Adds them whatever attention_bias says.",
    "What does attention_bias say?",
)
def always_biases(config):
    return counted_by_parts(config, biases=query_numbers(config) + 2 * key_numbers(config) + config.hidden_size)


@wrong(
    "the bias of o is as long as the heads together, not as the width",
    "Counts 2 heads head_dim + 2 key-value heads head_dim.",
    "A bias is added to a matrix's output. What is the output of o_proj, and how long is it?",
)
def bias_behind_of_the_heads(config):
    return counted_by_parts(config, biases=2 * (query_numbers(config) + key_numbers(config)) * config.attention_bias)


@wrong(
    "every bias is as long as the width",
    "Counts four biases of hidden_size numbers.",
    "A bias is as long as its matrix's output. Which of the four outputs are as long as the width?",
)
def four_biases_of_the_width(config):
    return counted_by_parts(config, biases=4 * config.hidden_size * config.attention_bias)


# Everything else of a block


@wrong(
    "the feed-forward part has two matrices instead of three",
    "Leaves the gate out.",
    "What are gate_proj, up_proj and down_proj?",
)
def two_matrices(config):
    return counted_by_parts(config, mlp=2 * config.hidden_size * config.intermediate_size)


@wrong(
    "the feed-forward part is four times as wide as the model",
    "Takes 4 width instead of intermediate_size.",
    "Which entry of the configuration says how wide the feed-forward part is?",
)
def four_times_as_wide(config):
    return counted_by_parts(config, mlp=3 * config.hidden_size * 4 * config.hidden_size)


@wrong(
    "two feed-forward matrices, four times as wide as the model: a GPT-2's",
    "Counts 8 width^2 for the feed-forward part.",
    "How many matrices has the feed-forward part here, and how wide is it?",
)
def gpt2_mlp(config):
    return counted_by_parts(config, mlp=8 * config.hidden_size**2)


@wrong(
    "all norms are forgotten", "Counts matrices alone.", "What stands before attention, and what after the last block?"
)
def no_norms(config):
    return counted_by_parts(config, norms=0, final_norm=0)


@wrong(
    "the final norm is forgotten",
    "Counts the norms in the blocks only.",
    "What does the last state go through before the output layer?",
)
def no_final_norm(config):
    return counted_by_parts(config, final_norm=0)


@wrong(
    "the norms in the blocks are forgotten",
    "Counts the final norm only.",
    "What do attention and feed-forward part read: the state itself?",
)
def only_final_norm(config):
    return counted_by_parts(config, norms=0)


@wrong("one norm a block instead of two", "Counts one.", "How many parts of a block have a norm in front?")
def one_norm(config):
    return counted_by_parts(config, norms=config.hidden_size)


@wrong(
    "norms have a bias: they are RMS norms here, with a weight alone",
    "Counts two numbers for each feature of a norm, as in GPT-2.",
    "What does an RMS norm learn besides its weight?",
)
def norms_with_bias(config):
    return counted_by_parts(config, norms=4 * config.hidden_size, final_norm=2 * config.hidden_size)


@wrong("one block only", "Does not multiply by the number of layers.", "How many blocks are there?")
def one_block(config):
    return counted_by_parts(config, layers=1)


@wrong(
    "everything is multiplied by the number of layers",
    "Counts embeddings once a layer.",
    "Is there an embedding in every block?",
)
def all_in_layers(config):
    table = config.vocab_size * config.hidden_size * (2 - config.tie_word_embeddings)
    return counted_by_parts(config) + (config.num_hidden_layers - 1) * (table + config.hidden_size)


@wrong("bytes instead of parameters", "Multiplies by 2 bytes.", "How many numbers, not how many bytes, are there?")
def in_bytes(config):
    return 2 * counted_by_parts(config)
