"""Right ways to write decode_seconds, in other styles."""

from __future__ import annotations

import numpy as np

from grader.exercises.lab07.decode_seconds.rule import both_times
from grader.exercises.lab07.decode_seconds.wrong import catalogue

right = catalogue.right


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
    reading, computing = both_times(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate)
    return (reading + computing + abs(reading - computing)) / 2
