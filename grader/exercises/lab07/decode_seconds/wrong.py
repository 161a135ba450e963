"""Wrong ways to write decode_seconds."""

from __future__ import annotations

from grader.exercises.lab07.decode_seconds.rule import both_times, decode_seconds, three_parts
from grader.exercises.ordinary import Catalogue

catalogue = Catalogue()
wrong = catalogue.wrong


@wrong(
    "both times are added, but reading and computing happen at once",
    "Takes the sum where it is the larger.",
    "While the processor multiplies, does the memory wait?",
)
def summed(*numbers):
    return sum(both_times(*numbers))


@wrong(
    "the smaller of both times instead of the larger",
    "Takes the minimum.",
    "A step needs the numbers and the products. Which of the two does it wait for?",
)
def smaller(*numbers):
    return min(both_times(*numbers))


@wrong("arithmetic is forgotten", "Returns the time of reading.", "What if a batch of 512 texts is written at once?")
def reading_only(*numbers):
    return both_times(*numbers)[0]


@wrong(
    "reading is forgotten",
    "Returns the time of computing.",
    "For one text, every weight is used for a single product. What does the processor wait for?",
)
def computing_only(*numbers):
    return both_times(*numbers)[1]


@wrong(
    "FLOP without the 2",
    "Counts one operation for each weight.",
    "A product is added to a sum: how many operations is that for one weight?",
)
def without_the_two(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    reading, computing = both_times(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate)
    return max(reading, computing / 2)


@wrong(
    "6 FLOP for each weight: that is a training step",
    "Charges a backward pass.",
    "Is there a backward pass when text is written?",
)
def six(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    reading, computing = both_times(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate)
    return max(reading, 3 * computing)


@wrong(
    "the batch is forgotten in the arithmetic",
    "Computes one token for the whole batch.",
    "How many tokens does a step compute?",
)
def no_batch(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    return max(
        both_times(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate)[0], 2 * parameters / rate
    )


@wrong(
    "the weights are read once for each text",
    "Multiplies the weights' bytes by the batch.",
    "Why does a batch pay at all? How often must a weight be read for all its texts?",
)
def read_again(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    reading = (batch * parameters * bytes_per_parameter + cache_bytes) / bandwidth
    return max(reading, 2 * parameters * batch / rate)


@wrong(
    "keys and values are not read",
    "Leaves cache_bytes out.",
    "What does attention look at in each step besides the weights?",
)
def no_cache(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    return max(parameters * bytes_per_parameter / bandwidth, 2 * parameters * batch / rate)


@wrong(
    "the largest of three times, but weights and cache are read one after the other",
    "Takes the maximum of weights, cache and arithmetic, each apart.",
    "Weights and caches come through the same memory. How long does it take to read both?",
)
def three_times(*numbers):
    weights, cache, arithmetic = three_parts(*numbers)
    return max(weights, cache, arithmetic)


@wrong(
    "the smallest of three times, where two are added and the larger counts",
    "Takes the minimum of weights, cache and arithmetic, each apart.",
    "Weights and caches come through the same memory. What does a step wait for?",
)
def smallest_of_three(*numbers):
    weights, cache, arithmetic = three_parts(*numbers)
    return min(weights, cache, arithmetic)


@wrong(
    "the cache's time is added to the arithmetic instead of to the weights'",
    "Takes the larger of weights, and cache and arithmetic together.",
    "Which of the three times belong to the memory?",
)
def cache_with_arithmetic(*numbers):
    weights, cache, arithmetic = three_parts(*numbers)
    return max(weights, cache + arithmetic)


@wrong(
    "the cache's time is added after the larger one is taken",
    "Takes the larger of weights and arithmetic, and adds the cache to it.",
    "Does the processor stand idle while the caches are read?",
)
def cache_behind(*numbers):
    weights, cache, arithmetic = three_parts(*numbers)
    return max(weights, arithmetic) + cache


@wrong(
    "the weights are not read",
    "Leaves the weights' bytes out.",
    "What must come from the memory before a product can be computed?",
)
def no_weights(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    return max(cache_bytes / bandwidth, 2 * parameters * batch / rate)


@wrong(
    "cache_bytes is multiplied by the batch, but it is of all texts already",
    "Counts the batch twice.",
    "Read again what cache_bytes holds: one text or all?",
)
def cache_again(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    reading = (parameters * bytes_per_parameter + batch * cache_bytes) / bandwidth
    return max(reading, 2 * parameters * batch / rate)


@wrong(
    "everything that is read is multiplied by the batch",
    "Reads weights and caches once for each text.",
    "Which of both is shared by all texts, and which is already of all texts?",
)
def all_again(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    reading, computing = both_times(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate)
    return max(batch * reading, computing)


@wrong(
    "bits for bytes: the weights are eight times too large",
    "Multiplies by 8.",
    "Is bytes_per_parameter in bits or in bytes?",
)
def in_bits(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    return max((8 * parameters * bytes_per_parameter + cache_bytes) / bandwidth, 2 * parameters * batch / rate)


@wrong(
    "bits for bytes: everything that is read is eight times too large",
    "Multiplies weights and caches by 8.",
    "Is the bandwidth in bits or in bytes a second?",
)
def all_in_bits(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    return decode_seconds(parameters, 8 * bytes_per_parameter, 8 * cache_bytes, batch, bandwidth, rate)


@wrong(
    "bytes_per_parameter is read as bits",
    "Divides the weights by 8.",
    "How many bytes has a weight of 4 bits?",
)
def from_bits(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    return max((parameters * bytes_per_parameter / 8 + cache_bytes) / bandwidth, 2 * parameters * batch / rate)


@wrong(
    "parameters are taken for bytes",
    "Forgets bytes_per_parameter.",
    "What does the memory hand over: numbers or bytes?",
)
def numbers_for_bytes(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    return max((parameters + cache_bytes) / bandwidth, 2 * parameters * batch / rate)


@wrong(
    "the arithmetic is done on bytes instead of on numbers",
    "Multiplies FLOP by bytes_per_parameter.",
    "Does a product cost more operations if its numbers have more bytes?",
)
def flop_of_bytes(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    reading, computing = both_times(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate)
    return max(reading, computing * bytes_per_parameter)


@wrong(
    "seconds for one text's share, not for the step",
    "Divides by the batch.",
    "All texts of the batch get their token at the same moment. When is that?",
)
def per_text(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    return decode_seconds(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate) / batch


@wrong("steps a second instead of seconds a step", "Returns the inverse.", "In which unit is your answer?")
def inverted(*numbers):
    return 1 / decode_seconds(*numbers)


@wrong("tokens a second instead of seconds", "Returns batch over seconds.", "In which unit is your answer?")
def tokens_a_second(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    return batch / decode_seconds(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate)


@wrong("milliseconds instead of seconds", "Multiplies by 1000.", "In which unit is your answer?")
def in_milliseconds(*numbers):
    return 1000 * decode_seconds(*numbers)


@wrong(
    "bandwidth and rate are exchanged",
    "Divides bytes by FLOP a second.",
    "What are the units of bytes over bandwidth, and of bytes over rate?",
)
def exchanged(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    return decode_seconds(parameters, bytes_per_parameter, cache_bytes, batch, rate, bandwidth)
