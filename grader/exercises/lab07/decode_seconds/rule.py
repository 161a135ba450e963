"""What is right, and the times that wrong and right ways to write decode_seconds share."""

from __future__ import annotations


def decode_seconds(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    reading = (parameters * bytes_per_parameter + cache_bytes) / bandwidth
    return float(max(reading, 2 * parameters * batch / rate))


def both_times(parameters, size, cached, batch, bandwidth, rate):
    return (parameters * size + cached) / bandwidth, 2 * parameters * batch / rate


def three_parts(parameters, size, cached, batch, bandwidth, rate):
    """The seconds of reading the weights, of reading the cache, and of the arithmetic."""
    return parameters * size / bandwidth, cached / bandwidth, 2 * parameters * batch / rate
