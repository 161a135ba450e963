"""decode_seconds(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate): a step, as a limit."""

from __future__ import annotations

import numpy as np

from grader.exercises.ordinary import Catalogue, exercise
from utils.checks.records import Probe

catalogue = Catalogue()
wrong, right = catalogue.wrong, catalogue.right


def decode_seconds(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    reading = (parameters * bytes_per_parameter + cache_bytes) / bandwidth
    return float(max(reading, 2 * parameters * batch / rate))


MEMORY, ARITHMETIC = ("one text", "many long texts", "four bits"), ("a large batch", "a slow processor")


def draw(random):
    """Sizes whose limit is clear, so that a mistake in one of both times costs the probes of that one alone."""
    bandwidth = 1e12
    for name in (*MEMORY, *ARITHMETIC):
        parameters = int(random.integers(1_000, 9_000)) * 1_000_000
        size = {"four bits": 0.5, "a slow processor": 4}.get(name, 2)
        batch = {"one text": 1, "many long texts": 24, "four bits": 3, "a large batch": 8, "a slow processor": 2}[name]
        share = {"many long texts": 0.8, "a large batch": 0.5}.get(name, 0.25) * random.uniform(0.8, 1.2)
        cached = round(share * parameters * size)
        reading = (parameters * size + cached) / bandwidth
        computing = reading * (random.uniform(0.1, 0.3) if name in MEMORY else random.uniform(12, 16))
        rate = round(2 * parameters * batch / computing)
        numbers = (parameters, size, cached, batch, bandwidth, float(rate))
        yield Probe(name, dict(zip(NAMES, numbers, strict=True)))


NAMES = ("parameters", "bytes_per_parameter", "cache_bytes", "batch", "bandwidth", "rate")


def _parts(parameters, size, cached, batch, bandwidth, rate):
    return (parameters * size + cached) / bandwidth, 2 * parameters * batch / rate


@wrong(
    "both times are added, but reading and computing happen at once",
    "Takes the sum where it is the larger.",
    "While the processor multiplies, does the memory wait?",
)
def summed(*numbers):
    return sum(_parts(*numbers))


@wrong(
    "the smaller of both times instead of the larger",
    "Takes the minimum.",
    "A step needs the numbers and the products. Which of the two does it wait for?",
)
def smaller(*numbers):
    return min(_parts(*numbers))


@wrong("arithmetic is forgotten", "Returns the time of reading.", "What if a batch of 512 texts is written at once?")
def reading_only(*numbers):
    return _parts(*numbers)[0]


@wrong(
    "reading is forgotten",
    "Returns the time of computing.",
    "For one text, every weight is used for a single product. What does the processor wait for?",
)
def computing_only(*numbers):
    return _parts(*numbers)[1]


@wrong(
    "FLOP without the 2",
    "Counts one operation for each weight.",
    "A product is added to a sum: how many operations is that for one weight?",
)
def without_the_two(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    reading, computing = _parts(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate)
    return max(reading, computing / 2)


@wrong(
    "6 FLOP for each weight: that is a training step",
    "Charges a backward pass.",
    "Is there a backward pass when text is written?",
)
def six(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    reading, computing = _parts(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate)
    return max(reading, 3 * computing)


@wrong(
    "the batch is forgotten in the arithmetic",
    "Computes one token for the whole batch.",
    "How many tokens does a step compute?",
)
def no_batch(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    return max(_parts(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate)[0], 2 * parameters / rate)


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
    reading, computing = _parts(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate)
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
    reading, computing = _parts(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate)
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


@right
def with_an_if(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    memory_time = (cache_bytes + bytes_per_parameter * parameters) / bandwidth
    compute_time = batch * parameters * 2 / rate
    if memory_time > compute_time:
        return memory_time
    return compute_time


@right
def sorted_times(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    return sorted(
        [parameters * bytes_per_parameter / bandwidth + cache_bytes / bandwidth, batch * 2 * parameters / rate]
    )[-1]


@right
def with_numpy(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    needed = np.array([parameters * bytes_per_parameter + cache_bytes, 2.0 * parameters * batch])
    return float((needed / np.array([bandwidth, rate])).max())


@right
def with_torch(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    import torch

    bytes_, flop = parameters * bytes_per_parameter + cache_bytes, 2 * parameters * batch
    return torch.maximum(torch.tensor(bytes_ / bandwidth).double(), torch.tensor(flop / rate).double()).item()


@right
def by_intensity(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    flop, moved = 2 * parameters * batch, parameters * bytes_per_parameter + cache_bytes
    reachable = min(rate, flop / moved * bandwidth)
    return flop / reachable


@right
def with_helpers(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    def seconds(amount, speed):
        return amount / speed

    weights = parameters * bytes_per_parameter
    return max(seconds(weights + cache_bytes, bandwidth), seconds(2 * batch * parameters, rate))


@right
def in_giga(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    gigabytes = (parameters * bytes_per_parameter + cache_bytes) / 1e9
    return max(gigabytes / (bandwidth / 1e9), 2 * (parameters / 1e9) * batch / (rate / 1e9))


@right
def text_by_text(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    computing = 0.0
    for _ in range(batch):
        computing += 2 * parameters / rate
    reading = sum(part / bandwidth for part in (parameters * bytes_per_parameter, cache_bytes))
    return computing if computing >= reading else reading


@right
def half_of_sum_and_difference(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    reading, computing = _parts(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate)
    return (reading + computing + abs(reading - computing)) / 2


PARTS = (
    ("where the memory is the limit", 1.5, MEMORY, ("seconds for one text's share", "milliseconds", "steps a second")),
    ("where the arithmetic is the limit", 1.5, ARITHMETIC),
)
EXERCISE = exercise("decode_seconds", "07", decode_seconds, draw, PARTS, catalogue)
